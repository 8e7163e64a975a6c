import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rollDie } from '../../../../agents/kit/dice.ts'
import {
  type Anomaly,
  type anomalyFound,
  endpointGone,
  endpointsMeasured,
  type Measured,
} from '../../../../agents/signals.ts'
import { anomalyDetection } from '../../../../agents/skills/usual/anomaly-detection.ts'
import { observed } from '../observed.ts'
import { checkTwoMounts } from '../two-mounts.ts'

const FOUND = 'signalbox.endpoint.anomaly-found'
const ENDED = 'signalbox.endpoint.anomaly-ended'
type Found = ReturnType<typeof anomalyFound.of>['data']

const mounted = anomalyDetection.mount('anomalies', undefined)

const measured = (metric: Measured['metric'], value: number, isKnown = true): Measured => ({
  ...{ row: 0, generation: 1, service: 'api', id: 'a', metric, value, isLearnt: true },
  baseline: isKnown ? { mean: 0.4, deviation: 0.1, p95: 500, samples: 100 } : null,
})

function stage() {
  const world = observed([mounted])
  const measure = (metric: Measured['metric'], values: readonly number[], isKnown = true): void => {
    for (const value of values) world.hear(endpointsMeasured.of({ rows: [measured(metric, value, isKnown)] }))
  }
  const odd = (): readonly Anomaly[] => world.runner.slice(mounted).watch.of({ row: 0, generation: 1 })
  return { ...world, measure, odd, found: () => world.said<Found>(FOUND), ended: () => world.said<object>(ENDED) }
}

const usual = (count: number): number[] => Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 0.3 : 0.5))

test('an anomaly is told when three values in a row stand out, once, and when three are as usual again (SK-18)', async () => {
  const { measure, odd, found, ended, advance } = stage()
  measure('cpu', usual(20))
  measure('cpu', [0.9, 0.9])
  assert.deepEqual(found(), [])
  measure('cpu', [0.9, 0.9, 0.9])
  assert.equal(found().length, 1)
  const [{ severity, score, anomalies, inCommon, ...ref }] = found() as [Found]
  assert.deepEqual(
    { ref, severity, metrics: anomalies.map(({ metric }) => metric), inCommon },
    { inCommon: [], ref: { row: 0, generation: 1, service: 'api', id: 'a' }, severity: 'warning', metrics: ['cpu'] },
  )
  assert.ok(Math.abs(score - 2) < 1e-9)
  assert.equal(odd().length, 1)
  await advance(5_000)
  measure('cpu', [0.4, 0.4])
  assert.deepEqual(ended(), [])
  measure('cpu', [0.4])
  assert.deepEqual(ended(), [{ ...ref, metrics: ['cpu'], tookMs: 5_000 }])
  assert.deepEqual(odd(), [])
})

test('a second figure that is odd makes it critical, and is told (SK-18)', () => {
  const { measure, found, ended } = stage()
  measure('cpu', [...usual(20), 0.9, 0.9, 0.9])
  measure('response-time', [1_200, 1_200])
  assert.deepEqual(
    found().map(({ severity, anomalies }) => [severity, anomalies.map(({ metric }) => metric)]),
    [
      ['warning', ['cpu']],
      ['critical', ['cpu', 'response-time']],
    ],
  )
  measure('response-time', [500, 500, 500])
  assert.deepEqual(ended(), [], 'one of them is left')
})

test('what stands out of more endpoints than may be out at a time is told as theirs in common, of the first one too (SK-18)', () => {
  const world = observed([mounted])
  const found = (values: readonly (readonly number[])[]) => {
    const before = world.said<Found>(FOUND).length
    for (let round = 0; round < values[0]!.length; round++) {
      const rows = values.map((each, row) => ({ ...measured('response-time', each[round]!), row, id: `e${row}` }))
      world.hear(endpointsMeasured.of({ rows }))
    }
    return world
      .said<Found>(FOUND)
      .slice(before)
      .map(({ id, severity, inCommon }) => [id, severity, inCommon])
  }
  // Of ten three may be out. The usual percentile is 500: 1,000 is the threshold, and 750 half-way there.
  const calm = [500, 500]
  const three = [...Array.from({ length: 3 }, () => [1_100, 1_100]), ...Array.from({ length: 7 }, () => calm)]
  assert.deepEqual(
    found(three),
    ['e0', 'e1', 'e2'].map(id => [id, 'warning', []]),
  )
  found(Array.from({ length: 10 }, () => [500, 500, 500]))
  const all = [[1_100, 1_100], ...Array.from({ length: 9 }, () => [800, 800])]
  assert.deepEqual(found(all), [['e0', 'info', ['response-time']]])
  // Those that have left count no more: one of two may be out.
  found(Array.from({ length: 10 }, () => [500, 500, 500]))
  for (let row = 2; row < 10; row++) world.hear(endpointGone.of({ row, generation: 1, service: 'api', id: `e${row}` }))
  assert.deepEqual(found([[1_100, 1_100], calm]), [['e0', 'warning', []]])
})

test('what stands out does not become usual by being seen, and what nobody knows the usual of is not odd (SK-18)', () => {
  const { measure, odd, ended } = stage()
  measure('cpu', [...usual(20), ...new Array<number>(60).fill(0.9)])
  assert.equal(odd().length, 1)
  // Whoever learns it has begun anew.
  measure('cpu', [0.9], false)
  assert.deepEqual([odd(), ended().length], [[], 1])
})

test('noise is no anomaly: an hour of it at a value a second is told less than once (SK-18)', () => {
  const { measure, found } = stage()
  let die = { value: 0, seed: 11 }
  const roll = (): number => (die = rollDie(die.seed)).value
  // Normal by the sum of twelve: mean 0.4, deviation 0.05. Three in a row beyond 2.5 deviations: 3,600 × 0.0114³ = 0.005 expected.
  const noise = (): number => 0.4 + 0.05 * (Array.from({ length: 12 }, roll).reduce((sum, each) => sum + each, 0) - 6)
  measure('cpu', Array.from({ length: 3_600 }, noise))
  assert.deepEqual(found(), [])
})

test('anomalies of two mounts are two, and one that is unmounted hears nothing more (SK-18)', () => {
  checkTwoMounts({
    skill: anomalyDetection,
    options: [undefined, undefined],
    heard: endpointsMeasured.of({ rows: [1_200, 1_200].map(value => measured('response-time', value)) }),
    of: ({ watch }) => watch.of({ row: 0, generation: 1 }),
  })
})
