import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsCollected } from '../../../agents/signals.ts'
import { distanceBetween, geography, geographyOf, zonesPlaced } from '../../../agents/skills/zones/geography.ts'
import { distanceKm, leastRttMs } from '../../../agents/skills/zones/haversine.ts'
import { topologyOptimization } from '../../../agents/skills/zones/topology-optimization.ts'
import { factorOfGoodness, weighZones } from '../../../agents/skills/zones/zone-cost.ts'
import { NO_PREFERENCE, prefer } from '../../../agents/skills/zones/zone-preference.ts'
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

/** What becomes of a preference in so many looks: which look of them ended in which turn. */
function looksOf(looks: number, at: (look: number, isEven: boolean) => { far: number; near?: number; p95Us: number }) {
  let preference = NO_PREFERENCE
  const turns: string[] = []
  for (let look = 1; look <= looks; look++) {
    const isEven = [...preference.inForce.values()].every(each => each === 1)
    const { far, near = 1, p95Us } = at(look, isEven)
    const seen = new Map(Object.entries({ near, far }))
    const { turn, preference: next } = prefer(preference, seen, p95Us, { change: 0.1 })
    preference = next
    if (turn !== 'none') turns.push(`${look} ${turn}`)
  }
  return turns
}

test('prefer() waits twice as long with each time that the same change made requests slower, up to an hour', () => {
  // The near zone cannot carry all: as soon as the far one gets less, requests take twice as long.
  const turns = looksOf(5_760, (_, isEven) => ({ far: 0.6, p95Us: isEven ? 20_000 : 40_000 }))
  const changes = turns.filter(turn => turn.endsWith('changed')).map(turn => Number.parseInt(turn, 10))
  // Taken back two looks later, rest, and found twice again.
  const waits = changes.slice(1).map((look, i) => look - changes[i]! - 4)
  assert.deepEqual(waits.slice(0, 8), [4, 8, 16, 32, 64, 128, 256, 256])
  assert.ok(changes.length < 30, `${changes.length} in a day`)
})

test('prefer() judges a change by two looks before it and two after it, not by one odd figure', () => {
  const odd = [20, 20, 40, 20, 40, 20, 21, 20]
  assert.deepEqual(
    looksOf(8, look => ({ far: 0.6, p95Us: odd[look - 1]! * 1000 })),
    ['2 changed'],
    'one slow look after it',
  )
  const quick = [20, 10, 21, 21, 21, 21]
  assert.deepEqual(
    looksOf(6, look => ({ far: 0.6, p95Us: quick[look - 1]! * 1000 })),
    ['2 changed'],
    'one quick look before it',
  )
})

test('prefer() rests from the way that was taken back, and after a minute goes another', () => {
  const turns = looksOf(40, (look, isEven) => {
    if (look < 20) return { far: 0.6, p95Us: isEven ? 20_000 : 40_000 }
    return { far: 1, near: 0.6, p95Us: 20_000 }
  })
  // Taken back at 4 and at 12, and then it rests until 20.
  assert.deepEqual(turns.slice(0, 4), ['2 changed', '4 taken-back', '10 changed', '12 taken-back'])
  assert.deepEqual(turns.slice(4), ['21 changed'])
})
