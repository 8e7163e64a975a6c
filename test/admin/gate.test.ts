import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { Gate, isLoopbackPeer } from '../../engine/admin/gate.ts'
import { WrongTokens } from '../../engine/admin/wrong-tokens.ts'
import { adminWorld, bearer, sendRaw } from './admin-world.ts'

const DRAIN = '/api/v1/services/api/endpoints/a/drain'
const READS = ['/metrics', '/api/v1/services', '/api/v1/agents', '/api/v1/explain/api']
const OPEN = ['/', '/assets/page.js', '/healthz', '/readyz']

test('a loopback listener without a token: everybody there reads and changes', async t => {
  const { ask } = await adminWorld(t)
  for (const path of [...OPEN, ...READS]) assert.equal((await ask(path)).status, 200, path)
  assert.equal((await ask(DRAIN, { method: 'POST' })).status, 200)
})

test('a loopback listener with a token: reads are free, each change needs the token', async t => {
  const { box, ask } = await adminWorld(t, { token: 'sesame' })
  for (const path of [...OPEN, ...READS]) assert.equal((await ask(path)).status, 200, path)
  const refused = [
    {},
    bearer('sesam'),
    bearer('sesame2'),
    { authorization: 'Basic sesame' },
    { authorization: 'sesame' },
  ]
  for (const headers of refused) {
    const { status, json, headers: answered } = await ask(DRAIN, { method: 'POST', headers })
    assert.deepEqual([status, json.error.code], [401, 'SBX_ADMIN_FORBIDDEN'], JSON.stringify(headers))
    assert.match(String(answered['www-authenticate']), /^Bearer/)
  }
  assert.deepEqual(box.explain('api').endpoints[0].bars, [])
  assert.equal((await ask(DRAIN, { method: 'POST', headers: bearer('sesame') })).status, 200)
  assert.equal((await ask(DRAIN, { method: 'POST', headers: { authorization: 'bearer  sesame' } })).status, 200)
})

test('any other listener: the token covers reads too, the page and the probes aside', async t => {
  // 127.1 is 127.0.0.1 to the system, but not an address the listener knows for loopback: the one way to test this
  // without opening a port to the world.
  const { ask } = await adminWorld(t, { token: 'sesame', listen: { address: '127.1', port: 0 } })
  const change = { method: 'POST', path: DRAIN }
  for (const path of OPEN) assert.equal((await ask(path)).status, 200, path)
  for (const { method, path } of [...READS, '/api/v1/live'].map(path => ({ method: 'GET', path })).concat(change)) {
    assert.equal((await ask(path, { method })).status, 401, path)
    assert.equal((await ask(path, { method, headers: bearer('wrong') })).status, 401, path)
    if (path === '/api/v1/live') continue
    assert.equal((await ask(path, { method, headers: bearer('sesame') })).status, 200, path)
    // Its names are not known to it: a Host that is not the address is what a real name looks like.
    assert.equal((await ask(path, { method, headers: { ...bearer('sesame'), host: 'box.example' } })).status, 200, path)
  }
})

test('a loopback listener answers its own names alone: DNS rebinding finds a closed door', async t => {
  const { admin, ask } = await adminWorld(t)
  const { port } = admin
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
    assert.equal((await ask('/api/v1/services', { headers: { host } })).status, 200, host)
  }
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', 'localhost', `localhost:${port + 1}`]) {
    for (const path of ['/', '/healthz', '/metrics', '/api/v1/services', '/nothing']) {
      const { status, json } = await ask(path, { headers: { host } })
      assert.deepEqual([status, json.error.code], [403, 'SBX_ADMIN_FORBIDDEN'], `${host} ${path}`)
    }
  }
})

test('an empty Host is refused, and so is none where HTTP/1.0 lets it be missing', async t => {
  const { admin } = await adminWorld(t)
  assert.match(await sendRaw(admin.port, 'GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n'), /^HTTP\/1.1 403 /)
  assert.match(await sendRaw(admin.port, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 403 /)
})

test('two Host headers are refused', async t => {
  const { admin } = await adminWorld(t)
  const own = `host: localhost:${admin.port}\r\n`
  const text = await sendRaw(
    admin.port,
    `GET /healthz HTTP/1.1\r\n${own}host: evil.example\r\nconnection: close\r\n\r\n`,
  )
  assert.match(text, /^HTTP\/1.1 400 /)
})

test('a foreign Origin may neither read the API nor change anything, with or without the token', async t => {
  const { admin, ask } = await adminWorld(t, { token: 'sesame' })
  const own = `http://localhost:${admin.port}`
  const foreign = [
    'http://evil.example',
    'null',
    `https://127.0.0.1:${admin.port}`,
    `http://127.0.0.1:${admin.port + 1}`,
    own,
  ]
  for (const origin of foreign) {
    const headers = { origin, ...bearer('sesame') }
    assert.equal((await ask('/api/v1/services', { headers })).status, 403, origin)
    assert.equal((await ask(DRAIN, { method: 'POST', headers })).status, 403, origin)
    assert.equal((await ask('/', { headers })).status, 200, origin)
  }
  const headers = { origin: own, host: `localhost:${admin.port}`, ...bearer('sesame') }
  assert.equal((await ask('/api/v1/services', { headers })).status, 200)
  assert.equal((await ask(DRAIN, { method: 'POST', headers })).status, 200)
})

test('a change that a page of another site began is refused even without an Origin', async t => {
  const { ask } = await adminWorld(t)
  const from = (site: string) => ask(DRAIN, { method: 'POST', headers: { 'sec-fetch-site': site } })
  assert.equal((await from('cross-site')).status, 403)
  assert.equal((await from('same-site')).status, 403)
  assert.equal((await from('same-origin')).status, 200)
})

test('without a token a change is accepted from a peer on loopback alone', () => {
  const gate = new Gate({ address: '127.0.0.1', port: 9901, isLoopback: true, token: '' })
  const from = (remoteAddress: string | undefined) =>
    gate.check({ headers: {}, socket: { remoteAddress } } as unknown as IncomingMessage, 'change')
  for (const peer of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) assert.doesNotThrow(() => from(peer), peer)
  for (const peer of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', '128.0.0.1', undefined]) {
    assert.throws(() => from(peer), { code: 'SBX_ADMIN_FORBIDDEN', status: 403 }, String(peer))
  }
})

test('isLoopbackPeer() knows both families', () => {
  assert.deepEqual(['127.0.0.1', '::1', '0.0.0.0', '::'].map(isLoopbackPeer), [true, true, false, false])
})

test('guessing a token is stopped after 100 wrong ones, for the guesser alone, for a minute', () => {
  let nowMs = 0
  const wrong = new WrongTokens(() => nowMs)
  for (let guess = 0; guess < 100; guess++) {
    assert.equal(wrong.waitS('10.0.0.1'), 0)
    wrong.count('10.0.0.1')
  }
  assert.equal(wrong.waitS('10.0.0.1'), 60)
  assert.equal(wrong.waitS('10.0.0.2'), 0)
  nowMs = 60_000
  assert.equal(wrong.waitS('10.0.0.1'), 0)
})

test('after 100 wrong tokens the right one passes all the same, where it is too long to be guessed', async t => {
  const token = 'open sesame, now'.replaceAll(' ', '-')
  const { ask } = await adminWorld(t, { token })
  for (let guess = 0; guess < 100; guess++) await ask(DRAIN, { method: 'POST', headers: bearer(`guess-${guess}`) })
  const status = async (headers = {}) => (await ask(DRAIN, { method: 'POST', headers })).status
  assert.deepEqual([await status(bearer('guess-100')), await status(bearer(token)), await status()], [429, 200, 429])
})

test('after 100 wrong tokens even the right one waits where it is short, and is told how long', async t => {
  const { ask } = await adminWorld(t, { token: 'sesame' })
  for (let guess = 0; guess < 100; guess++) await ask(DRAIN, { method: 'POST', headers: bearer(`guess-${guess}`) })
  const { status, headers } = await ask(DRAIN, { method: 'POST', headers: bearer('sesame') })
  assert.equal(status, 429)
  assert.ok(Number(headers['retry-after']) > 0 && Number(headers['retry-after']) <= 60)
  assert.equal((await ask('/api/v1/services')).status, 200)
})
