import assert from 'node:assert/strict'
import { test } from 'node:test'
import { liveADay } from './a-day.ts'

/** A day where the proof is asked for; else two hours of it, which take a second. */
const HOURS = process.env.SIGNALBOX_PROOF === 'full' ? 24 : 2

test('a day of the control plane is the same, byte for byte, when it is lived again with one seed', async t => {
  const sinceMs = performance.now()
  const one = await liveADay(0x5eed1, HOURS)
  const tookMs = performance.now() - sinceMs
  const again = await liveADay(0x5eed1, HOURS)
  const { picks, failedPicks, kills, illnesses, digest, journal } = one
  t.diagnostic(
    `${HOURS} hours in ${(tookMs / 1000).toFixed(1)} s: ${picks} picks, ${failedPicks} failed, ${illnesses} illnesses, ${kills} kills, ` +
      `a journal of ${journal.split('\n').length - 1} entries at the end, sha256 ${digest.slice(0, 16)}`,
  )
  assert.equal(failedPicks, 0)
  assert.ok(journal.length > 1_000, 'something has happened')
  assert.equal(again.journal, journal)
  assert.equal(again.digest, digest)
  // The test has eyes: another seed is another day.
  assert.notEqual((await liveADay(0x5eed2, 1)).digest, (await liveADay(0x5eed1, 1)).digest)
})
