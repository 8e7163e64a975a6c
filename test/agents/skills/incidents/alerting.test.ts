import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  anomalyFound,
  differentialObserved,
  endpointsMeasured,
  healthAlerted,
  type MetricName,
  type Metrics,
  metricsCollected,
} from '../../../../agents/index.ts'
import { rollDie } from '../../../../agents/kit/dice.ts'
import { dataOf, monitored } from '../monitored.ts'

const ref = (id: string) => ({ row: Number(id.slice(1)), generation: 1, service: 'api', id })

/** What the metrics collector would say: errors and latencies of the last ten seconds. */
function metrics(rows: Record<string, { errorShare?: number; latencyUsP95?: number; requests?: number }>) {
  const idle = { requests: 0, perSecond: 0, errorShare: 0, latencyUsP50: 0, latencyUsP95: 0, latencyUsP99: 0 }
  const endpoints: Metrics['endpoints'] = Object.entries(rows).map(([id, figures]) => ({
    ...ref(id),
    last10s: { ...idle, requests: 100, ...figures },
    last60s: idle,
  }))
  return metricsCollected.of({ services: [], endpoints, endpointsLeftOut: 0 })
}

/** A world in which nobody but the test says how requests went. */
const QUIET = { agents: { 'metrics-collector': null } }

async function alertsOf(t: Parameters<typeof monitored>[0], knobs: object = {}) {
  const world = await monitored(t, { ...QUIET, endpoints: 10, knobs })
  const alerts = (id: string): string[] =>
    dataOf(world.told('health.alerted', id)).map(({ rule, severity }) => `${rule} ${severity}`)
  /** The same figures every five seconds. */
  const go = async (seconds: number, rows: Parameters<typeof metrics>[0]): Promise<void> => {
    for (let at = 0; at < seconds; at += 5) {
      world.plane.hear(metrics(rows))
      await world.plane.advance(5_000)
    }
  }
  return { ...world, alerts, go }
}

test('alert: an endpoint that is unhealthy for half a minute is told of once a minute, and not a moment sooner (AC-26)', async t => {
  const { plane, broken, alerts } = await alertsOf(t)
  await plane.advance(1_000)
  broken.add('e1')
  // Unhealthy after two failed checks, within 2.2 s.
  await plane.advance(29_000)
  assert.deepEqual(alerts('e1'), [])
  await plane.advance(4_000)
  assert.deepEqual(alerts('e1'), ['unhealthy critical'])
  await plane.advance(58_000)
  assert.deepEqual(alerts('e1'), ['unhealthy critical'], 'its cool-down')
  await plane.advance(4_000)
  assert.deepEqual(alerts('e1'), ['unhealthy critical', 'unhealthy critical'])
  assert.deepEqual(alerts('e2'), [])
})

test('alert: an endpoint that is well again in time is not told of (AC-26)', async t => {
  const { plane, broken, alerts } = await alertsOf(t)
  await plane.advance(1_000)
  broken.add('e1')
  await plane.advance(20_000)
  broken.delete('e1')
  await plane.advance(60_000)
  assert.deepEqual(alerts('e1'), [])
})

test('alert: of requests that fail the severest rule is told, and figures of few requests say nothing (AC-26, ALG-24)', async t => {
  const { alerts, go } = await alertsOf(t)
  await go(40, { e1: { errorShare: 0.1 }, e2: { errorShare: 0.9 }, e3: { errorShare: 1, requests: 19 } })
  assert.deepEqual([alerts('e1'), alerts('e2'), alerts('e3')], [['errors warning'], ['failing critical'], []])
})

test('alert: who gets no requests any more is not told of by what was before (AC-26)', async t => {
  const { alerts, go } = await alertsOf(t)
  await go(25, { e1: { errorShare: 0.1 } })
  await go(20, { e2: {} })
  assert.deepEqual(alerts('e1'), [])
})

test('alert: the config adds rules and replaces those that are there (AC-26)', async t => {
  const { alerts, go } = await alertsOf(t, {
    alerts: [
      { name: 'slow', metric: 'response-time', op: 'above', threshold: 50, for: '5s', severity: 'critical' },
      { name: 'any-error', metric: 'error-rate', op: 'above', threshold: 0, cooldown: '10s' },
    ],
  })
  await go(12, { e1: { latencyUsP95: 51_000, errorShare: 0.01 }, e2: { latencyUsP95: 49_000 } })
  assert.deepEqual(alerts('e1').sort(), ['any-error info', 'any-error info', 'slow critical'])
  assert.deepEqual(alerts('e2'), [])
})

test('alert: one that comes and goes thrice in five minutes flaps, and is kept out for its time (AC-26)', async t => {
  const { plane, broken, alerts, having } = await alertsOf(t)
  await plane.advance(1_000)
  for (let i = 0; i < 3; i++) {
    broken.add('e1')
    await plane.advance(3_000)
    broken.delete('e1')
    await plane.advance(5_000)
  }
  assert.deepEqual(alerts('e1'), ['flapping critical'])
  await plane.advance(60_000)
  assert.deepEqual(having('isolated'), ['e1'], 'though its checks pass')
})

test('alert: anomalies are told with their severity, and two views that differ as a warning (AC-26)', async t => {
  const { plane, alerts } = await alertsOf(t)
  const anomaly = {
    metric: 'cpu',
    model: 'statistical',
    value: 0.9,
    expected: 0.3,
    score: 1.5,
    hasLeak: false,
  } as const
  for (let i = 0; i < 3; i++) {
    plane.hear(anomalyFound.of({ ...ref('e1'), severity: 'warning', score: 1.5, anomalies: [anomaly], inCommon: [] }))
    plane.hear(
      differentialObserved.of({ ...ref('e2'), active: 'healthy', passive: 'unhealthy', errorShare: 0.3, reason: 'x' }),
    )
    await plane.advance(1_000)
  }
  assert.deepEqual([alerts('e1'), alerts('e2')], [['anomaly warning'], ['differential-observability warning']])
})

/** Figures of ten endpoints once a second, of the one time what another takes; each strays by a tenth. */
async function measure(
  { plane }: Awaited<ReturnType<typeof alertsOf>>,
  seconds: number,
  timesOf: Partial<Record<MetricName, (id: number) => number>>,
): Promise<void> {
  const usual = { 'network-latency': 20_000, 'check-time': 20_000, 'response-time': 50_000 } as const
  let die = { value: 0, seed: 5 }
  for (let second = 0; second < seconds; second++) {
    const rows = Object.entries(usual).flatMap(([name, mean]) =>
      Array.from({ length: 10 }, (_, id) => {
        die = rollDie(die.seed)
        const metric = name as MetricName
        const value = mean * (0.9 + 0.2 * die.value) * (timesOf[metric]?.(id) ?? 1)
        const baseline = { mean, deviation: 0.06 * mean, p95: 1.09 * mean, samples: 100 }
        return { ...ref(`e${id}`), metric, value, baseline, isLearnt: true }
      }),
    )
    plane.hear(endpointsMeasured.of({ rows }))
    await plane.advance(1_000)
  }
}

test('alert: what is slower of all endpoints of a service puts out none of them, and is one alert of the service (AC-26)', async t => {
  const world = await alertsOf(t)
  const out = () => [world.having('degraded'), world.having('isolated')]
  await measure(world, 60, {})
  // The machine of the monitor is busy: all connections take it 60 % longer, then all checks and requests too.
  await measure(world, 40, { 'network-latency': () => 1.6 })
  assert.deepEqual(out(), [[], []])
  const slow = () => 2.5
  await measure(world, 30, { 'network-latency': () => 1.6, 'check-time': slow, 'response-time': slow })
  assert.deepEqual(out(), [[], []])
  const ofService = world.plane.journal.about('api').filter(({ type }) => type === healthAlerted.type)
  assert.deepEqual(
    dataOf(ofService).map(({ rule, severity, metric }) => [rule, severity, metric]),
    [['anomaly-in-common', 'warning', 'network-latency']],
    'and no more within the minute',
  )
})

test('alert: an endpoint whose requests are slower besides, and no other, is kept out; for its checks alone none is even spared (AC-26)', async t => {
  const world = await alertsOf(t)
  await measure(world, 60, {})
  const only = (id: number, times: number) => (each: number) => (each === id ? times : 1)
  await measure(world, 30, { 'network-latency': only(1, 1.6), 'check-time': only(1, 2.5) })
  assert.deepEqual(world.alerts('e1'), ['anomaly warning'])
  assert.deepEqual([world.having('degraded'), world.having('isolated')], [[], []])
  await measure(world, 30, { 'check-time': only(3, 2.5), 'response-time': only(3, 2.5) })
  assert.deepEqual([world.having('degraded'), world.having('isolated')], [['e3'], []], 'two words for the same')
  await measure(world, 30, { 'network-latency': only(2, 1.6), 'response-time': only(2, 2.5) })
  assert.deepEqual(world.having('isolated'), ['e2'])
})

test('alert: of endpoints that are all warned of in one moment no more are spared than may be (AC-26)', async t => {
  const { alerts, having, go } = await alertsOf(t)
  const ids = Array.from({ length: 10 }, (_, i) => `e${i}`)
  await go(40, Object.fromEntries(ids.map(id => [id, { errorShare: 0.1 }])))
  assert.deepEqual(
    ids.map(alerts),
    ids.map(() => ['errors warning']),
  )
  assert.deepEqual(having('degraded'), ['e0', 'e1', 'e2'])
})

test('alert: what becomes graver is told at once, and what becomes less grave with its cool-down (AC-26)', async t => {
  const { plane, alerts, having } = await alertsOf(t)
  const anomaly = {
    metric: 'cpu',
    model: 'statistical',
    value: 0.9,
    expected: 0.3,
    score: 1.5,
    hasLeak: false,
  } as const
  const find = (severity: 'warning' | 'critical'): void =>
    plane.hear(anomalyFound.of({ ...ref('e1'), severity, score: 1.5, anomalies: [anomaly], inCommon: [] }))
  await plane.advance(1_000)
  for (const severity of ['warning', 'critical', 'warning', 'critical'] as const) {
    find(severity)
    await plane.advance(10_000)
  }
  assert.deepEqual([alerts('e1'), having('isolated')], [['anomaly warning', 'anomaly critical'], ['e1']])
  await plane.advance(60_000)
  find('warning')
  assert.deepEqual(alerts('e1').slice(2), ['anomaly warning'])
})

test('alert: a warning has the endpoint spared for two minutes where the others suffice, and checked closely (AC-26)', async t => {
  const { plane, having, box } = await alertsOf(t)
  const whyOf = (id: string): string => box.explain('api').endpoints.find(each => each.id === id)!.why
  await plane.advance(1_000)
  const warn = (id: string) =>
    plane.hear(
      healthAlerted.of({
        ...{ rule: 'slow', severity: 'warning', subject: `api/${id}`, metric: 'response-time' },
        ...{ value: 2e6, threshold: 1e6, reason: 'slow' },
      }),
    )
  for (const id of ['e0', 'e1', 'e2', 'e3']) warn(id)
  assert.deepEqual(having('degraded'), ['e0', 'e1', 'e2'], 'three tenths, for more have something in common')
  assert.match(whyOf('e1'), /degraded/)
  await plane.advance(119_000)
  assert.deepEqual(having('degraded'), ['e0', 'e1', 'e2'])
  warn('e1')
  await plane.advance(2_000)
  assert.deepEqual(having('degraded'), ['e1'], 'it has been warned of again')
  await plane.advance(119_000)
  assert.deepEqual(having('degraded'), [])
  assert.equal(whyOf('e1'), 'picked with weight 1')
})

test('alert: a critical one keeps out whom requests fail at, and an information does nothing (AC-26)', async t => {
  const { plane, having } = await alertsOf(t)
  await plane.advance(1_000)
  const alert = { rule: 'mine', metric: 'error-rate', value: 1, threshold: 0.5, reason: 'x' } as const
  plane.hear(healthAlerted.of({ ...alert, severity: 'info', subject: 'api/e1' }))
  plane.hear(healthAlerted.of({ ...alert, severity: 'critical', subject: 'api/e2' }))
  plane.hear(healthAlerted.of({ ...alert, severity: 'critical', subject: 'api/e3', metric: 'certificate-days' }))
  plane.hear(healthAlerted.of({ ...alert, severity: 'critical', subject: 'a-node' }))
  assert.deepEqual([having('isolated'), having('degraded')], [['e2'], []])
})

test('alert: an endpoint that goes while it is unhealthy is told of no more, and its incident is over; the next of its name is another (AC-26)', async t => {
  const { plane, box, broken, alerts, told } = await alertsOf(t)
  await plane.advance(1_000)
  for (const id of ['e1', 'e2', 'e3']) broken.add(id)
  // As in a deploy: gone before half a minute is over.
  await plane.advance(20_000)
  box.service('api').remove('e1')
  await plane.advance(20_000)
  assert.deepEqual([alerts('e1'), alerts('e2')], [[], ['unhealthy critical']])
  box.service('api').remove('e2')
  box.service('api').add({ id: 'e1', url: 'http://127.0.0.1:9' })
  await plane.advance(120_000)
  assert.deepEqual([alerts('e1'), alerts('e2')], [[], ['unhealthy critical']])
  assert.equal(alerts('e3').length, 3, 'it is still there')
  assert.deepEqual(dataOf(told('incident.resolved', 'e2')).length, 1)
  assert.deepEqual(told('incident.resolved', 'e3'), [])
})

test('alert: an endpoint whose service is not checked any more is not told of by what its last checks said (AC-26)', async t => {
  const { plane, box, broken, alerts, told, having } = await alertsOf(t)
  await plane.advance(1_000)
  broken.add('e1')
  await plane.advance(10_000)
  broken.add('e2')
  await plane.advance(25_000)
  assert.deepEqual([alerts('e1'), alerts('e2')], [['unhealthy critical'], []])
  const endpoints = Array.from({ length: 10 }, (_, i) => ({ id: `e${i}`, url: `http://127.0.0.1:${i + 1}` }))
  await box.reload({ services: { api: { policy: 'round-robin', endpoints } } })
  broken.clear()
  await plane.advance(180_000)
  assert.deepEqual([alerts('e1'), alerts('e2')], [['unhealthy critical'], []])
  assert.equal(told('incident.resolved', 'e1').length, 1)
  assert.deepEqual([having('isolated'), having('unhealthy'), told('incident.human-needed', 'e1')], [[], [], []])
})

test('alert: a certificate that ends is told of as long as its endpoint is there (AC-26)', async t => {
  const { plane, box, alerts } = await alertsOf(t)
  await plane.advance(1_000)
  const ending = { metric: 'certificate-days', value: 2, baseline: null, isLearnt: false } as const
  plane.hear(endpointsMeasured.of({ rows: [{ ...ref('e1'), ...ending }] }))
  await plane.advance(61_000)
  assert.equal(alerts('e1').length, 2)
  box.service('api').remove('e1')
  await plane.advance(180_000)
  assert.equal(alerts('e1').length, 2)
})

test('40 % of the endpoints unhealthy at once: three tenths are kept out, and below half panic uses the rest (F14)', async t => {
  const { plane, broken, having, picked, told } = await alertsOf(t)
  await plane.advance(1_000)
  for (const id of ['e0', 'e1', 'e2', 'e3']) broken.add(id)
  await plane.advance(40_000)
  assert.equal(having('unhealthy').length, 4)
  const isolated = having('isolated')
  assert.equal(isolated.length, 3)
  const left = ['e0', 'e1', 'e2', 'e3'].find(id => !isolated.includes(id))!
  assert.equal(dataOf(told('endpoint.quarantine-refused', left))[0]!.because, 'too-many-out')
  assert.deepEqual(picked(), ['e4', 'e5', 'e6', 'e7', 'e8', 'e9'])
  // Of the seven that nobody has decided on, three are well: less than half.
  for (const id of ['e4', 'e5', 'e6']) broken.add(id)
  await plane.advance(5_000)
  const rest = ['e4', 'e5', 'e6', 'e7', 'e8', 'e9', left].sort()
  assert.deepEqual([having('isolated').length, picked()], [3, rest], 'panic mode, but for those in quarantine')
})
