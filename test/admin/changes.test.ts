import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminWorld, JSON_TYPE, TWO_SERVICES } from './admin-world.ts'

const PATH = '/api/v1/services/api/endpoints/a'

test('POST drain, undrain, quarantine and release act on the next pick and answer with the endpoint', async t => {
  const { box, ask } = await adminWorld(t)
  const router = box.router('api')
  const picksA = (): boolean => {
    const tickets = [router.pick(), router.pick()]
    const ids = tickets.map(ticket => router.endpoint(ticket).id)
    for (const ticket of tickets) router.settle(ticket, 'ok', 1)
    return ids.includes('a')
  }
  for (const [action, bars, isPicked] of [
    ['drain', ['draining'], false],
    ['drain', ['draining'], false],
    ['undrain', [], true],
    ['quarantine', ['quarantined'], false],
    ['release', [], true],
  ] as const) {
    const { status, json } = await ask(`${PATH}/${action}`, { method: 'POST' })
    assert.deepEqual([status, json.id, json.bars, json.isPickable], [200, 'a', bars, isPicked], action)
    // Round robin over two endpoints: two picks in a row give both.
    assert.equal(picksA(), isPicked, action)
  }
})

test('POST drain answers at once with what is still in flight', async t => {
  const { box, ask } = await adminWorld(t)
  const router = box.router('api')
  const tickets = [router.pick(), router.pick()]
  const { json } = await ask(`${PATH}/drain`, { method: 'POST' })
  assert.equal(json.inflight, 1)
  for (const ticket of tickets) router.settle(ticket, 'ok', 1)
})

test('PUT weight sets the weight', async t => {
  const { box, ask } = await adminWorld(t)
  const { status, json } = await ask(`${PATH}/weight`, { method: 'PUT', headers: JSON_TYPE, body: '{"weight": 2.5}' })
  assert.deepEqual([status, json.weight, json.effectiveWeight], [200, 2.5, 2.5])
  assert.equal(box.explain('api').endpoints[0].weight, 2.5)
})

test('an id with reserved characters is named by its percent-encoding', async t => {
  const { ask } = await adminWorld(t)
  const path = '/api/v1/services/web/endpoints/127.0.0.1%3A9003/quarantine'
  assert.deepEqual((await ask(path, { method: 'POST' })).json.bars, ['quarantined'])
})

test('a change of what is not there is answered 404 and says what there is', async t => {
  const { ask } = await adminWorld(t)
  const endpoint = await ask('/api/v1/services/api/endpoints/c/drain', { method: 'POST' })
  assert.deepEqual([endpoint.status, endpoint.json.error.code], [404, 'SBX_ENDPOINT_UNKNOWN'])
  assert.match(endpoint.json.error.message, /api has a, b/)
  const service = await ask('/api/v1/services/none/endpoints/a/drain', { method: 'POST' })
  assert.deepEqual([service.status, service.json.error.code], [404, 'SBX_SERVICE_UNKNOWN'])
})

test('a body that cannot be meant is refused and nothing is changed', async t => {
  const { box, ask } = await adminWorld(t)
  const put = (body: string, headers: Record<string, string> = JSON_TYPE) =>
    ask(`${PATH}/weight`, { method: 'PUT', headers, body })
  for (const [body, status, code] of [
    ['', 400, 'SBX_ADMIN_INVALID'],
    ['{', 400, 'SBX_ADMIN_INVALID'],
    ['[2]', 400, 'SBX_ADMIN_INVALID'],
    ['null', 400, 'SBX_ADMIN_INVALID'],
    ['{}', 400, 'SBX_ADMIN_INVALID'],
    ['{"weight": "2"}', 400, 'SBX_ADMIN_INVALID'],
    ['{"weight": null}', 400, 'SBX_ADMIN_INVALID'],
    ['{"weight": 2, "wait": 1}', 400, 'SBX_ADMIN_INVALID'],
    ['{"weight": -1}', 400, 'SBX_ENDPOINT_INVALID'],
    ['{"weight": 1e9}', 400, 'SBX_ENDPOINT_INVALID'],
  ] as const) {
    const answer = await put(body)
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], body)
  }
  assert.equal((await put('{"weight": 2}', { 'content-type': 'text/plain' })).status, 415)
  assert.equal((await put('{"weight": 2}', {})).status, 415)
  assert.equal((await put('{"weight": 2}', { 'content-type': 'application/jsonp' })).status, 415)
  const drained = await ask(`${PATH}/drain`, { method: 'POST', headers: JSON_TYPE, body: '{"now": true}' })
  assert.equal(drained.status, 400)
  const [a] = box.explain('api').endpoints
  assert.deepEqual([a.weight, a.bars], [1, []])
})

test('a body above 64 KiB is refused, declared or streamed', async t => {
  const { ask } = await adminWorld(t)
  const body = `{"weight": 2, "more": "${'x'.repeat(65_536)}"}`
  for (const headers of [JSON_TYPE, { ...JSON_TYPE, 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
    const { status, json, headers: answered } = await ask(`${PATH}/weight`, { method: 'PUT', headers, body })
    assert.deepEqual([status, json.error.code, answered.connection], [413, 'SBX_ADMIN_INVALID', 'close'])
  }
})

test('each change is told to the log', async t => {
  const lines: unknown[] = []
  const { ask } = await adminWorld(t, {}, TWO_SERVICES, {
    log: (level, _, fields) => void lines.push({ level, ...fields }),
  })
  await ask(`${PATH}/weight`, { method: 'PUT', headers: JSON_TYPE, body: '{"weight":3}' })
  assert.deepEqual(lines, [{ level: 'info', service: 'api', id: 'a', change: 'weight', weight: 3 }])
})

test('after the box was closed a change is answered 503', async t => {
  const { box, ask } = await adminWorld(t)
  await box.close()
  for (const [method, path] of [
    ['POST', `${PATH}/drain`],
    ['GET', '/api/v1/services'],
    ['GET', '/metrics'],
  ]) {
    const { status, json } = await ask(path, { method })
    assert.deepEqual([status, json.error.code], [503, 'SBX_BOX_CLOSED'], path)
  }
})
