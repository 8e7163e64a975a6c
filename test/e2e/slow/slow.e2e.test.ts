import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { pathOf } from '../../../native-bench/load/cores.ts'
import { haproxy, nginx, type Setup, signalbox } from '../faults/proxies.ts'
import { BODIES, HEADERS, READERS } from './peers.ts'
import { type Played, play, type Seen } from './play.ts'

/** SIGNALBOX_PROOF=full measures nginx and HAProxy beside, and holds the times to what is promised; a timing fails no other run. */
const IS_PROOF = process.env.SIGNALBOX_PROOF === 'full'
const BESIDE = IS_PROOF ? [haproxy('default'), nginx('default')] : []

const SLOW = HEADERS + BODIES + READERS

/**
 * Twice its quiet value is what is promised; a machine that does other things too adds some ms to either. Where the client itself was
 * later than LAG_MS with what it had to do, times say nothing, and are only shown.
 */
const RATIO_MAX = 2
const NOISE_MS = 20
const LAG_MS = 30

test(`beside ${SLOW} slow downstreams no request fails, and once these have come few take longer`, async t => {
  const { quiet, arriving, busy, count } = await playShown(t, signalbox('least-request', 'none'))
  for (const seen of [quiet, arriving, busy]) assert.deepEqual(seen.failed, [])
  assert.ok(count.cut > 0, 'those that send too slowly are cut')
  if (!IS_PROOF || quiet.lagMs > LAG_MS || busy.lagMs > LAG_MS) return
  assert.ok(busy.msP99 <= RATIO_MAX * quiet.msP99 + NOISE_MS, `${show('quiet', quiet)}, ${show('busy', busy)}`)
})

for (const setup of BESIDE) {
  const [program] = setup.name.split(',') as [string]
  const skip = pathOf(program) === undefined && `needs ${program}`
  test(`${setup.name}, beside ${SLOW} slow downstreams`, { skip }, async t => {
    const { busy } = await playShown(t, setup)
    assert.deepEqual(busy.failed, [])
  })
}

async function playShown(t: TestContext, setup: Setup): Promise<Played> {
  const played = await play(setup)
  const { quiet, arriving, busy, count } = played
  const parts = [show('alone', quiet), show('while they come', arriving), show(`beside ${count.open}`, busy)]
  t.diagnostic(`${setup.name}: ${parts.join('; ')}; ${count.cut} were cut`)
  return played
}

function show(when: string, { msP50, msP99, lagMs }: Seen): string {
  return `${when} p50 ${msP50.toFixed(1)} ms, p99 ${msP99.toFixed(1)} ms (client late by ${lagMs.toFixed(0)} ms at most)`
}
