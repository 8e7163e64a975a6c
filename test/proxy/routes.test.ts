import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, RouteTable } from '../../engine/proxy/routes.ts'
import { hostName, isHost, readTarget } from '../../engine/proxy/target.ts'

const route = (lane: string, host?: string, path?: string) => ({ host, path, lane })

describe('RouteTable', () => {
  it('takes the first route that matches', () => {
    const table = new RouteTable([
      route('a', 'a.example', '/v1/'),
      route('v1', undefined, '/v1/'),
      route('a-rest', 'a.example'),
    ])
    assert.equal(table.find('a.example', '/v1/x'), 'a')
    assert.equal(table.find('b.example', '/v1/x?y'), 'v1')
    assert.equal(table.find('A.Example:8080', '/'), 'a-rest')
    assert.equal(table.find('a.example.', '/'), 'a-rest')
    assert.equal(table.find('b.example', '/'), undefined)
  })

  it('compares the beginning of the path as it is written', () => {
    const table = new RouteTable([route('slash', undefined, '/v1/'), route('plain', undefined, '/v2')])
    assert.equal(table.find('', '/v1'), undefined)
    assert.equal(table.find('', '/v2'), 'plain')
    assert.equal(table.find('', '/v2/x'), 'plain')
    assert.equal(table.find('', '/v20'), 'plain')
    assert.equal(table.find('', '/V2'), undefined)
  })

  it('cannot be slipped past by another spelling of the path', () => {
    const table = new RouteTable([route('admin', undefined, '/admin/'), route('open')])
    for (const path of ['/%61dmin/x', '/x/../admin/x', '/./admin/', '/x/%2e%2e/admin/']) {
      assert.equal(table.find('', path), 'admin', path)
    }
    // Could be read as /admin/x or as one segment: no path claims it.
    assert.equal(table.find('', '/admin%2fx'), 'open')
  })
})

describe('canonicalPath()', () => {
  it('never leaves a dot segment, and changes nothing the second time', () => {
    const segment = fc.oneof(
      fc.constantFrom('.', '..', '', '%2e', '%2E%2e', 'a%20b'),
      fc.stringMatching(/^[a-z0-9]{1,5}$/),
    )
    fc.assert(
      fc.property(fc.array(segment), segments => {
        const path = canonicalPath(`/${segments.join('/')}`)
        assert.ok(!/\/\.\.?(\/|$)/.test(path), path)
        assert.equal(canonicalPath(path.replaceAll('%', '%25')), path)
      }),
    )
  })

  it('is empty for a path that can be read in two ways', () => {
    for (const path of ['/a%2fb', '/a%5Cb', '/a%00', '/a%', '/a%g1', '/a%1', '/a\\b'])
      assert.equal(canonicalPath(path), '')
  })
})

describe('readTarget()', () => {
  it('leaves the origin form as it came', () => {
    for (const path of ['/', '//a', '/a?b=http://c', '/%zz']) {
      assert.deepEqual(readTarget('GET', path), { path, authority: undefined })
    }
  })

  it('takes host and path from the absolute form', () => {
    assert.deepEqual(readTarget('GET', 'http://a:80/b?c'), { path: '/b?c', authority: 'a:80' })
    assert.deepEqual(readTarget('GET', 'HTTP://a?c'), { path: '/?c', authority: 'a' })
    assert.deepEqual(readTarget('OPTIONS', 'http://a'), { path: '*', authority: 'a' })
  })

  it('refuses what is neither', () => {
    for (const target of [
      '/a#b',
      'http://a/#b',
      'http://:80/',
      '*',
      'a',
      'http://',
      'http:///a',
      'http://u:p@a/',
      'ftp://a/',
      'javascript:1',
      '',
    ]) {
      assert.equal(readTarget('GET', target), undefined, target)
    }
  })
})

describe('isHost()', () => {
  it('takes names and addresses, with and without port', () => {
    for (const host of ['a', 'a.b:80', '[::1]:80', '127.0.0.1', '', 'a:']) assert.equal(isHost(host), true, host)
    for (const host of ['a b', 'u@a', 'a/b', '[::1', 'a:b', 'a:1:2', 'a\\b', 'é'])
      assert.equal(isHost(host), false, host)
  })

  it('has a name without port, case and root dot', () => {
    assert.equal(hostName('A.b.:80'), 'a.b')
    assert.equal(hostName('[::1]:80'), '[::1]')
  })
})
