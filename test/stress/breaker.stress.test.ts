import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TRIPPED } from '../../engine/memory/bars.ts'
import { BREAKER_PROBE, ROW_WORDS } from '../../engine/memory/layout.ts'
import type { BreakerText } from '../../engine/memory/service-text.ts'
import { eventually } from '../support/eventually.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'
import { GuardedStress } from './guarded-stress.ts'
import { MET, PICKED, PROBES, WRONG } from './guarded-thread.ts'

/** Opens with every failure and is due at once, so that all threads are after the next probe. */
const BREAKER: BreakerText = {
  consecutiveFailures: 1,
  errorRate: 0,
  errorRateVolume: 10,
  windowMs: 1000,
  openForMs: 0,
  maxOpenForMs: 0,
  probes: 2,
}

const worldOf = (): TinyWorld => tinyWorld({ a: {} }, { panicThreshold: 0, text: { breaker: BREAKER } })

test('breaker: never two probes at one time, while three threads want them', async t => {
  const world = worldOf()
  const stress = new GuardedStress(world)
  stress.start('probe', 3)
  await eventually('probes are sent', () => stress.count(PROBES) > 1000)
  await new Promise(resolve => setTimeout(resolve, 1300))
  await stress.stop()
  t.diagnostic(`${stress.count(PROBES)} probes of ${stress.count(PICKED)} requests`)
  const [others, named, by] = stress.counters.subarray(MET)
  assert.equal(stress.count(WRONG), 0, `probes met: ${others} more were out, the row named ${named}, seen by ${by}`)
  const row = world.row('a')
  assert.equal(world.region.words[world.region.layout.endpointsAt + row * ROW_WORDS + BREAKER_PROBE], 0)
  // It is not stuck: two probes that pass close it.
  for (let i = 0; i < 2; i++) world.router.settle(world.router.pick(), 'ok', 1)
  assert.equal(world.endpoints.bars(row) & TRIPPED, 0)
  world.close()
})

test('breaker: with a claim by load and store two probes do meet: the test has eyes', async t => {
  const world = worldOf()
  const stress = new GuardedStress(world)
  stress.start('probe without a claim', 3)
  await eventually('two probes are out at one time', () => stress.count(WRONG) > 0, 60_000)
  await stress.stop()
  t.diagnostic(`${stress.count(WRONG)} of ${stress.count(PROBES)} probes met another`)
  world.close()
})
