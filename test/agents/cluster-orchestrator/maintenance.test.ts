import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlapping, readWindow, type Window } from '../../../agents/cluster-orchestrator/calendar.ts'
import { capacityOf, demandOf } from '../../../agents/cluster-orchestrator/capacity.ts'
import type { EndpointView, ServiceView } from '../../../agents/kit/tables.ts'
import { loadForecasted } from '../../../agents/signals.ts'
import { FOUR, OrchestratorStage } from './stage.ts'

test('maintenance_window: targets are drained, held for their time, and picked again (AC-39)', async t => {
  const stage = await OrchestratorStage.of(t)
  const router = stage.box.router('api')
  // Something is in flight on each of them.
  const tickets = [0, 1, 2, 3].map(() => router.pick())
  const { id } = await stage.request('maintenance_window', { targets: 'api/a', duration: '60s' })
  await stage.advance(3_000)
  assert.deepEqual(stage.out(), ['a held'])
  const [quiescing] = (await stage.list(id)).operations
  assert.equal(quiescing!.stage, 'quiesce')
  for (const ticket of tickets) router.settle(ticket, 'ok', 1_000)
  await stage.advance(3_000)
  assert.equal((await stage.list(id)).operations[0]!.stage, 'hold')
  for (let i = 0; i < 100; i++) {
    const ticket = router.pick()
    assert.notEqual(router.endpoint(ticket).id, 'a')
    router.settle(ticket, 'ok', 1_000)
  }
  await stage.advance(45_000)
  assert.deepEqual(stage.out(), ['a held'])
  await stage.advance(20_000)
  assert.deepEqual(stage.out(), [])
  const { status, after } = stage.finished(id)!
  assert.deepEqual([status, after], ['done', { note: 'nothing was in flight any more' }])
})

test('maintenance_window: what is still in flight when its time to end is over is not waited for any longer', async t => {
  const config = { ...FOUR, agents: { 'cluster-orchestrator': { maintenance: { quiesce: '5s' } } } }
  const stage = await OrchestratorStage.of(t, { config })
  const router = stage.box.router('api')
  for (let i = 0; i < 4; i++) router.pick()
  const { id } = await stage.request('maintenance_window', { targets: 'api/a', duration: '20s' })
  await stage.advance(40_000)
  assert.deepEqual(stage.finished(id)!.after, { note: '1 requests were still in flight' })
})

test('maintenance_window waits for its beginning', async t => {
  const stage = await OrchestratorStage.of(t)
  const { id } = await stage.request('maintenance_window', { targets: 'api/a', duration: '30s', startsIn: '60s' })
  await stage.advance(50_000)
  assert.deepEqual(stage.out(), [])
  assert.equal((await stage.list(id)).operations[0]!.stage, 'wait')
  await stage.advance(20_000)
  assert.deepEqual(stage.out(), ['a held'])
  await stage.advance(30_000)
  assert.equal(stage.finished(id)!.status, 'done')
})

test('maintenance_window is refused where too few would be left, in number or to carry what is expected (AC-39)', async t => {
  const stage = await OrchestratorStage.of(t)
  const three = await stage.request('maintenance_window', { targets: 'api/a, api/b, api/c', duration: '1m' })
  assert.match(three.because, /api would have 1 endpoints that are picked, 2 at least are wanted/)
  // 30,000 requests a second that take 10 ms each are 300 at a time: three endpoints of 100 just carry them, two do not.
  stage.metrics({ perSecond: 30_000, latencyUsP50: 10_000 })
  const one = await stage.request('maintenance_window', { targets: 'api/a', duration: '1m' })
  assert.equal(one.isTaken, true)
  const two = await stage.request('maintenance_window', { targets: 'api/a, api/b', duration: '1m' })
  assert.match(two.because, /what is left of api carries 200 requests at a time, 300 are expected/)
  // Today's load would do; what is expected does not.
  stage.metrics({ perSecond: 10_000, latencyUsP50: 10_000 })
  stage.hear(
    loadForecasted.of({
      services: [
        { service: 'api', horizonMs: 60_000, perSecond: 10_000, expected: 20_000, p95: 31_000, confidence: 0.9 },
      ],
    }),
  )
  const third = await stage.request('maintenance_window', { targets: 'api/b', duration: '1m' })
  assert.match(third.because, /carries \d+ requests at a time, 310 are expected/)
})

test('maintenance_window: windows that overlap may together not take more than one alone', async t => {
  const stage = await OrchestratorStage.of(t)
  const first = await stage.request('maintenance_window', { targets: 'api/a', duration: '1h', startsIn: '10m' })
  assert.equal(first.isTaken, true)
  const second = await stage.request('maintenance_window', { targets: 'api/b, api/c', duration: '1h', startsIn: '30m' })
  assert.match(second.because, /api would have 1 endpoints/)
  const later = await stage.request('maintenance_window', { targets: 'api/b, api/c', duration: '1h', startsIn: '2h' })
  assert.equal(later.isTaken, true)
})

test('maintenance_window is broken off where what is left fails, and its targets are back at once (AC-39)', async t => {
  const stage = await OrchestratorStage.of(t)
  const { id } = await stage.request('maintenance_window', { targets: 'api/a', duration: '10m' })
  await stage.advance(10_000)
  assert.deepEqual(stage.out(), ['a held'])
  stage.metrics({ errorShare: 0.02 })
  await stage.advance(5_000)
  assert.deepEqual(stage.out(), ['a held'], 'once may be a moment')
  stage.metrics({ errorShare: 0.02 })
  await stage.advance(6_000)
  assert.deepEqual(stage.out(), [])
  const { status, because } = stage.finished(id)!
  assert.deepEqual([status, because], ['aborted', '2 % of the requests to api fail'])
})

test('maintenance_window goes on where no more fails than did before, and figures that were judged are not judged again', async t => {
  const stage = await OrchestratorStage.of(t)
  const router = stage.box.router('api')
  for (let i = 0; i < 4; i++) router.pick()
  // Twice what the goal of 99.9 % allows, and usual there.
  stage.metrics({ errorShare: 0.002 })
  const { id } = await stage.request('maintenance_window', { targets: 'api/a', duration: '10m' })
  for (let i = 0; i < 8; i++) {
    await stage.advance(5_000)
    stage.metrics({ errorShare: 0.002 })
  }
  // Of 300 requests one is 0.33 %.
  stage.metrics({ requests: 300, errorShare: 1 / 300 })
  await stage.advance(5_000)
  stage.metrics({ requests: 300, errorShare: 1 / 300 })
  await stage.advance(5_000)
  assert.equal(stage.finished(id), undefined)
  stage.metrics({ errorShare: 0.02 })
  await stage.advance(20_000)
  assert.deepEqual(stage.out(), ['a held'], 'one window of figures may be a moment, however often it is looked at')
  stage.metrics({ errorShare: 0.002 })
  await stage.advance(6_000)
  stage.metrics({ errorShare: 0.02 })
  await stage.advance(6_000)
  assert.deepEqual(stage.out(), ['a held'], 'it was better in between')
  stage.metrics({ errorShare: 0.02 })
  await stage.advance(6_000)
  assert.equal(stage.finished(id)!.status, 'aborted')
})

test('maintenance_window gives up where the rules of publication do not let its targets out', async t => {
  const config = { ...FOUR, agents: { 'cluster-orchestrator': { policies: { minRoutable: 1 } } } }
  const stage = await OrchestratorStage.of(t, { config })
  const { id } = await stage.request('maintenance_window', { targets: 'api/a, api/b, api/c', duration: '1m' })
  await stage.advance(10_000)
  const { status, because } = stage.finished(id)!
  assert.deepEqual([status, because], ['aborted', 'too many endpoints are out already to take out api/c'])
  await stage.advance(1_000)
  assert.deepEqual(stage.out(), [])
})

test('an orchestrator that is killed during maintenance goes on with it, and nobody is picked meanwhile (D36)', async t => {
  const stage = await OrchestratorStage.of(t)
  const { id } = await stage.request('maintenance_window', { targets: 'api/a', duration: '60s' })
  await stage.advance(10_000)
  await stage.plane.control.kill('cluster-orchestrator')
  for (let i = 0; i < 20; i++) {
    await stage.advance(1_000)
    assert.deepEqual(stage.out(), ['a held'])
  }
  assert.equal((await stage.list(id)).operations[0]!.stage, 'hold')
  await stage.advance(45_000)
  assert.deepEqual(stage.out(), [])
  assert.equal(stage.finished(id)!.status, 'done')
})

test('an operation that cannot be gone on with ends as aborted when its orchestrator is killed', async t => {
  const stage = await OrchestratorStage.of(t, { names: ['cluster-orchestrator'] })
  const { id } = await stage.request('rebalance_load')
  await stage.advance(5_000)
  await stage.plane.control.kill('cluster-orchestrator')
  await stage.advance(5_000)
  assert.deepEqual([stage.finished(id)!.status, stage.finished(id)!.because], ['aborted', 'its orchestrator was lost'])
})

test('an endpoint that was left held by an earlier life, and that nobody wants held, is let go', async t => {
  const stage = await OrchestratorStage.of(t, { names: ['load-balancer', 'cluster-orchestrator'] })
  const { endpoints } = stage.box.attachment
  endpoints.setBar(stage.box.attachment.serviceTexts()[0]!.rows[0]!, 1 << 6, true)
  assert.deepEqual(stage.out(), ['a held'])
  await stage.plane.control.kill('cluster-orchestrator')
  await stage.advance(10_000)
  assert.deepEqual(stage.out(), [])
})

test('readWindow() reads what is to be taken out, from when and for how long', () => {
  const wallMs = Date.parse('2026-01-01T00:00:00Z')
  const window = readWindow(
    { targets: 'api/b,api/a, api/a', startsAt: '2026-01-01T03:00:00Z', duration: '30m' },
    wallMs,
  )
  assert.deepEqual(window, { targets: ['api/a', 'api/b'], startsAtMs: wallMs + 3 * 3_600_000, durationMs: 1_800_000 })
  // What is past begins now.
  const past = readWindow({ targets: 'api/a', startsAt: '2025-01-01T00:00:00Z', durationMs: '500' }, wallMs)
  assert.deepEqual(past, { targets: ['api/a'], startsAtMs: wallMs, durationMs: 500 })
  for (const bad of [
    { targets: '', duration: '1m' },
    { targets: 'api', duration: '1m' },
    { targets: 'api/a' },
    { targets: 'api/a', duration: '0s' },
    { targets: 'api/a', duration: '1m', startsAt: '2027-01-01T00:00:00Z' },
    { targets: Array.from({ length: 300 }, (_, i) => `api/${i}`).join(), duration: '1m' },
  ]) {
    assert.ok('fault' in readWindow(bad as never, wallMs), JSON.stringify(bad))
  }
})

test('overlapping() finds windows that are due at one moment and touch one service', () => {
  const at = (targets: string[], startsAtMs: number): Window => ({ targets, startsAtMs, durationMs: 10 })
  const mine = at(['api/a'], 100)
  const others = [at(['api/b'], 95), at(['api/c'], 110), at(['api/d'], 90), at(['web/a'], 100), at(['api/e'], 109)]
  assert.deepEqual(
    overlapping(mine, others).map(({ targets }) => targets[0]),
    ['api/b', 'api/e'],
  )
})

test('capacityOf() is the least of what is known of an endpoint, and demandOf() follows Little’s law', () => {
  const endpoint = { limit: 0, inflight: 6, utilisation: undefined } as EndpointView
  assert.equal(capacityOf(endpoint, 0), 100)
  assert.equal(capacityOf({ ...endpoint, limit: 40 }, 0), 40)
  assert.equal(capacityOf({ ...endpoint, limit: 40 }, 30), 30)
  // Six requests are a fifth of what it can do.
  assert.equal(capacityOf({ ...endpoint, limit: 40, utilisation: 0.2 }, 0), 30)
  assert.equal(capacityOf({ ...endpoint, utilisation: 0.05 }, 0), 100, 'a twentieth says too little')
  const service = { name: 'api', endpoints: [endpoint, endpoint] } as unknown as ServiceView
  assert.equal(demandOf(service, { metrics: undefined, forecasts: new Map() }), 12)
})
