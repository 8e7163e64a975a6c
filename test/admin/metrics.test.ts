import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Exposition } from '../../engine/admin/exposition.ts'
import type { AgentStatus } from '../../engine/box/control.ts'
import { UNHEALTHY } from '../../engine/memory/bars.ts'
import { eventually } from '../support/eventually.ts'
import { parseExposition } from '../support/exposition.ts'
import { adminWorld, TWO_SERVICES } from './admin-world.ts'

test('GET /metrics is well-formed Prometheus text', async t => {
  const { ask } = await adminWorld(t)
  const { status, headers, text } = await ask('/metrics')
  assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8'])
  const samples = parseExposition(text)
  assert.deepEqual(
    samples.find(({ name }) => name === 'signalbox_build_info'),
    { name: 'signalbox_build_info', labels: { version: '1.2.3', node: process.versions.node }, value: 1 },
  )
  for (const name of ['process_start_time_seconds', 'process_cpu_seconds_total', 'process_resident_memory_bytes']) {
    assert.ok(
      samples.some(sample => sample.name === name && sample.value > 0),
      name,
    )
  }
})

test('/metrics tells how far the disk is behind the tables, where they are kept', async t => {
  const values = (text: string): Record<string, number> =>
    Object.fromEntries(
      parseExposition(text).flatMap(({ name, value }) =>
        name.startsWith('signalbox_snapshot_') ? [[name, value]] : [],
      ),
    )
  const without = await adminWorld(t)
  assert.deepEqual(values((await without.ask('/metrics')).text), {})
  const state = mkdtempSync(join(tmpdir(), 'signalbox-state-'))
  const { box, ask } = await adminWorld(t, {}, TWO_SERVICES, { state: join(state, 'tables') })
  // After the box was closed, which keeps its tables once more.
  t.after(() => rmSync(state, { recursive: true, force: true }))
  await eventually('they are kept', () => box.snapshotStatus()!.writes > 0)
  const {
    signalbox_snapshot_age_seconds: ageS,
    signalbox_snapshot_size_bytes: bytes,
    ...rest
  } = values((await ask('/metrics')).text)
  assert.ok(ageS! >= 0 && ageS! < 60, `${ageS} s`)
  assert.equal(bytes, statSync(join(state, 'tables', 'tables.snapshot')).size)
  assert.deepEqual(rest, {
    signalbox_snapshot_writes_total: 1,
    signalbox_snapshot_failures_total: 0,
    signalbox_snapshot_resumed: 0,
  })
})

test('the sums in /metrics are what the router was told', async t => {
  const { box, ask } = await adminWorld(t)
  const router = box.router('api')
  const told = { ok: 40, error: 7, timeout: 3, abandoned: 2 }
  for (const [outcome, times] of Object.entries(told)) {
    for (let time = 0; time < times; time++) router.settle(router.pick(), outcome as keyof typeof told, 250_000)
  }
  router.pick()
  const samples = parseExposition((await ask('/metrics')).text)
  const sum = (name: string, labels: Record<string, string> = {}): number =>
    samples
      .filter(
        sample =>
          sample.name === name &&
          Object.entries({ service: 'api', ...labels }).every(([key, value]) => sample.labels[key] === value),
      )
      .reduce((total, { value }) => total + value, 0)
  for (const [outcome, times] of Object.entries(told)) {
    assert.equal(sum('signalbox_endpoint_requests_total', { outcome }), times, outcome)
  }
  // 40 + 7 + 3 + 2 settled and one in flight.
  assert.equal(sum('signalbox_endpoint_picks_total'), 53)
  assert.equal(sum('signalbox_endpoint_inflight'), 1)
  assert.equal(sum('signalbox_endpoint_response_seconds_count'), 40)
  // 40 × 0.25 s.
  assert.equal(sum('signalbox_endpoint_response_seconds_sum'), 10)
})

test('/metrics says weight, bars, latency and panic as they are in the tables', async t => {
  const { box, ask } = await adminWorld(t)
  const { endpoints, services } = box.attachment
  const [a, b] = box.explain('api').endpoints
  box.service('api').quarantine('a')
  endpoints.setLatencyUs(b.row, 12_500)
  endpoints.setFactor(b.row, 0.5)
  const read = async () => {
    const samples = parseExposition((await ask('/metrics')).text)
    return (name: string, labels: Record<string, string>) =>
      samples.find(
        sample => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
      )?.value
  }
  const value = await read()
  const [ofA, ofB] = [a, b].map(({ id }) => ({ service: 'api', endpoint: id }))
  assert.deepEqual([value('signalbox_endpoint_up', ofA), value('signalbox_endpoint_up', ofB)], [0, 1])
  // b: weight 2 × factor 0.5.
  assert.deepEqual([value('signalbox_endpoint_weight', ofA), value('signalbox_endpoint_weight', ofB)], [0, 1])
  assert.equal(value('signalbox_endpoint_barred', { ...ofA, bar: 'quarantined' }), 1)
  assert.equal(value('signalbox_endpoint_barred', { ...ofA, bar: 'draining' }), 0)
  assert.equal(value('signalbox_endpoint_latency_seconds', ofB), 0.0125)
  assert.equal(value('signalbox_service_panic', { service: 'api' }), 0)
  const healthy = { service: 'api', priority: '0', tier: 'healthy' }
  assert.equal(value('signalbox_service_priority_load_ratio', healthy), 1, 'the only priority takes all')
  for (const { row } of [a, b]) endpoints.setBar(row, UNHEALTHY, true)
  services.countPanic(0)
  const inPanic = await read()
  assert.equal(inPanic('signalbox_service_panic', { service: 'api' }), 1)
  assert.equal(inPanic('signalbox_service_panics_total', { service: 'api' }), 1)
})

test('/metrics counts the sessions of each service', async t => {
  const { box, ask } = await adminWorld(
    t,
    {},
    { services: { ...TWO_SERVICES.services, s: { policy: 'sticky', endpoints: [{ url: 'http://127.0.0.1:9004' }] } } },
  )
  for (let key = 1; key <= 5; key++) box.router('s').pick(key)
  const samples = parseExposition((await ask('/metrics')).text).filter(
    ({ name }) => name === 'signalbox_service_sessions',
  )
  assert.deepEqual(
    samples.map(({ labels, value }) => [labels.service, value]),
    [
      ['api', 0],
      ['web', 0],
      ['s', 5],
    ],
  )
})

test('/metrics tells of agents and proxy threads where there are some', async t => {
  const agent: AgentStatus = {
    name: 'load-balancer',
    group: 'prediction',
    heapBytes: 9_000_000,
    refusedWrites: 6,
    state: 'restarting',
    incarnation: 3,
    restarts: 2,
    threadId: 7,
    heartbeatAgeMs: 1250,
    handled: 40,
    dropped: 1,
    lastError: null,
  }
  const control = { start: async () => ({ status: () => [agent], close: async () => {}, kill: async () => {} }) }
  const responses = { '1xx': 0, '2xx': 12, '3xx': 0, '4xx': 0, '5xx': 0 }
  const mirrors = { mirrored: 12, mirrorsFailed: 9, mirrorsSkipped: 10 }
  const counts = {
    noResponse: 4,
    retries: 5,
    refusedConnections: 6,
    failedEntries: 8,
    droppedAccessLines: 7,
    openConnections: 3,
    heapBytes: 11,
    ...mirrors,
  }
  const threads = [{ index: 5, state: 'serving', restarts: 1, responses, ...counts }]
  const { ask } = await adminWorld(t, { proxy: () => ({ threads }) }, TWO_SERVICES, { control })
  const samples = parseExposition((await ask('/metrics')).text)
  const found = Object.fromEntries(
    samples
      .filter(
        ({ labels }) =>
          labels.agent === 'load-balancer' || (labels.thread === '5' && (labels.class ?? '2xx') === '2xx'),
      )
      .map(({ name, value }) => [name, value]),
  )
  assert.deepEqual(found, {
    signalbox_agent_up: 0,
    signalbox_agent_failed: 0,
    signalbox_agent_enabled: 1,
    signalbox_agent_restarts_total: 2,
    signalbox_agent_heartbeat_age_seconds: 1.25,
    signalbox_agent_signals_handled_total: 40,
    signalbox_agent_signals_dropped_total: 1,
    signalbox_agent_writes_refused_total: 6,
    signalbox_agent_heap_bytes: 9_000_000,
    signalbox_proxy_responses_total: 12,
    signalbox_proxy_aborted_requests_total: 4,
    signalbox_proxy_retries_total: 5,
    signalbox_proxy_refused_connections_total: 6,
    signalbox_proxy_failed_entries_total: 8,
    signalbox_proxy_access_lines_dropped_total: 7,
    signalbox_proxy_mirrored_requests_total: 12,
    signalbox_proxy_mirror_failures_total: 9,
    signalbox_proxy_mirror_skipped_total: 10,
    signalbox_proxy_thread_restarts_total: 1,
    signalbox_proxy_connections: 3,
    signalbox_proxy_thread_heap_bytes: 11,
  })
})

test('/metrics has how long requests took as cumulated buckets in seconds', async t => {
  const times = (buckets: number[], sumS: number) => ({ buckets, sumS })
  const requests = () => ({
    boundsS: [0.5, 2.5],
    services: [
      { service: 'api', durations: { '2xx': times([3, 0, 1], 4.5) }, firstByte: times([4, 0, 0], 0.25), retries: 6 },
      { service: '', durations: { '4xx': times([2, 0, 0], 0.001) }, firstByte: times([0, 0, 0], 0), retries: 0 },
    ],
  })
  const { ask } = await adminWorld(t, { requests })
  const told = parseExposition((await ask('/metrics')).text)
    .filter(({ name }) => /^signalbox_proxy_(request|first|service)/.test(name))
    .map(({ name, labels, value }) => [name, ...Object.values(labels), value])
  const name = 'signalbox_proxy_request_duration_seconds'
  const first = 'signalbox_proxy_first_byte_seconds'
  assert.deepEqual(told, [
    [`${name}_bucket`, 'api', '2xx', '0.5', 3],
    [`${name}_bucket`, 'api', '2xx', '2.5', 3],
    [`${name}_bucket`, 'api', '2xx', '+Inf', 4],
    [`${name}_sum`, 'api', '2xx', 4.5],
    [`${name}_count`, 'api', '2xx', 4],
    [`${name}_bucket`, '', '4xx', '0.5', 2],
    [`${name}_bucket`, '', '4xx', '2.5', 2],
    [`${name}_bucket`, '', '4xx', '+Inf', 2],
    [`${name}_sum`, '', '4xx', 0.001],
    [`${name}_count`, '', '4xx', 2],
    [`${first}_bucket`, 'api', '0.5', 4],
    [`${first}_bucket`, 'api', '2.5', 4],
    [`${first}_bucket`, 'api', '+Inf', 4],
    [`${first}_sum`, 'api', 0.25],
    [`${first}_count`, 'api', 4],
    ['signalbox_proxy_service_retries_total', 'api', 6],
  ])
})

test('Exposition escapes label values and help as the format asks', () => {
  const out = new Exposition()
  const write = out.family('x_total', 'counter', 'A \\ and\na line')
  const labels = { name: 'quote " backslash \\ line\n end', other: '{},=' }
  write(1, labels)
  const text = out.toString()
  assert.equal(text.split('\n').length, 4)
  assert.deepEqual(parseExposition(text), [{ name: 'x_total', labels, value: 1 }])
})
