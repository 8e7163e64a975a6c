import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import type { KeySource } from '../../engine/config/schema.ts'
import { hashKey } from '../../engine/memory/hash-key.ts'
import { hashOf } from '../../engine/proxy/routes/request-key.ts'
import { cookieOf, SessionCookie } from '../../engine/proxy/routes/session-cookie.ts'

const hash = (source: KeySource | undefined, headers: IncomingMessage['headers'], path = '/'): number => {
  const of = hashOf(source === undefined ? { name: 'rendezvous' } : { name: 'rendezvous', hash: source })
  assert.ok(of)
  return of({ headers } as IncomingMessage, path, { client: '192.0.2.1' })
}

test('hashOf() makes the hash from what the config names', () => {
  const headers = { 'x-session': 'abc', cookie: 'a=1; session=xyz ; b=2' }
  assert.equal(hash({ header: 'X-Session' }, headers), hashKey('abc'))
  assert.equal(hash({ cookie: 'session' }, headers), hashKey('xyz'))
  assert.equal(hash({ query: 'user' }, headers, '/a?x=1&user=j%20d&user=2'), hashKey('j%20d'))
  assert.equal(hash({ path: true }, headers, '/a/b?x=1'), hashKey('/a/b'))
  assert.equal(hash({ source: true }, headers), hashKey('192.0.2.1'))
  assert.equal(hash(undefined, headers), hashKey('192.0.2.1'), 'the source address where nothing is named')
})

test('hashOf() sends requests without the key anywhere, each elsewhere', () => {
  for (const source of [{ header: 'x-session' }, { cookie: 'session' }, { query: 'user' }, { header: '__proto__' }]) {
    const of = hashOf({ name: 'rendezvous', hash: source })
    assert.ok(of)
    const seen = new Set(
      Array.from({ length: 100 }, () =>
        of({ headers: { cookie: 'sessions=1' } } as IncomingMessage, '/?users=1', { client: '' }),
      ),
    )
    assert.equal(seen.size, 100)
  }
})

test('hashOf() gives 0 to requests without the key where sessions are kept', () => {
  for (const source of [{ header: 'x-session' }, { cookie: 'session' }, { query: 'user' }, undefined]) {
    const of = hashOf(source === undefined ? { name: 'sticky' } : { name: 'sticky', hash: source })
    assert.ok(of)
    for (const cookie of ['', 'sessions=1', 'session=; signalbox=', 'session; signalbox']) {
      assert.equal(of({ headers: { cookie } } as IncomingMessage, '/?user=', { client: '192.0.2.1' }), 0)
    }
  }
})

test('hashOf() reads the cookie that the proxy gives, where no hash is written', () => {
  const headers = { cookie: 'a=1; signalbox=xyz; mine=abc' }
  for (const [policy, key] of [
    [{ name: 'sticky' }, 'xyz'],
    [{ name: 'sticky', hash: {} }, 'xyz'],
    [{ name: 'sticky', cookie: 'mine' }, 'abc'],
    [{ name: 'sticky', hash: { source: true as const } }, '192.0.2.1'],
  ] as const) {
    assert.equal(hashOf(policy)?.({ headers } as IncomingMessage, '/', { client: '192.0.2.1' }), hashKey(key))
  }
})

test('cookieOf() names the cookie that is given, and none where something else names the session', () => {
  assert.equal(cookieOf({ name: 'sticky' }), 'signalbox')
  assert.equal(cookieOf({ name: 'sticky', hash: {} }), 'signalbox')
  assert.equal(cookieOf({ name: 'sticky', cookie: 'mine' }), 'mine')
  assert.equal(cookieOf({ name: 'sticky', hash: { cookie: 'mine' } }), 'mine')
  for (const hash of [{ header: 'a' }, { query: 'a' }, { path: true }, { source: true }] as KeySource[]) {
    assert.equal(cookieOf({ name: 'sticky', hash }), undefined)
  }
  assert.equal(cookieOf({ name: 'rendezvous', hash: { cookie: 'mine' } }), undefined)
})

test('a session that begins gets an id of 128 bits that no other has', () => {
  const cookie = new SessionCookie('sid')
  // More than are drawn at once, three times over.
  const ids = new Set(Array.from({ length: 1000 }, () => cookie.begin(false).id))
  assert.equal(ids.size, 1000)
  for (const id of ids) assert.equal(Buffer.from(id, 'base64url').length, 16)
  const { id, line } = cookie.begin(true)
  assert.equal(line, `sid=${id}; Path=/; HttpOnly; SameSite=Lax; Secure`)
})

test('hashOf() costs nothing where the policy does not look at the hash', () => {
  assert.equal(hashOf({ name: 'least-request' }), undefined)
})
