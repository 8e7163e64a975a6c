import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PriorityLoads } from '../../engine/router/priority-load.ts'

/** Endpoints, healthy and degraded ones of a priority. */
type Counts = [endpoints: number, healthy: number, degraded?: number]

function loadsOf(priorities: Counts[], overprovisioning = 140, panicThreshold = 0.5): PriorityLoads {
  const loads = new PriorityLoads()
  loads.count = priorities.length
  priorities.forEach(([endpoints, healthy, degraded = 0], p) => {
    loads.endpoints[p] = endpoints
    loads.admitted[p] = endpoints
    loads.healthy[p] = healthy
    loads.degraded[p] = degraded
  })
  loads.derive(overprovisioning, panicThreshold)
  return loads
}

const first = (array: ArrayLike<number>, n: number): number[] => Array.from(array).slice(0, n)

interface Vector {
  counts: Counts[]
  healthy: number[]
  degraded?: number[]
  panic?: boolean
  factor?: number
  threshold?: number
}

/** The expectations of Envoy's load_balancer_impl_base_test.cc: OverProvisioningFactor, GentleFailover, … WithExtraLevels. */
const ENVOY: Vector[] = [
  {
    counts: [
      [4, 2],
      [4, 2],
    ],
    healthy: [70, 30],
  },
  {
    counts: [
      [4, 2],
      [4, 2],
    ],
    healthy: [50, 50],
    factor: 100,
  },
  {
    counts: [
      [1, 1],
      [1, 1],
    ],
    healthy: [100, 0],
  },
  {
    counts: [
      [2, 1],
      [2, 1],
    ],
    healthy: [70, 30],
  },
  {
    counts: [
      [4, 1],
      [2, 2],
    ],
    healthy: [35, 65],
  },
  {
    counts: [
      [4, 1],
      [4, 1],
    ],
    healthy: [50, 50],
    panic: true,
  },
  {
    counts: [
      [4, 0],
      [6, 1],
    ],
    healthy: [40, 60],
    panic: true,
  },
  {
    counts: [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
    healthy: [100, 0, 0],
  },
  {
    counts: [
      [2, 1],
      [2, 1],
      [2, 1],
    ],
    healthy: [70, 30, 0],
  },
  {
    counts: [
      [4, 1],
      [2, 2],
      [2, 1],
    ],
    healthy: [35, 65, 0],
  },
  {
    counts: [
      [4, 1],
      [4, 1],
      [4, 1],
    ],
    healthy: [35, 35, 30],
  },
  {
    counts: [
      [5, 1],
      [5, 1],
      [5, 1],
    ],
    healthy: [34, 33, 33],
    panic: true,
  },
  {
    counts: [
      [5, 0],
      [5, 0],
      [5, 5],
    ],
    healthy: [0, 0, 100],
  },
  {
    counts: [
      [5, 0],
      [5, 0],
      [5, 4],
    ],
    healthy: [0, 0, 100],
  },
  {
    counts: [
      [5, 0],
      [5, 0],
      [5, 2],
    ],
    healthy: [34, 33, 33],
    panic: true,
  },
  {
    counts: [
      [5, 0, 5],
      [5, 2, 2],
      [5, 2],
    ],
    healthy: [0, 56, 44],
  },
  {
    counts: [
      [5, 0],
      [3, 0],
      [2, 0],
    ],
    healthy: [50, 30, 20],
    panic: true,
  },
  {
    counts: [
      [5, 0],
      [6, 2],
      [3, 1],
    ],
    healthy: [37, 42, 21],
    panic: true,
  },
  {
    counts: [
      [5, 0, 1],
      [5, 0, 5],
      [5, 1],
    ],
    healthy: [0, 0, 28],
    degraded: [28, 44, 0],
  },
]

describe('PriorityLoads', () => {
  for (const { counts, healthy, degraded = healthy.map(() => 0), panic = false, factor, threshold } of ENVOY) {
    test(`spreads ${JSON.stringify(counts)} as Envoy does: ${healthy} healthy, ${degraded} degraded`, () => {
      const loads = loadsOf(counts, factor, threshold)
      assert.deepEqual(first(loads.healthyLoad, counts.length), healthy)
      assert.deepEqual(first(loads.degradedLoad, counts.length), degraded)
      assert.deepEqual(
        first(loads.panic, counts.length),
        counts.map(() => (panic ? 1 : 0)),
      )
    })
  }

  test('gives what rounding leaves to the first degraded priority where nothing is healthy', () => {
    // 40 × 1.4 = 56 and 20 × 1.4 = 28 of 84: ⌊5600 ÷ 84⌋ = 66 and ⌊2800 ÷ 84⌋ = 33; the hundredth goes to the first.
    const loads = loadsOf(
      [
        [5, 0],
        [5, 0, 2],
        [5, 0, 1],
      ],
      140,
      0,
    )
    assert.deepEqual(first(loads.healthyLoad, 3), [0, 0, 0])
    assert.deepEqual(first(loads.degradedLoad, 3), [0, 67, 33])
  })

  test('leaves all load at priority 0 where nothing is left and panic is off', () => {
    const loads = loadsOf(
      [
        [3, 0],
        [3, 0],
      ],
      140,
      0,
    )
    assert.deepEqual(first(loads.healthyLoad, 2), [100, 0])
    assert.deepEqual(first(loads.panic, 2), [0, 0])
  })

  test('counts what an operator keeps out where load is spread, and not for panic', () => {
    // 4 of 10 left: 56 % of the load stays. All 4 that were let in are healthy: no panic.
    const loads = new PriorityLoads()
    loads.count = 2
    loads.endpoints.set([10, 10])
    loads.admitted.set([4, 10])
    loads.healthy.set([4, 4])
    loads.derive(140, 0.5)
    assert.deepEqual(first(loads.healthyLoad, 2), [56, 44])
    assert.deepEqual(first(loads.panic, 2), [0, 0], '56 + 56 is 100')
    loads.healthy.set([4, 2])
    loads.derive(140, 0.5)
    assert.deepEqual(first(loads.panic, 2), [0, 1], '2 of 10 are fewer than half, 4 of 4 are not')
  })

  test('every roll falls on a priority that has load, as often as it has', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc
            .integer({ min: 0, max: 20 })
            .chain(n =>
              fc
                .tuple(fc.constant(n), fc.integer({ min: 0, max: n }))
                .chain(([all, healthy]) =>
                  fc.integer({ min: 0, max: all - healthy }).map((degraded): Counts => [all, healthy, degraded]),
                ),
            ),
          { minLength: 1, maxLength: 6 },
        ),
        fc.constantFrom(0, 0.5, 1),
        (counts, threshold) => {
          const loads = loadsOf(counts, 140, threshold)
          const hits = new Map<number, number>()
          for (let roll = 0; roll < 100; roll++) {
            const chosen = loads.choose(roll)
            hits.set(chosen, (hits.get(chosen) ?? 0) + 1)
          }
          counts.forEach((_, p) => {
            assert.equal(hits.get(p) ?? 0, loads.healthyLoad[p])
            assert.equal(hits.get(-1 - p) ?? 0, loads.degradedLoad[p])
          })
        },
      ),
    )
  })
})
