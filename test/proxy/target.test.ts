import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostName, isHost, readTarget } from '../../engine/proxy/message/target.ts'

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
