import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DRAINING, EJECTED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { putClockForward, readClock } from '../../engine/memory/clock.ts'
import { hashKey } from '../../engine/memory/hash-key.ts'
import type { Region } from '../../engine/memory/region.ts'
import type { ServiceText } from '../../engine/memory/service-text.ts'
import { Rehearsal } from '../../engine/router/rehearsal.ts'
import { tinyWorld } from '../support/tiny-world.ts'

/** Those that throw no dice: one answer is right. */
const POLICIES: readonly ServiceText['policy'][] = [
  { name: 'round-robin' },
  { name: 'weighted-round-robin' },
  { name: 'weighted-round-robin', schedule: 'smooth' },
  { name: 'maglev' },
  { name: 'ring-hash' },
  { name: 'rendezvous' },
  { name: 'sticky', within: 'round-robin' },
]

const BREAKER = {
  ...{ consecutiveFailures: 2, errorRate: 0, errorRateVolume: 20, windowMs: 1000 },
  ...{ openForMs: 50, maxOpenForMs: 200, probes: 1 },
}
const LIMITS = { requests: 6, connections: 0, retries: 0, endpointRequests: 3 }

const IDS = ['a', 'b', 'c', 'd', 'e']
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('pick'), key: fc.nat(9), fails: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('bar'),
      id: fc.constantFrom(...IDS),
      bar: fc.constantFrom(DRAINING, EJECTED, UNHEALTHY),
      on: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('weigh'), id: fc.constantFrom(...IDS), weight: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.nat(80) }) },
)

/** All that picks may write to: what lies before the tables that are built for them. */
function picksWrite({ words, layout }: Region): Int32Array {
  return words.slice(0, layout.choicesAt)
}

test('a rehearsal answers what the next pick answers, under every policy without dice, and leaves no trace (AC-16)', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...POLICIES),
      fc.boolean(),
      fc.boolean(),
      fc.array(step, { maxLength: 60 }),
      (policy, isLimited, hasBreaker, steps) => {
        const text = { ...(isLimited && { limits: LIMITS }), ...(hasBreaker && { breaker: BREAKER }) }
        const world = tinyWorld(Object.fromEntries(IDS.map((id, i) => [id, { weight: 1 + (i % 3) }])), { policy, text })
        const rehearsal = new Rehearsal(world.another())
        const held: number[] = []
        for (const each of steps) {
          if (each.kind === 'bar') world.bar(each.id, each.bar, each.on)
          else if (each.kind === 'weigh') world.setWeight(each.id, each.weight)
          else if (each.kind === 'wait') putClockForward(world.region, readClock(world.region) + each.ms)
          else if (each.kind === 'settle' && held.length > 0) world.router.settle(held.shift()!, 'error', 1)
          else if (each.kind === 'pick') {
            const hash = policy.name.includes('robin') ? 0 : hashKey(`key ${each.key}`)
            rehearsal.pick('api', hash, 1) // may follow the structure, which moves a pin
            const before = picksWrite(world.region)
            const foretold = [rehearsal.pick('api', hash, 1), rehearsal.pick('api', hash, 1)]
            assert.deepEqual(picksWrite(world.region), before, 'nothing is written')
            const picked = world.router.pick(hash)
            assert.deepEqual(foretold, [picked, picked])
            if (picked >= 0 && each.fails) world.router.settle(picked, 'error', 1)
            else if (picked >= 0) held.push(picked)
          }
        }
        world.close()
      },
    ),
    { numRuns: 100, seed: 16 },
  )
})

test('a rehearsal for a service that is removed and comes back follows it, and an unknown one is refused', () => {
  const world = tinyWorld({ a: {}, b: {} }, { policy: 'round-robin' })
  const rehearsal = new Rehearsal(world.another())
  assert.ok(rehearsal.pick('api', 0, 1) >= 0)
  assert.throws(() => rehearsal.pick('other', 0, 1), { code: 'SBX_SERVICE_UNKNOWN' })
  world.bar('a', DRAINING)
  world.bar('b', DRAINING)
  assert.equal(rehearsal.pick('api', 0, 1), -1)
  world.close()
})
