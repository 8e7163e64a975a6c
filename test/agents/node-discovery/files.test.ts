import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { deadUrl, discovering, folderOf, listening, put } from './endpoints-world.ts'

test('a file of endpoints that appears is routed to within a second, and what it leaves out is picked no more (AG-1)', async t => {
  const folder = folderOf(t)
  const [a, b, c] = [await listening(t), await listening(t), await listening(t)]
  const config = { services: { api: { endpoints: [], discover: [{ file: join(folder, 'api.json') }] } } }
  const { box, urls, told } = await discovering(t, config)
  assert.deepEqual(urls(), [])
  put(folder, 'api.json', [{ url: a.url, id: 'a' }, { url: b.url, id: 'b', weight: 2 }, c.url])
  const since = performance.now()
  await eventually('all three are there', () => urls().length === 3)
  const tookMs = performance.now() - since
  t.diagnostic(`${tookMs.toFixed(0)} ms from the file to the tables`)
  const router = box.router('api')
  const ticket = router.pick()
  assert.ok(ticket >= 0)
  router.settle(ticket, 'ok', 100)

  put(folder, 'api.json', [{ url: a.url, id: 'a' }, c.url])
  await eventually('b is gone', () => !urls().includes(b.url))
  for (let i = 0; i < 100; i++) {
    const picked = router.pick()
    assert.notEqual(router.endpoint(picked).id, 'b')
    router.settle(picked, 'ok', 100)
  }
  await eventually('it is told', () =>
    told('service.endpoints-discovered').some(({ removed }) => (removed as string[]).includes('b')),
  )
})

test('an endpoint that nobody can connect to stays out, is told as unverified, and comes when it is there (AC-10)', async t => {
  const folder = folderOf(t)
  const here = await listening(t)
  const gone = await deadUrl(t)
  put(folder, 'api.json', [
    { id: 'here', url: here.url },
    { id: 'gone', url: gone },
  ])
  const config = { services: { api: { discover: [{ file: join(folder, 'api.json') }] } } }
  const { urls, told } = await discovering(t, config)
  await eventually('one is there', () => urls().includes(here.url))
  await eventually('the other is told', () =>
    told('service.endpoints-discovered').some(({ unverified }) => (unverified as string[]).includes('gone')),
  )
  assert.deepEqual(urls(), [here.url])
  await listening(t, Number(new URL(gone).port))
  await eventually('it is there too', () => urls().includes(gone))
})

test('a broken file keeps what it said before, and is told', async t => {
  const folder = folderOf(t)
  const [a, b] = [await listening(t), await listening(t)]
  put(folder, 'one.json', { url: a.url })
  put(folder, 'two.json', { endpoints: [b.url] })
  const { urls, told } = await discovering(t, { services: { api: { discover: [{ directory: folder }] } } })
  await eventually('both are there', () => urls().length === 2)
  put(folder, 'one.json', '{ "url": ')
  await eventually('it is told', () => told('discovery.source-changed').length === 1)
  const [{ reason }] = told('discovery.source-changed') as { reason: string }[]
  assert.match(reason, /^one\.json: /)
  assert.equal(urls().length, 2)
  put(folder, 'one.json', { url: a.url })
  await eventually('that is told too', () => told('discovery.source-changed').at(-1)?.reason === '')
  rmSync(join(folder, 'two.json'))
  await eventually('what a file had is gone with it', () => urls().length === 1)
})

test('a reload keeps what was found, and takes out what a source had that is named no more', async t => {
  const folder = folderOf(t)
  const [a, b, c] = [await listening(t), await listening(t), await listening(t)]
  const [one, two] = [put(folder, 'one.json', [a.url]), put(folder, 'two.json', [b.url])]
  const service = (...files: string[]) => ({
    services: { api: { endpoints: [{ id: 'c', url: c.url }], discover: files.map(file => ({ file })) } },
  })
  const { box, urls } = await discovering(t, service(one, two))
  await eventually('all are there', () => urls().length === 3)
  box.service('api').add({ id: 'by-hand', url: 'http://127.0.0.1:9' })
  await box.reload({ ...service(one, two), zone: 'z2' })
  assert.equal(urls().length, 4)
  await box.reload(service(two))
  assert.deepEqual(urls(), [b.url, c.url, 'http://127.0.0.1:9'].sort())
  await box.reload(service(one))
  await eventually('the other source is looked at', () => urls().includes(a.url))
  assert.ok(!urls().includes(b.url))
})

test('a later life of the agent takes over what an earlier one had found', async t => {
  const folder = folderOf(t)
  const [a, b, c] = [await listening(t), await listening(t), await listening(t)]
  const file = put(folder, 'api.json', [a.url, b.url, c.url])
  const { box, urls } = await discovering(t, { services: { api: { discover: [{ file }] } } })
  await eventually('all are there', () => urls().length === 3)
  const rows = box.explain('api').endpoints.map(({ row }) => row)
  await box.control!.kill('node-discovery')
  put(folder, 'api.json', [a.url, c.url])
  await eventually('what went meanwhile is gone', () => !urls().includes(b.url))
  assert.deepEqual(urls(), [a.url, c.url].sort())
  const kept = box.explain('api').endpoints.map(({ row }) => row)
  assert.ok(kept.every(row => rows.includes(row)))
})

test('what the rules of publication leave in the tables is told, and an operator’s endpoint is never touched', async t => {
  const folder = folderOf(t)
  const [a, b] = [await listening(t), await listening(t)]
  const file = put(folder, 'api.json', [a.url, b.url])
  const { urls, told } = await discovering(t, { services: { api: { discover: [{ file }] } } })
  await eventually('both are there', () => urls().length === 2)
  put(folder, 'api.json', [])
  await eventually('as many leave as may', () => urls().length === 1)
  await eventually('the rest is told', () => told('service.discovery-refused').length > 0)
  const [{ wish, because }] = told('service.discovery-refused') as { wish: string; because: string }[]
  assert.equal(wish, 'remove')
  assert.match(because, /emptied by its operator|loses half of them at most/)
})
