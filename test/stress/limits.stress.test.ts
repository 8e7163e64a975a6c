import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GAUGE_INFLIGHT, Gauges } from '../../engine/memory/gauges.ts'
import type { LimitsText } from '../../engine/memory/service-text.ts'
import { eventually } from '../support/eventually.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'
import { GuardedStress } from './guarded-stress.ts'
import { HELD_MOST, PICKED, REFUSED, WRONG } from './guarded-thread.ts'

/** Four threads want twelve; the service may have five, and each of its two endpoints three. */
const THREADS = 4
const LIMITS: LimitsText = { requests: 5, connections: 0, retries: 0, endpointRequests: 3 }
const MOST = { endpointMost: 3, serviceMost: 5 }

function worldOf(limits: LimitsText | undefined): TinyWorld {
  return tinyWorld({ a: {}, b: {} }, { text: limits === undefined ? {} : { limits } })
}

test('limits: never more in flight than may be, while four threads want more', async t => {
  const world = worldOf(LIMITS)
  const stress = new GuardedStress(world, MOST)
  stress.start('hold', THREADS)
  await eventually('requests are let in and refused', () => stress.count(PICKED) > 1000 && stress.count(REFUSED) > 1000)
  await eventually('every place is used', () => stress.count(HELD_MOST) >= LIMITS.requests)
  await new Promise(resolve => setTimeout(resolve, 1800))
  await stress.stop()
  t.diagnostic(
    `${stress.count(PICKED)} picked, ${stress.count(REFUSED)} refused, at most ${stress.count(HELD_MOST)} in flight`,
  )
  assert.equal(stress.count(WRONG), 0, 'more in flight than may be')
  assert.equal(stress.count(HELD_MOST), LIMITS.requests)
  for (const row of world.rows()) assert.equal(world.attachment.tally.inflight(row), 0)
  const gauges = new Gauges(world.region, world.attachment.seat, world.service)
  assert.equal(gauges.sum(GAUGE_INFLIGHT), 0)
  world.close()
})

test('limits: the same threads without them do have more in flight: the test has eyes', async () => {
  const world = worldOf(undefined)
  const stress = new GuardedStress(world, MOST)
  stress.start('hold', THREADS)
  await eventually('more is in flight than may be', () => stress.count(WRONG) > 0, 20_000)
  await stress.stop()
  world.close()
})
