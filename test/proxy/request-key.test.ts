import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import type { KeySource } from '../../engine/config/schema.ts'
import { hashKey } from '../../engine/memory/hash-key.ts'
import { hashOf } from '../../engine/proxy/request-key.ts'

const hash = (source: KeySource | undefined, headers: IncomingMessage['headers'], path = '/'): number => {
  const of = hashOf(source === undefined ? { name: 'rendezvous' } : { name: 'rendezvous', hash: source })
  assert.ok(of)
  return of({ headers } as IncomingMessage, path, '192.0.2.1')
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
      Array.from({ length: 100 }, () => of({ headers: { cookie: 'sessions=1' } } as IncomingMessage, '/?users=1', '')),
    )
    assert.equal(seen.size, 100)
  }
})

test('hashOf() costs nothing where the policy does not look at the hash', () => {
  assert.equal(hashOf({ name: 'least-request' }), undefined)
})
