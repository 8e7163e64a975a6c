import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAgents, ROSTER } from '../../agents/index.ts'
import { eventually } from '../support/eventually.ts'
import { adminWorld, bearer, JSON_TYPE, TWO_SERVICES } from './admin-world.ts'

async function world(t: TestContext, names = ['cluster-orchestrator'], token = '') {
  const control = createAgents({ roster: ROSTER.filter(({ name }) => names.includes(name)) })
  const { box, ask } = await adminWorld(t, { token }, TWO_SERVICES, { control })
  const post = (body: unknown, path = '/api/v1/operations', headers: Record<string, string> = {}) =>
    ask(path, { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) })
  return { box, ask, post }
}

const MAINTENANCE = { operation: 'maintenance_window', options: { targets: ['api/a'], duration: '1h' } }

test('POST /api/v1/operations begins one and answers 202 with its id, by which it is found (AC-32)', async t => {
  const { box, ask, post } = await world(t)
  // It stands for office as it starts.
  await eventually('it is taken', async () => (await post(MAINTENANCE)).status === 202, 20_000)
  const { json: all } = await ask('/api/v1/operations')
  assert.equal(all.leads, true)
  const [{ id, operation, status, by, options }] = all.operations
  assert.deepEqual(
    [operation, status, by, options],
    ['maintenance_window', 'running', 'operator', { targets: 'api/a', duration: '1h' }],
  )
  const one = await ask(`/api/v1/operations/${id}`)
  assert.deepEqual([one.status, one.json.id], [200, id])
  assert.equal((await ask('/api/v1/operations/none')).json.error.code, 'SBX_OPERATION_UNKNOWN')
  await eventually('it is out', () => box.explain('api').endpoints[0]!.bars.includes('held'), 20_000)
})

test('POST /api/v1/operations refuses what is malformed with 400, and what cannot be done with 409', async t => {
  const { post } = await world(t)
  const { status, json } = await post({ operation: 'shrink' })
  assert.equal(status, 400)
  assert.equal(
    json.error.message,
    'Cannot read the operation: "operation" is not one of scale_cluster, rebalance_load, optimize_performance, handle_emergency, maintenance_window',
  )
  for (const body of [
    {},
    { operation: 'rebalance_load', options: [] },
    { operation: 'rebalance_load', options: { service: { a: 1 } } },
    { operation: 'rebalance_load', options: { service: 'x'.repeat(9_000) } },
    { operation: 'rebalance_load', optoins: {} },
  ]) {
    assert.equal((await post(body)).status, 400, JSON.stringify(body).slice(0, 60))
  }
  const refused = await post({ operation: 'handle_emergency', options: { type: 'flood', subject: 'api' } })
  assert.deepEqual(
    [refused.status, refused.json.error],
    [409, { code: 'SBX_OPERATION_REFUSED', message: 'Cannot begin handle_emergency: no_emergency_procedure: flood' }],
  )
})

test('DELETE /api/v1/operations/{id} calls one off that runs, and says so of one that has ended and of one that nobody knows', async t => {
  const { ask, post } = await world(t)
  const later = { ...MAINTENANCE, options: { ...MAINTENANCE.options, startsIn: '480h' } }
  let id = ''
  await eventually(
    'it is taken',
    async () => {
      const { status, json } = await post(later)
      id = json.id
      return status === 202
    },
    20_000,
  )
  const drop = (which: string) => ask(`/api/v1/operations/${which}`, { method: 'DELETE' })
  assert.equal((await drop(id)).status, 202)
  await eventually(
    'it has ended',
    async () => (await ask(`/api/v1/operations/${id}`)).json.status === 'aborted',
    20_000,
  )
  assert.equal((await ask(`/api/v1/operations/${id}`)).json.because, 'called off by operator')
  const again = await drop(id)
  assert.deepEqual([again.status, again.json.error.code], [409, 'SBX_OPERATION_REFUSED'])
  const none = await drop('none')
  assert.deepEqual([none.status, none.json.error.code], [404, 'SBX_OPERATION_UNKNOWN'])
})

test('operations are asked for by the name of the action too, and by the one it had first (AC-32)', async t => {
  const { post } = await world(t)
  await eventually('it leads', async () => (await post(MAINTENANCE)).status === 202, 20_000)
  for (const name of ['OrchestrateClusterOperations', 'OrchestrateCusterOperations']) {
    const { status, json } = await post({ operation: 'rebalance_load' }, `/api/v1/actions/${name}`)
    assert.equal(status, 202)
    assert.equal(json.operation, 'rebalance_load')
  }
  assert.equal((await post({ operation: 'rebalance_load' }, '/api/v1/actions/Orchestrate')).status, 404)
})

test('operations need what every change needs', async t => {
  const { ask, post } = await world(t, ['cluster-orchestrator'], 'secret')
  assert.equal((await post(MAINTENANCE)).status, 401)
  assert.equal(
    (await post(MAINTENANCE, '/api/v1/operations', { ...bearer('secret'), origin: 'http://evil.example' })).status,
    403,
  )
  assert.equal((await post(MAINTENANCE, '/api/v1/actions/OrchestrateCusterOperations')).status, 401)
  assert.equal((await ask('/api/v1/operations')).status, 200, 'loopback may read')
})

test('without agents, or without the cluster orchestrator, operations are 503 and say what is missing', async t => {
  const none = await adminWorld(t)
  const { status, json } = await none.ask('/api/v1/operations', {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify(MAINTENANCE),
  })
  assert.deepEqual([status, json.error.code], [503, 'SBX_CONTROL_ABSENT'])
  assert.match(json.error.message, /no agents run here/)
  const other = await world(t, ['load-balancer'])
  for (const answer of [await other.post(MAINTENANCE), await other.ask('/api/v1/operations')]) {
    assert.equal(answer.status, 503)
    assert.match(answer.json.error.message, /no cluster orchestrator runs here, enable agents.cluster-orchestrator/)
  }
})
