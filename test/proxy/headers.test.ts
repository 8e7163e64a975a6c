import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { appendForwarded, plainAddress, TrustedPeers } from '../../engine/proxy/message/forwarded.ts'
import { nominated, readRequestHead, readResponseHead, readTrailers } from '../../engine/proxy/message/headers.ts'

const X = { x: true, standard: false }
const PEER = { remote: '9.9.9.9', isSecure: false }
const NOBODY = new TrustedPeers([])

describe('readRequestHead()', () => {
  it('keeps order, case and duplicates of what passes', () => {
    const { headers } = readRequestHead(['X-B', '1', 'accept', '*/*', 'x-b', '2', 'Via', '1.0 a'], false)
    assert.deepEqual(headers, ['X-B', '1', 'accept', '*/*', 'x-b', '2', 'Via', '1.0 a'])
  })

  it('drops the fields of one connection, and what Connection names', () => {
    const raw = [
      'Connection', 'close, X-Hop', 'Keep-Alive', 'timeout=5', 'Proxy-Connection', 'keep-alive', 'X-Hop', 'secret',
      'Proxy-Authorization', 'Basic xyz', 'Upgrade', 'h2c', 'HTTP2-Settings', 'AAA', 'Expect', '100-continue',
      'Transfer-Encoding', 'chunked', 'Trailer', 'X-T', 'Accept', '*/*',
    ] // biome-ignore format: pairs read better in rows
    const head = readRequestHead(raw, false)
    assert.deepEqual(head.headers, ['Accept', '*/*'])
    assert.equal(head.coding, 'chunked')
  })

  it('does not let Connection take out what the next hop relies on', () => {
    const connection = 'Host, Content-Length, Authorization, X-Forwarded-For, Cookie'
    const raw = ['Connection', connection, 'Authorization', 'Bearer x', 'Content-Length', '3', 'Cookie', 'a=b']
    assert.deepEqual(readRequestHead(raw, false).headers, raw.slice(2))
  })

  it('leaves Host to the caller and counts how many there were', () => {
    const head = readRequestHead(['Host', 'a', 'HOST', 'b'], false)
    assert.equal(head.hosts, 2)
    assert.deepEqual(head.headers, [])
  })

  it('passes TE on as trailers or not at all', () => {
    assert.deepEqual(readRequestHead(['TE', 'gzip, trailers'], false).headers, ['TE', 'trailers'])
    assert.deepEqual(readRequestHead(['TE', 'gzip'], false).headers, [])
  })

  it('believes no claim of a peer that is not trusted', () => {
    const raw = [
      'X-Forwarded-For',
      '6.6.6.6',
      'Forwarded',
      'for=6.6.6.6',
      'X-Real-IP',
      '6.6.6.6',
      'X-Forwarded-Port',
      '1',
    ]
    const head = readRequestHead(raw, false)
    assert.deepEqual(head.headers, [])
    appendForwarded(head.headers, X, PEER, 'a.example', head.claims, NOBODY)
    assert.deepEqual(head.headers, [
      'X-Forwarded-For', '9.9.9.9', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'a.example',
    ]) // biome-ignore format: pairs read better in rows
  })

  it('appends to the chain of a trusted peer, however many fields it came in', () => {
    const raw = ['X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '2.2.2.2', 'X-Forwarded-Proto', 'https']
    const head = readRequestHead(raw, true)
    appendForwarded(head.headers, X, PEER, 'a.example', head.claims, NOBODY)
    assert.deepEqual(head.headers, [
      'X-Forwarded-For', '1.1.1.1, 2.2.2.2, 9.9.9.9', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'a.example',
    ]) // biome-ignore format: pairs read better in rows
  })

  it('measures the header in bytes', () => {
    // 'A: b\r\n' and 'Cc: dd\r\n'.
    assert.equal(readRequestHead(['A', 'b', 'Cc', 'dd'], false).bytes, 6 + 8)
  })
})

describe('readResponseHead()', () => {
  it('keeps each Set-Cookie apart, and drops the fields of one connection', () => {
    const raw = ['Set-Cookie', 'a=1', 'Connection', 'X-Hop', 'X-Hop', '1', 'Set-Cookie', 'b=2', 'Keep-Alive', 'x']
    assert.deepEqual(readResponseHead(raw, true).headers, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
  })

  it('knows the length it passes on, and passes none where none may be', () => {
    const raw = ['Content-Length', '5']
    assert.equal(readResponseHead(raw, true).length, 5)
    assert.deepEqual(readResponseHead(raw, false), { headers: [], length: -1 })
  })

  it('takes the transfer coding off', () => {
    assert.deepEqual(readResponseHead(['Transfer-Encoding', 'Chunked'], true).headers, [])
  })

  it('keeps bytes above ASCII as they are', () => {
    assert.deepEqual(readResponseHead(['X', 'caf\u00e9'], true).headers, ['X', 'caf\u00e9'])
  })
})

describe('readTrailers()', () => {
  it('lets no framing and no routing through', () => {
    const raw = ['X-Sum', '1', 'Content-Length', '5', 'Transfer-Encoding', 'chunked', 'Host', 'a']
    assert.deepEqual(readTrailers(raw), [['X-Sum', '1']])
  })
})

describe('nominated()', () => {
  it('names nothing in the ordinary cases', () => {
    for (const value of [undefined, 'keep-alive', 'close', 'Keep-Alive', 'close, keep-alive', ' , ']) {
      assert.equal(nominated(value), undefined)
    }
  })
})

describe('TrustedPeers', () => {
  it('trusts the ranges of both families, and nobody without any', () => {
    const trusted = new TrustedPeers(['10.0.0.0/8', 'fd00::/8'])
    assert.equal(trusted.has('10.1.2.3'), true)
    assert.equal(trusted.has('11.1.2.3'), false)
    assert.equal(trusted.has('fd00::1'), true)
    assert.equal(trusted.has('fe80::1'), false)
    assert.equal(trusted.has(''), false)
    assert.equal(new TrustedPeers([]).has('127.0.0.1'), false)
  })

  it('sees an IPv4 peer as one, whatever the socket calls it', () => {
    assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1')
    assert.equal(plainAddress('::1'), '::1')
    assert.equal(plainAddress(undefined), '')
  })
})
