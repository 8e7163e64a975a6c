import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignalboxError } from '../../engine/index.ts'
import { adminWorld, JSON_TYPE, TWO_SERVICES } from './admin-world.ts'

const POST = { method: 'POST' }
const FIXED = 'Cannot reload: 1 change cannot be made while it runs, nothing was changed\nx.yaml:1:9: workers: …'

test('POST /api/v1/reload answers with what was changed, and the generation is shown from then on', async t => {
  const configFile = '/etc/signalbox.yaml'
  const { box, ask } = await adminWorld(t, { reload: () => box.reload(next), configFile })
  const next = { ...TWO_SERVICES, zone: 'z9' }
  assert.equal((await ask('/api/v1/config')).json.generation, 1)
  const { status, json } = await ask('/api/v1/reload', POST)
  assert.deepEqual([status, json.generation, json.isChanged, json.changes.keys], [200, 2, true, ['zone']])
  assert.equal((await ask('/api/v1/reload', POST)).json.isChanged, false)
  const { json: note } = await ask('/api/v1/config')
  assert.deepEqual(
    [note.generation, note.isLastReloadGood, note.reloads, note.file],
    [2, true, { applied: 1, unchanged: 1, refused: 0 }, configFile],
  )
  const { text } = await ask('/metrics')
  assert.match(text, /^signalbox_config_generation 2$/m)
  assert.match(text, /^signalbox_config_last_reload_successful 1$/m)
  assert.match(text, /^signalbox_config_reloads_total\{result="applied"\} 1$/m)
  const [, since] = /^signalbox_config_in_force_timestamp_seconds (\d+\.?\d*)$/m.exec(text) ?? []
  assert.ok(Math.abs(Number(since) - Date.now() / 1000) < 60, since)
})

test('POST /api/v1/reload says every problem, and what refused it is in the metrics but not in what anyone may read', async t => {
  const { box, ask } = await adminWorld(t, { reload: () => box.reload({ services: {}, zone: 'a secret!' }) })
  const { status, json } = await ask('/api/v1/reload', POST)
  assert.deepEqual([status, json.error.code], [422, 'SBX_CONFIG_INVALID'])
  assert.match(
    json.error.message,
    /2 problems\n.*services: has no service.*\n.*zone:|2 problems\n.*zone:.*\n.*services: has no/,
  )
  const { text } = await ask('/metrics')
  assert.match(text, /^signalbox_config_last_reload_successful 0$/m)
  assert.match(text, /^signalbox_config_reloads_total\{result="refused"\} 1$/m)
  for (const path of ['/api/v1/config', '/metrics']) assert.doesNotMatch((await ask(path)).text, /secret/)
})

test('POST /api/v1/reload answers 409 to what cannot change while it runs, and to a body with keys 400', async t => {
  const reload = async (): Promise<never> => {
    throw new SignalboxError('SBX_CONFIG_FIXED', FIXED)
  }
  const { ask } = await adminWorld(t, { reload })
  const { status, json } = await ask('/api/v1/reload', POST)
  assert.deepEqual([status, json.error], [409, { code: 'SBX_CONFIG_FIXED', message: FIXED }])
  assert.equal(
    (await ask('/api/v1/reload', { ...POST, headers: JSON_TYPE, body: '{"file": "/etc/passwd"}' })).status,
    400,
  )
  assert.equal((await ask('/api/v1/reload')).status, 405)
})

test('POST /api/v1/reload goes through the gate of all changes, and is there only where there is a config to read', async t => {
  const reload = async (): Promise<never> => assert.fail('it came through')
  const { ask, admin } = await adminWorld(t, { reload, token: 'first' })
  assert.equal((await ask('/api/v1/reload', POST)).status, 401)
  const origin = { origin: 'http://evil.example', authorization: 'Bearer first' }
  assert.equal((await ask('/api/v1/reload', { ...POST, headers: origin })).status, 403)
  admin.setToken('second')
  assert.equal((await ask('/api/v1/reload', { ...POST, headers: { authorization: 'Bearer first' } })).status, 401)
  const plain = await adminWorld(t)
  assert.equal((await plain.ask('/api/v1/reload', POST)).status, 404)
})

test('setToken(): the new token counts from the next request on, and a listener that others reach is never left without', async t => {
  const { ask, admin } = await adminWorld(t, { token: 'first' })
  const drain = (token: string) =>
    ask('/api/v1/services/api/endpoints/a/drain', { ...POST, headers: { authorization: `Bearer ${token}` } })
  assert.equal((await drain('first')).status, 200)
  admin.setToken('second')
  assert.deepEqual([(await drain('first')).status, (await drain('second')).status], [401, 200])
  const open = await adminWorld(t, { token: 'first', listen: { address: '0.0.0.0', port: 0 } })
  assert.throws(() => open.admin.setToken(''), { code: 'SBX_ADMIN_FORBIDDEN' })
})
