import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RouteTable } from '../../engine/proxy/routes.ts'

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
