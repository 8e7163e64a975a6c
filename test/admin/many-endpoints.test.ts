import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminWorld, bearer } from './admin-world.ts'

const COUNT = 500
const endpoints = Array.from({ length: COUNT }, (_, i) => ({ id: `e${i}`, url: `http://127.0.0.1:${10_000 + i}` }))
const only = [{ id: 'only', url: 'http://127.0.0.1:9001' }]

test('who asks for one thing has no report made of all the others', async t => {
  const config = { services: { api: { endpoints }, web: { endpoints: only } } }
  const { box, ask } = await adminWorld(t, { token: 'sesame' }, config)
  // A report of an endpoint says what it is called: so often one was made.
  let reported = 0
  const { endpoint } = box.attachment
  box.attachment.endpoint = row => {
    reported++
    return endpoint.call(box.attachment, row)
  }
  const reportedFor = async (path: string, method = 'GET'): Promise<number> => {
    reported = 0
    assert.equal((await ask(path, { method, headers: bearer('sesame') })).status, 200, path)
    return reported
  }
  assert.equal(await reportedFor('/readyz'), 0)
  assert.equal(await reportedFor('/api/v1/explain/web'), 1)
  const change = await reportedFor('/api/v1/services/api/endpoints/e7/drain', 'POST')
  assert.ok(change > 0 && change < 10, `${change}, to find it by its name and to tell of it`)
  assert.ok((await reportedFor('/api/v1/explain/api')) >= COUNT, 'what was asked for whole is whole')
})
