import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../../engine/admin/counters.ts'
import type { Box } from '../../engine/box/box.ts'
import type { AgentStatus } from '../../engine/box/control.ts'
import type { EndpointReport } from '../../engine/router/report.ts'
import { reportText } from '../../engine/router/report-text.ts'
import { adminWorld, TWO_SERVICES } from './admin-world.ts'

const AGENT: AgentStatus = {
  name: 'health-monitor',
  group: 'prediction',
  heapBytes: 9_000_000,
  refusedWrites: 6,
  state: 'running',
  incarnation: 3,
  restarts: 2,
  threadId: 7,
  heartbeatAgeMs: 250,
  handled: 40,
  dropped: 1,
  lastError: 'gone',
}

test('GET /api/v1/services and /explain tell what box.services() and box.explain() tell', async t => {
  const { box, ask } = await adminWorld(t)
  const router = box.router('api')
  router.settle(router.pick(), 'ok', 1500)
  assert.deepEqual((await ask('/api/v1/services')).json, { services: box.services() })
  assert.deepEqual((await ask('/api/v1/explain/api')).json, box.explain('api'))
  assert.equal((await ask('/api/v1/explain/none')).status, 404)
  const { text, headers } = await ask('/api/v1/explain/api', { headers: { accept: 'text/plain' } })
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(text, `${reportText(box.explain('api'))}\n`)
})

test('GET /api/v1/agents is empty without a control plane and lists what runs with one', async t => {
  const without = await adminWorld(t)
  assert.deepEqual((await without.ask('/api/v1/agents')).json, { agents: [], switchedOff: [] })
  const control = { start: async () => ({ status: () => [AGENT], close: async () => {}, kill: async () => {} }) }
  const having = await adminWorld(t, {}, TWO_SERVICES, { control })
  assert.deepEqual((await having.ask('/api/v1/agents')).json, {
    agents: [{ ...AGENT, isEnabled: true, report: null }],
    switchedOff: [],
  })
})

test('GET /api/v1/agents/:name has what the agent last told of itself, and is 404 for one that does not run', async t => {
  const reports: Record<string, object> = {}
  const running = { status: () => [AGENT], close: async () => {}, kill: async () => {} }
  const control = { start: async () => ({ ...running, report: (name: string) => reports[name] }) }
  const { ask } = await adminWorld(t, {}, TWO_SERVICES, { control })
  const path = '/api/v1/agents/health-monitor'
  assert.deepEqual((await ask(path)).json, { ...AGENT, isEnabled: true, report: null })
  reports['health-monitor'] = { clusterRole: 'health-monitor' }
  assert.deepEqual((await ask(path)).json.report, { clusterRole: 'health-monitor' })
  const { status, json } = await ask('/api/v1/agents/load-balancer')
  assert.deepEqual([status, json.error.code], [404, 'SBX_AGENT_UNKNOWN'])
  assert.equal((await (await adminWorld(t)).ask(path)).status, 404, 'nor without a control plane')
})

test('GET /readyz is 200 while the engine routes and something can be picked', async t => {
  let isRouting = true
  const { box, ask } = await adminWorld(t, { isReady: () => isRouting })
  const ready = async () => {
    const { status, json } = await ask('/readyz')
    return [status, json.ready, json.reasons]
  }
  assert.deepEqual(await ready(), [200, true, []])
  // One service of two without an endpoint: said, but still ready.
  box.service('web').quarantine('127.0.0.1:9003')
  assert.deepEqual(await ready(), [200, true, ['service web has no endpoint that can be picked']])
  box.service('api').setWeight('a', 0)
  box.service('api').remove('b')
  const none = ['service api has no endpoint that can be picked', 'service web has no endpoint that can be picked']
  assert.deepEqual(await ready(), [503, false, none])
  box.service('web').release('127.0.0.1:9003')
  isRouting = false
  assert.deepEqual(await ready(), [503, false, ['the engine does not take requests now', none[0]]])
  isRouting = true
  await box.close()
  assert.deepEqual(await ready(), [503, false, ['the box was closed']])
})

test('GET /readyz goes by what a pick would give: opinions alone do not empty a service unless panic is off', async t => {
  const only = [{ id: 'a', url: 'http://127.0.0.1:9001' }]
  for (const [panicThreshold, status] of [
    ['50%', 200],
    ['0%', 503],
  ] as const) {
    const { box, ask } = await adminWorld(t, {}, { services: { api: { endpoints: only, panicThreshold } } })
    const { endpoints } = box.attachment
    endpoints.setBar(box.explain('api').endpoints[0].row, 4, true)
    assert.deepEqual(box.explain('api').endpoints[0].bars, ['unhealthy'])
    assert.equal((await ask('/readyz')).status, status, panicThreshold)
    assert.equal(box.router('api').pick() >= 0, status === 200, panicThreshold)
  }
})

test('Counters never go backwards when a count wraps at 2^32, and begin anew with a new tenant of the row', () => {
  const totals = { picked: 2 ** 32 - 2, ok: 2 ** 32 - 3, error: 0, timeout: 0, abandoned: 0, latencyUsSum: 5 }
  const endpoint = { id: 'a', row: 4, totals } as EndpointReport
  let generation = 1
  const box = {
    services: () => [{ service: 'api', endpoints: [{ ...endpoint, totals: { ...totals } }] }],
    attachment: { endpoints: { generation: () => generation } },
  } as unknown as Box
  const counters = new Counters(box)
  const read = () => counters.services()[0].endpoints[0].totals
  assert.deepEqual(read(), totals)
  // Five more picks: 2^32 − 2 + 5 = 2^32 + 3, read as 3.
  totals.picked = 3
  totals.ok = 1
  assert.deepEqual([read().picked, read().ok], [2 ** 32 + 3, 2 ** 32 + 1])
  totals.picked = 10
  assert.equal(read().picked, 2 ** 32 + 10)
  generation = 2
  totals.picked = 1
  assert.equal(read().picked, 1)
})
