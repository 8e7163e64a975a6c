import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Day } from './a-day.ts'

/** A day where the proof is asked for; else some more than half an hour of it. */
const [HOURS, OTHER_HOURS] = process.env.SIGNALBOX_PROOF === 'full' ? [24, 1] : [0.6, 0.1]
const SEED = 0x5eee1

const MAIN = fileURLToPath(new URL('./a-day.main.js', import.meta.url))

async function live(seed: number, hours: number): Promise<Day & { readonly tookMs: number }> {
  const sinceMs = performance.now()
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, `${seed}`, `${hours}`], { maxBuffer: 2 ** 28 })
  return { ...(JSON.parse(stdout) as Day), tookMs: performance.now() - sinceMs }
}

test('a day of the control plane is the same, byte for byte, when it is lived again with one seed', async t => {
  const [one, again] = await Promise.all([live(SEED, HOURS), live(SEED, HOURS)])
  const { picks, failedPicks, kills, illnesses, digest, journal, tookMs } = one
  t.diagnostic(
    `${HOURS} hours, twice at a time, in ${(tookMs / 1000).toFixed(1)} s: ${picks} picks, ${failedPicks} failed, ` +
      `${illnesses} illnesses, ${kills} kills, a journal of ${journal.split('\n').length - 1} entries at the end, sha256 ${digest}`,
  )
  assert.equal(failedPicks, 0)
  assert.ok(kills > 0 && illnesses > 0)
  assert.ok(journal.length > 1_000, 'something has happened')
  assert.equal(again.journal, journal)
  assert.equal(again.digest, digest)
})

test('… and another day with another seed: the comparison has eyes', async () => {
  const [one, other] = await Promise.all([live(SEED, OTHER_HOURS), live(SEED + 1, OTHER_HOURS)])
  assert.notEqual(one.digest, other.digest)
})
