import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { startAdmin } from '../../engine/admin/admin.ts'
import { createSignalbox } from '../../engine/box/box.ts'
import { SignalboxError } from '../../engine/errors.ts'
import { adminWorld, sendRaw, TWO_SERVICES } from './admin-world.ts'

test('GET /healthz answers 200 while the process is alive, also after the box was closed', async t => {
  const { box, ask } = await adminWorld(t, { isReady: () => false })
  assert.deepEqual((await ask('/healthz')).json, { alive: true })
  await box.close()
  assert.equal((await ask('/healthz')).status, 200)
})

test('an unknown path is answered 404', async t => {
  const { ask } = await adminWorld(t)
  for (const path of ['/nothing', '/api/v1/services/', '/assets/../admin.js', '/api/v1/explain', '*']) {
    const { status, json } = await ask(path)
    assert.equal(status, 404, path)
    assert.equal(json.error.code, 'SBX_ADMIN_NOT_FOUND', path)
  }
})

test('a known path with another method is answered 405 and Allow says which it takes', async t => {
  const { ask } = await adminWorld(t)
  const drain = '/api/v1/services/api/endpoints/a/drain'
  for (const [method, path, allow] of [
    ['POST', '/metrics', 'GET, HEAD'],
    ['DELETE', '/api/v1/services', 'GET, HEAD'],
    ['OPTIONS', drain, 'POST'],
    ['GET', drain, 'POST'],
    ['POST', drain.replace('drain', 'weight'), 'PUT'],
  ]) {
    const { status, headers, json } = await ask(path, { method })
    assert.deepEqual([status, headers.allow, json.error.code], [405, allow, 'SBX_ADMIN_INVALID'], `${method} ${path}`)
  }
})

test('HEAD is answered as GET without a body', async t => {
  const { ask } = await adminWorld(t)
  for (const path of ['/', '/healthz', '/api/v1/services', '/api/v1/live']) {
    const { status, text } = await ask(path, { method: 'HEAD' })
    assert.deepEqual([status, text], [200, ''], path)
  }
})

test('a broken percent-encoding in the path is answered 400', async t => {
  const { ask } = await adminWorld(t)
  const { status, json } = await ask('/api/v1/explain/%zz')
  assert.deepEqual([status, json.error.code], [400, 'SBX_ADMIN_INVALID'])
})

test('every answer carries the security headers, refusals too', async t => {
  const { ask } = await adminWorld(t)
  for (const path of ['/', '/metrics', '/api/v1/services', '/nothing']) {
    const { headers } = await ask(path)
    assert.equal(headers['x-content-type-options'], 'nosniff', path)
    assert.equal(headers['referrer-policy'], 'no-referrer', path)
    assert.equal(headers['cache-control'], 'no-store', path)
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/, path)
  }
})

test('what is not HTTP is answered 400 with JSON, headers beyond 16 KiB 431', async t => {
  const { admin } = await adminWorld(t)
  for (const [bytes, status] of [
    ['nonsense\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nhost: 127.0.0.1:${admin.port}\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
  ] as const) {
    const text = await sendRaw(admin.port, bytes)
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `))
    assert.match(text, /"code":"SBX_ADMIN_INVALID"/)
  }
})

test('startAdmin() says which address is in use and what to do', async t => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  await assert.rejects(
    adminWorld(t, { listen: { address: '127.0.0.1', port } }),
    (error: unknown) =>
      error instanceof SignalboxError &&
      error.code === 'SBX_LISTEN_FAILED' &&
      error.message.startsWith(`Cannot listen on 127.0.0.1:${port}: it is in use`),
  )
})

test('startAdmin() refuses an address others can reach when no token is set', async t => {
  const box = await createSignalbox(TWO_SERVICES)
  t.after(() => box.close())
  for (const address of ['0.0.0.0', '::', '10.0.0.1', 'example.internal']) {
    await assert.rejects(
      startAdmin(box, { listen: { address, port: 0 }, token: '', isReady: () => true, version: '0' }),
      { code: 'SBX_ADMIN_FORBIDDEN', message: /admin\.token/ },
      address,
    )
  }
})

test('close() ends connections that are open and idle, gives the port back, and may be called twice', async t => {
  const { admin } = await adminWorld(t)
  const idle = connect(admin.port, '127.0.0.1')
  await new Promise(resolve => idle.once('connect', resolve))
  const ended = new Promise(resolve => idle.once('close', resolve).resume())
  const streaming = await new Promise<NodeJS.ReadableStream>(resolve => {
    request({ host: '127.0.0.1', port: admin.port, path: '/api/v1/live', agent: false }, resolve).end()
  })
  const streamEnded = new Promise(resolve => streaming.once('close', resolve).once('error', resolve).resume())
  await Promise.all([admin.close(), admin.close()])
  await Promise.all([ended, streamEnded])
  const next = createServer()
  await new Promise<void>(resolve => next.listen(admin.port, '127.0.0.1', resolve))
  await new Promise(resolve => next.close(resolve))
})

test('a fault inside is answered 500, says nothing of the inside, and is logged', async t => {
  const lines: unknown[] = []
  const world = await adminWorld(
    t,
    {
      proxy: () => {
        throw new Error('secret detail')
      },
    },
    TWO_SERVICES,
    { log: (level, _message, fields) => void lines.push([level, String(fields?.error)]) },
  )
  const { status, json, text } = await world.ask('/metrics')
  assert.deepEqual([status, json.error.code], [500, 'SBX_ADMIN_FAILED'])
  assert.doesNotMatch(text, /secret/)
  assert.deepEqual(lines, [['error', 'Error: secret detail']])
})
