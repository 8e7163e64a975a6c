import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath } from '../../engine/config/canonical-path.ts'
import type { RouteMatch } from '../../engine/config/schema.ts'
import { hostName } from '../../engine/proxy/message/target.ts'
import { RouteTable } from '../../engine/proxy/routes/routes.ts'

interface Request {
  host?: string
  method?: string
  headers?: Record<string, string>
  isSecure?: boolean
}

/** A table whose routes lead to their names, and what it finds. */
function tableOf(routes: Record<string, RouteMatch>) {
  const table = new RouteTable(Object.entries(routes).map(([to, match]) => ({ match, to })))
  return (target: string, { host = 'x', method = 'GET', headers = {}, isSecure = false }: Request = {}) =>
    table.find(host, target, { method, headers }, isSecure)
}

describe('RouteTable', () => {
  it('takes the first route that matches', () => {
    const find = tableOf({
      a: { host: 'a.example', path: '/v1/' },
      v1: { path: '/v1/' },
      'a-rest': { host: 'a.example' },
    })
    assert.equal(find('/v1/x', { host: 'a.example' }), 'a')
    assert.equal(find('/v1/x?y', { host: 'b.example' }), 'v1')
    assert.equal(find('/', { host: 'A.Example:8080' }), 'a-rest')
    assert.equal(find('/', { host: 'a.example.' }), 'a-rest')
    assert.equal(find('/', { host: 'b.example' }), undefined)
  })

  it('compares the beginning of the path as it is written', () => {
    const find = tableOf({ slash: { path: '/v1/' }, plain: { path: '/v2' } })
    assert.equal(find('/v1'), undefined)
    assert.equal(find('/v2'), 'plain')
    assert.equal(find('/v2/x'), 'plain')
    assert.equal(find('/v20'), 'plain')
    assert.equal(find('/V2'), undefined)
  })

  it('cannot be slipped past by another spelling of the path', () => {
    for (const match of [{ path: '/admin/' }, { exactPath: '/admin/x' }, { pathPattern: '/admin/{page}' }]) {
      const find = tableOf({ admin: match, open: {} })
      for (const path of ['/admin/x', '/%61dmin/x', '/x/../admin/x', '/./admin/x', '/x/%2e%2e/admin/%78?y']) {
        assert.equal(find(path), 'admin', path)
      }
      // Could be read as /admin/x or as one segment: no path claims it.
      assert.equal(find('/admin%2fx'), 'open')
      assert.equal(find('/admin\\x'), 'open')
    }
  })

  it('takes any name below a wildcard, and not the name itself', () => {
    const find = tableOf({ wild: { host: '*.example.com' } })
    for (const host of ['a.example.com', 'A.B.example.com:1', 'a.example.com.'])
      assert.equal(find('/', { host }), 'wild')
    for (const host of ['example.com', '.example.com', 'aexample.com', 'a.example.com.evil', ''])
      assert.equal(find('/', { host }), undefined, host)
  })

  it('keeps the order between routes of one host and of many', () => {
    const find = tableOf({
      first: { path: '/first/' },
      own: { host: 'a.b.example', path: '/own/' },
      wild: { host: '*.b.example', path: '/own/' },
      last: { host: 'a.b.example' },
      rest: {},
    })
    const at = (host: string, path: string) => find(path, { host })
    assert.deepEqual(
      ['/first/', '/own/', '/'].map(path => at('a.b.example', path)),
      ['first', 'own', 'last'],
    )
    assert.deepEqual(
      ['/first/', '/own/', '/'].map(path => at('c.b.example', path)),
      ['first', 'wild', 'rest'],
    )
  })

  it('takes the whole path, or a pattern of its segments', () => {
    const find = tableOf({
      exact: { exactPath: '/status' },
      post: { pathPattern: '/users/{id}/posts/{rest...}' },
      user: { pathPattern: '/users/{id}' },
      spaced: { exactPath: '/a%20b' },
    })
    assert.equal(find('/status?x'), 'exact')
    for (const path of ['/status/', '/statu', '/users/', '/users//', '/users/1/'])
      assert.equal(find(path), undefined, path)
    assert.equal(find('/users/1'), 'user')
    assert.equal(find('/users/1/posts/'), 'post')
    assert.equal(find('/users/1/posts/2/3?x=/'), 'post')
    assert.equal(find('/%61%20b'), 'spaced')
  })

  it('looks at the method, where GET takes HEAD', () => {
    const find = tableOf({ read: { method: ['GET'] }, write: { method: ['POST', 'PUT'] } })
    assert.deepEqual(
      ['GET', 'HEAD', 'PUT', 'get', 'PATCH'].map(method => find('/', { method })),
      ['read', 'read', 'write', undefined, undefined],
    )
  })

  it('looks at headers: their text, their beginning, whether they are there', () => {
    const find = tableOf({
      equal: { headers: { 'X-Canary': '1' } },
      begins: { headers: { accept: { prefix: 'text/' } } },
      both: { headers: { a: true, b: false } },
      odd: { headers: { constructor: true } },
    })
    const at = (headers: Record<string, string>) => find('/', { headers })
    assert.equal(at({ 'x-canary': '1' }), 'equal')
    assert.equal(at({ 'x-canary': '1, 1' }), undefined)
    assert.equal(at({ accept: 'text/html' }), 'begins')
    assert.equal(at({ accept: 'image/png' }), undefined)
    assert.equal(at({ a: '' }), 'both')
    assert.equal(at({ a: '', b: '' }), undefined)
    assert.equal(at({}), undefined, 'what objects are born with is no header')
  })

  it('looks at how a request came', () => {
    const find = tableOf({ plain: { scheme: 'http' }, secure: { scheme: 'https' } })
    assert.equal(find('/', { isSecure: false }), 'plain')
    assert.equal(find('/', { isSecure: true }), 'secure')
  })

  it('takes every request of the whole config where the first route asks nothing', () => {
    assert.equal(tableOf({ all: {}, never: { path: '/' } })('/%zz', { host: '' }), 'all')
  })

  it('finds what asking each route in turn would find', () => {
    const host = fc.constantFrom('a.example', 'b.a.example', '*.example', '*.a.example', undefined)
    const path = fc.constantFrom(
      { path: '/a' },
      { path: '/a/' },
      { exactPath: '/a/b' },
      { pathPattern: '/{x}/b' },
      { pathPattern: '/a/{x...}' },
      {},
    )
    const method = fc.constantFrom(['GET'], ['POST', 'PUT'], undefined)
    const match = fc.record({ host, path, method }).map(
      ({ host, path, method }): RouteMatch => ({
        ...(host && { host }),
        ...path,
        ...(method && { method: [...method] }),
      }),
    )
    const request = fc.record({
      host: fc.constantFrom('a.example', 'B.a.example:80', 'c.b.a.example', 'example', ''),
      target: fc.constantFrom('/a', '/a/', '/a/b', '/%61/b?c', '/c/../a/b', '/a%2fb', '/z/b', '/'),
      method: fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE'),
    })
    fc.assert(
      fc.property(fc.array(match, { maxLength: 8 }), request, (matches, { host, target, method }) => {
        const table = new RouteTable(matches.map((match, to) => ({ match, to })))
        const naive = matches.findIndex(match => takes(match, host, target, method))
        assert.equal(table.find(host, target, { method, headers: {} }, false) ?? -1, naive)
      }),
      { numRuns: 2000 },
    )
  })
})

/** The same by the letter of the documentation, with regular expressions and no thought of cost. */
function takes(match: RouteMatch, host: string, target: string, method: string): boolean {
  const name = hostName(host)
  const path = canonicalPath(target)
  if (match.host?.startsWith('*.') && !name.endsWith(match.host.slice(1))) return false
  if (match.host !== undefined && !match.host.startsWith('*.') && match.host !== name) return false
  if (match.path !== undefined && !path.startsWith(match.path)) return false
  if (match.exactPath !== undefined && path !== match.exactPath) return false
  if (match.pathPattern === '/{x}/b' && !/^\/[^/]+\/b$/.test(path)) return false
  if (match.pathPattern === '/a/{x...}' && !/^\/a\//.test(path)) return false
  return match.method === undefined || match.method.includes(method === 'HEAD' ? 'GET' : method)
}
