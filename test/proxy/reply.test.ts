import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rawReply, replyFor } from '../../engine/proxy/message/reply.ts'
import { readBreak, readFailure } from '../../engine/proxy/request/failure.ts'
import { canReusePort, describeListenError } from '../../engine/proxy/threads/listen.ts'
import { type Flaw, UpstreamError } from '../../engine/proxy/upstreams/upstream-error.ts'

const coded = (code: string): Error => Object.assign(new Error(code), { code })

describe('replyFor()', () => {
  it('is one short JSON object with its length and its cause', () => {
    const { status, headers, body } = replyFor('connect-failed')
    assert.equal(status, 502)
    assert.equal(JSON.parse(body).error.code, 'SBX_CONNECT_FAILED')
    assert.equal(headers[headers.indexOf('Content-Length') + 1], String(Buffer.byteLength(body)))
    assert.equal(headers[headers.indexOf('x-signalbox-reason') + 1], 'connect-failed')
  })

  it('says with 503 when to come back', () => {
    const { headers } = replyFor('no-endpoint')
    assert.equal(headers[headers.indexOf('Retry-After') + 1], '1')
  })

  it('closes the connection where it is sent as bytes', () => {
    assert.match(
      rawReply('header-timeout'),
      /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*\r\nConnection: close\r\n\r\n\{/,
    )
  })
})

const flawed = (flaw: Flaw): Error => new UpstreamError(flaw, flaw)

describe('readFailure()', () => {
  it('allows every method another try only where nothing was sent', () => {
    assert.equal(readFailure(coded('ECONNREFUSED'), false).retry, 'always')
    assert.equal(readFailure(coded('EHOSTUNREACH'), false).retry, 'always')
    assert.equal(readFailure(coded('UND_ERR_CONNECT_TIMEOUT'), false).retry, 'always')
    assert.equal(readFailure(flawed('closed'), false).retry, 'always')
    assert.equal(readFailure(flawed('not-processed'), true).retry, 'always')
    assert.equal(readFailure(coded('ECONNRESET'), true).retry, 'idempotent')
    assert.equal(readFailure(flawed('closed'), true).retry, 'idempotent')
    assert.equal(readFailure(flawed('silent'), true).retry, 'never')
    assert.equal(readFailure(flawed('bad-answer'), true).retry, 'never')
  })

  it('blames the endpoint only for what is its fault', () => {
    assert.equal(readFailure(coded('UND_ERR_CONNECT_TIMEOUT'), false).outcome, 'timeout')
    assert.equal(readFailure(flawed('connect-timeout'), false).outcome, 'timeout')
    assert.equal(readFailure(flawed('silent'), true).outcome, 'timeout')
    assert.equal(readFailure(flawed('bad-request'), true).outcome, 'abandoned')
    assert.equal(readBreak(flawed('stalled'), 200), 'timeout')
    assert.equal(readBreak(flawed('closed'), 200), 'error')
  })
})

describe('readFailure() and readBreak() say which failure it was', () => {
  it('unreachable for what broke before an answer, error for an answer that is none', () => {
    for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']) {
      assert.equal(readFailure(coded(code), false).outcome, 'unreachable', code)
    }
    for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']) {
      assert.equal(readFailure(coded(code), true).outcome, 'unreachable', code)
    }
    assert.equal(readFailure(flawed('closed'), false).outcome, 'unreachable')
    assert.equal(readFailure(flawed('closed'), true).outcome, 'unreachable')
    assert.equal(readFailure(flawed('bad-answer'), true).outcome, 'error')
  })

  it('an answer that broke off by its status, if that is a failure itself', () => {
    assert.equal(readBreak(flawed('closed'), 503), 'gateway')
    assert.equal(readBreak(flawed('stalled'), 500), 'error')
  })
})

describe('canReusePort()', () => {
  it('knows the Nodes and systems that can', () => {
    for (const version of ['22.12.0', '22.23.3', '23.1.0', '24.0.0', '26.10.0'])
      assert.equal(canReusePort(version, 'linux'), true)
    for (const version of ['20.20.2', '22.11.0', '23.0.0']) assert.equal(canReusePort(version, 'linux'), false)
    assert.equal(canReusePort('24.0.0', 'darwin'), false)
  })
})

describe('describeListenError()', () => {
  it('names the address, what is wrong and what to do', () => {
    const at = { address: '::1', port: 80 }
    assert.match(
      describeListenError(at, 'EACCES', ''),
      /^Cannot listen on \[::1\]:80: this user may not use that port, choose/,
    )
    assert.equal(describeListenError(at, 'EWHAT', 'odd'), 'Cannot listen on [::1]:80: odd')
  })
})
