import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsCollected } from '../../../agents/signals.ts'
import { distanceBetween, geography, geographyOf, zonesPlaced } from '../../../agents/skills/zones/geography.ts'
import { distanceKm, leastRttMs } from '../../../agents/skills/zones/haversine.ts'
import { topologyOptimization } from '../../../agents/skills/zones/topology-optimization.ts'
import { factorOfGoodness, weighZones } from '../../../agents/skills/zones/zone-cost.ts'
import { spillZones } from '../../../agents/skills/zones/zone-spill.ts'
import { toldTwice } from './mounted-twice.ts'

const WEIGHTS = { latency: 0.4, bandwidth: 0.3, reliability: 0.3 }
const BERLIN = { latitude: 52.52, longitude: 13.405 }
const PARIS = { latitude: 48.8566, longitude: 2.3522 }
const SYDNEY = { latitude: -33.8688, longitude: 151.2093 }

const isNear = (value: number | undefined, wish: number, by: number): void =>
  assert.ok(Math.abs(value! - wish) <= by, `${value}`)

test('distanceKm() is that of the great circle, and leastRttMs() what light in glass takes for it (SK-9)', () => {
  isNear(distanceKm(BERLIN, PARIS), 878, 5)
  isNear(distanceKm(PARIS, SYDNEY), 16_960, 60)
  assert.equal(distanceKm(PARIS, PARIS), 0)
  // Half way round the earth, and no further.
  isNear(distanceKm({ latitude: 0, longitude: 0 }, { latitude: 0, longitude: 180 }), 20_015, 1)
  assert.equal(leastRttMs(1_000), 10)
})

test('geographyOf() is a matrix that is symmetric and 0 on its diagonal, of zones whose place is known (SK-9)', () => {
  const world = geographyOf({ berlin: BERLIN, paris: PARIS })
  assert.equal(distanceBetween(world, 'berlin', 'paris'), distanceBetween(world, 'paris', 'berlin'))
  assert.equal(distanceBetween(world, 'paris', 'paris'), 0)
  assert.equal(distanceBetween(world, 'paris', 'atlantis'), undefined)
})

test('geography mounted twice has two states, and hears nothing when it is unmounted (SK-9)', async () => {
  const { first, second } = await toldTwice(
    key => {
      const mounted = geography.mount(key, undefined)
      // The first is told of Paris only: what its sensor reads it tells all of its agent.
      return key === 'first' ? mounted : { ...mounted, listens: [], sensors: [] }
    },
    { before: zonesPlaced.of({ places: { paris: PARIS } }), after: zonesPlaced.of({ places: { berlin: BERLIN } }) },
  )
  assert.deepEqual([Object.keys(first.places), Object.keys(second.places)], [['berlin'], []])
})

test('topology optimization mounted twice has two states, and hears nothing when it is unmounted (SK-6)', async () => {
  const us = 5_000
  const figures = { requests: 50, perSecond: 5, errorShare: 0, latencyUsP50: us, latencyUsP95: us, latencyUsP99: us }
  const { first, second } = await toldTwice(key => topologyOptimization.mount(key, undefined), {
    before: zonesPlaced.of({ places: { paris: PARIS } }),
    after: metricsCollected.of({
      services: [{ service: 'api', last10s: figures, last60s: figures }],
      ...{ endpoints: [], endpointsLeftOut: 0 },
    }),
  })
  assert.deepEqual([Object.keys(first.places), Object.keys(second.places)], [['paris'], []])
  assert.deepEqual([first.p95Us.get('api'), second.p95Us.get('api')], [us, us])
})

test('weighZones() weighs latency, bandwidth and loss 4 to 3 to 3, and a ms more or less is not felt (AC-13, SK-6)', () => {
  const weigh = (...measures: [number, number | undefined, number][]): number[] => {
    const zones = measures.map(([latencyMs, bandwidthMbit, loss], i) => ({
      zone: `z${i}`,
      latencyMs,
      bandwidthMbit,
      loss,
    }))
    return [...weighZones(zones, WEIGHTS).values()].map(each => Number(each.toFixed(3)))
  }
  // 0.4 × 6 ÷ 56 + 0.6
  assert.deepEqual(weigh([1, undefined, 0], [51, undefined, 0]), [1, 0.643])
  // 0.4 × 6 ÷ 8 + 0.6
  assert.deepEqual(weigh([1, undefined, 0], [3, undefined, 0]), [1, 0.9])
  assert.deepEqual(weigh([0.2, undefined, 0], [0.4, undefined, 0]), [1, 1])
  assert.deepEqual(weigh([1, 100, 0], [1, 50, 0]), [1, 0.85])
  assert.deepEqual(weigh([1, 100, 0], [1, undefined, 0]), [1, 1])
  assert.deepEqual(weigh([1, undefined, 0], [1, undefined, 0.5]), [1, 0.85])
  assert.deepEqual(weigh([1, undefined, 1], [1, undefined, 1]), [1, 1])
})

test('factorOfGoodness() leaves a bad zone little, and never nothing', () => {
  isNear(factorOfGoodness(0.643, 0.01), 0.029, 0.001)
  assert.equal(factorOfGoodness(0.1, 0.01), 0.01)
  assert.equal(factorOfGoodness(1, 0.01), 1)
})

test('spillZones() fills the nearest up to its headroom, then the next (ALG-8c)', () => {
  const spill = (used: (number | undefined)[], factors = [1, 0.1, 0.01]): number[] =>
    [
      ...spillZones(
        used.map((each, i) => ({ zone: `z${i}`, weight: 1, factor: factors[i]!, used: each })),
        0.2,
      ).values(),
    ].map(each => Number(each.toFixed(2)))
  // There is room for all: as they are.
  assert.deepEqual(spill([0.5, 0, 0]), [1, 0.1, 0.01])
  // One of three is used: the first keeps 0.8; the second has what is left, beside what the third has by its factor.
  assert.deepEqual(spill([1, 0, 0]), [1, 0.24, 0.01])
  // Two are: two are full, the rest is the third's.
  assert.deepEqual(spill([1, 1, 0]), [1, 1, 0.5])
  // More than there is room for: evenly.
  assert.deepEqual(spill([1, 1, 0.9]), [1, 1, 1])
  assert.deepEqual(spill([1, undefined, 0]), [1, 0.1, 0.01])
  assert.deepEqual(spill([0, 0, 0]), [1, 0.1, 0.01])
})
