import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOf } from '../../../../agents/kit/run/latency-buckets.ts'
import {
  anomalyEnded,
  anomalyFound,
  capacityReported,
  healthWordsSensed,
  latenciesCounted,
  type Measured,
  networkSensed,
  securitySensed,
  settledBatch,
  vitalsSensed,
} from '../../../../agents/signals.ts'
import { Baseline } from '../../../../agents/skills/usual/baseline.ts'
import { baselines } from '../../../../agents/skills/usual/baselines.ts'
import { HEALTH_UNHEALTHY, UNHEALTHY } from '../../../../engine/writer.ts'
import { observed } from '../observed.ts'
import { checkTwoMounts } from '../two-mounts.ts'

const MEASURED = 'signalbox.endpoint.measured'
const mounted = baselines.mount('baselines', undefined)

/** Endpoint `a` is checked: it answers in so many µs. */
const checked = (tookUs: number, row = 0, generation = 1) =>
  vitalsSensed.of({ rows: [{ row, generation, isAlive: true, tookUs, uptimeS: null, restarts: 0 }] })

function stage() {
  const world = observed([mounted])
  const last = (): Measured => world.said<{ rows: Measured[] }>(MEASURED).at(-1)!.rows.at(-1)!
  /** What is usual of a metric of `a` by now. */
  const usual = (metric: Measured['metric'] = 'check-time') =>
    world.runner.slice(mounted).usual.of({ row: 0, generation: world.endpoints[0]!.generation }).get(metric)?.view() ??
    null
  return { ...world, last, usual }
}

test('Baseline learns mean and deviation, and forgets what is long ago', () => {
  const baseline = new Baseline()
  for (let i = 0; i < 19; i++) baseline.add(i % 2 === 0 ? 90 : 110)
  assert.equal(baseline.view(), null, 'nineteen values are too few')
  for (let i = 19; i < 400; i++) baseline.add(i % 2 === 0 ? 90 : 110)
  const { mean, deviation, p95, samples } = baseline.view()!
  assert.ok(Math.abs(mean - 100) < 1 && Math.abs(deviation - 10) < 1, `${mean} ± ${deviation}`)
  assert.deepEqual([Math.round(p95), samples], [110, 400])
  // 0.98^200 = 1.8 % of what was is left.
  for (let i = 0; i < 200; i++) baseline.add(200)
  assert.ok(Math.abs(baseline.view()!.mean - 198) < 1)
})

test('baselines are learnt of each figure, and each that is measured is told with what was usual before it (AC-28, D21)', async () => {
  const { hear, last, usual, advance } = stage()
  for (let i = 0; i < 20; i++) hear(checked(500))
  assert.deepEqual([last().baseline, last().isLearnt], [null, true])
  hear(checked(900))
  assert.deepEqual([last().value, last().baseline?.mean, last().service, last().id], [900, 500, 'api', 'a'])
  hear(
    networkSensed.of({
      rows: [{ row: 0, generation: 1, latencyUs: 1, jitterUs: 0, loss: 0, connections: 1, lastUs: 77 }],
    }),
  )
  assert.deepEqual([last().metric, last().value], ['network-latency', 77])
  const shares = {
    row: 0,
    generation: 1,
    service: 'api',
    id: 'a',
    cpu: 0.4,
    memory: 0.6,
    network: null,
    utilisation: null,
    maxConnections: null,
  }
  hear(capacityReported.of({ by: 'header', rows: [shares] }))
  assert.deepEqual([last().metric, last().value], ['memory', 0.6])
  // Requests: what comes of them is summed up until the window is over.
  hear(
    settledBatch.of({
      rows: [{ row: 0, generation: 1, ok: 90, error: 6, timeout: 4, abandoned: 7, latencyUsSum: 0, latencyUsMax: 0 }],
    }),
  )
  hear(latenciesCounted.of({ rows: [{ row: 0, generation: 1, bucket: bucketOf(1_000), count: 100 }] }))
  await advance(10_100)
  assert.deepEqual([last().metric, last().value >= 1_000 && last().value < 1_125], ['response-time', true])
  assert.equal(usual('error-rate'), null)
  for (let window = 0; window < 20; window++) {
    hear(
      settledBatch.of({
        rows: [{ row: 0, generation: 1, ok: 90, error: 6, timeout: 4, abandoned: 7, latencyUsSum: 0, latencyUsMax: 0 }],
      }),
    )
    await advance(10_000)
  }
  assert.ok(Math.abs(usual('error-rate')!.mean - 0.1) < 1e-9)
})

test('lost connections, of enough of them, and days of certificates are passed on as they are', () => {
  const { hear, last, said } = stage()
  const path = { row: 0, generation: 1, latencyUs: 1, jitterUs: 0, loss: 0.5, lastUs: null }
  hear(networkSensed.of({ rows: [{ ...path, connections: 19 }] }))
  assert.deepEqual(said(MEASURED), [])
  hear(networkSensed.of({ rows: [{ ...path, connections: 20 }] }))
  assert.deepEqual([last().metric, last().value, last().isLearnt, last().baseline], ['loss', 0.5, false, null])
  hear(securitySensed.of({ rows: [{ row: 0, generation: 1, isTrusted: true, daysLeft: 9.5, refusals: 0 }] }))
  assert.deepEqual([last().metric, last().value], ['certificate-days', 9.5])
})

test('baselines are learnt from an endpoint that is well, and stand still while it is not (SK-17)', async () => {
  const { hear, last, usual, advance, endpoints } = stage()
  for (let i = 0; i < 30; i++) hear(checked(500))
  const before = usual()
  hear(healthWordsSensed.of({ rows: [{ row: 0, generation: 1, from: 1, to: HEALTH_UNHEALTHY }] }))
  for (let i = 0; i < 30; i++) hear(checked(5_000))
  assert.equal(last().isLearnt, false)
  assert.deepEqual(usual(), before)
  // The next look at the tables says so too, and then that it is back.
  endpoints[0]!.bars = UNHEALTHY
  await advance(10_100)
  hear(checked(5_000))
  assert.equal(last().isLearnt, false)
  endpoints[0]!.bars = 0
  await advance(10_000)
  hear(checked(500))
  assert.deepEqual([last().isLearnt, usual()?.samples], [true, 31])
})

test('baselines stand still while something is odd, and begin anew when it has been for half an hour (SK-17)', async () => {
  const { hear, last, usual, advance } = stage()
  const odd = { row: 0, generation: 1, service: 'api', id: 'a' }
  for (let i = 0; i < 30; i++) hear(checked(500))
  hear(anomalyFound.of({ ...odd, severity: 'warning', score: 2, anomalies: [], inCommon: [] }))
  hear(checked(5_000))
  assert.deepEqual([last().isLearnt, last().baseline?.mean], [false, 500])
  hear(anomalyEnded.of({ ...odd, metrics: [], tookMs: 1 }))
  hear(checked(500))
  assert.equal(last().isLearnt, true)
  hear(anomalyFound.of({ ...odd, severity: 'warning', score: 2, anomalies: [], inCommon: [] }))
  await advance(30 * 60_000)
  hear(checked(5_000))
  assert.deepEqual([last().isLearnt, last().baseline, usual()], [true, null, null])
})

test('another tenant of a row begins with nothing, and who is gone is forgotten (SK-17)', async () => {
  const { hear, usual, advance, endpoints, runner } = stage()
  for (let i = 0; i < 30; i++) hear(checked(500))
  endpoints[0]!.generation = 2
  await advance(10_100)
  assert.equal(usual(), null)
  hear(checked(500, 0, 1))
  assert.equal(usual(), null, 'what is said of the former tenant is not his')
  endpoints.length = 0
  await advance(10_000)
  assert.equal(runner.slice(mounted).usual.size, 0)
})

test('baselines of two mounts are two, and one that is unmounted hears nothing more (SK-17)', () => {
  checkTwoMounts({
    skill: {
      ...baselines,
      mount: (key, options) => ({
        ...baselines.mount(key, options),
        actions: [{ ...baselines.mount(key, options).actions[0]!, run: () => ({ services: [] }) }],
      }),
    },
    options: [undefined, undefined],
    heard: settledBatch.of({
      rows: [{ row: 3, generation: 1, ok: 1, error: 0, timeout: 0, abandoned: 0, latencyUsSum: 0, latencyUsMax: 0 }],
    }),
    of: ({ traffic }) => [...traffic.keys()],
  })
})
