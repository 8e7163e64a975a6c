import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConfigInput } from '../../engine/index.ts'
import { newRequestId } from '../../engine/proxy/telling/request-id.ts'
import { deadUrl, exchangeRaw, head, startRawOrigin, startRig } from './rig.ts'

const MADE = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/

describe('newRequestId()', () => {
  it('makes UUIDs of version 7 that begin with the time, no two the same', () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => newRequestId(1_700_000_000_000 + (i >> 10)))
    for (const id of ids) assert.match(id, new RegExp(`^${MADE.source}$`))
    assert.equal(new Set(ids).size, ids.length)
    // 1,700,000,000,000 is 0x18bcfe56800.
    assert.equal(ids[0].slice(0, 13), '018bcfe5-6800')
    assert.equal(ids[5000].slice(0, 13), '018bcfe5-6804')
    assert.equal(newRequestId(0).slice(0, 15), '00000000-0000-7')
  })
})

/** Fields named x-request-id that the upstream got, and those that came back. */
async function ids(t: TestContext, config: Partial<ConfigInput>, ...fields: string[]) {
  const origin = await startRawOrigin('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-request-id: of-the-upstream\r\n\r\nok')
  t.after(() => origin.close())
  const rig = await startRig([origin.url], config)
  t.after(() => rig.close())
  const answer = await exchangeRaw(rig.port, head('/', ...fields))
  const found = (text: string): string[] => [...text.matchAll(/\r\nx-request-id: (.*)(?=\r\n)/gi)].map(([, id]) => id)
  return { up: found(origin.received()), down: found(answer) }
}

const TRUSTING = { trustedProxies: ['127.0.0.0/8'] }

describe('the id of a request', () => {
  it('is taken over from a trusted peer', async t => {
    assert.deepEqual((await ids(t, TRUSTING, 'X-Request-ID: abc.1')).up, ['abc.1'])
  })

  it('is made where a peer that is not trusted names one, or nobody does', async t => {
    for (const fields of [['X-Request-ID: abc.1'], []]) {
      const { up } = await ids(t, {}, ...fields)
      assert.equal(up.length, 1)
      assert.match(up[0], MADE)
    }
  })

  it('is made where what a trusted peer sent is none, or several', async t => {
    for (const fields of [
      ['X-Request-ID: a b'],
      ['X-Request-ID: caf\u00e9'],
      [`X-Request-ID: ${'x'.repeat(129)}`],
      ['X-Request-ID: a', 'x-request-id: b'],
    ]) {
      const { up } = await ids(t, TRUSTING, ...fields)
      assert.equal(up.length, 1, fields[0])
      assert.match(up[0], MADE)
    }
  })

  it('cannot be taken out by Connection', async t => {
    assert.deepEqual((await ids(t, TRUSTING, 'Connection: X-Request-ID', 'X-Request-ID: abc')).up, ['abc'])
  })

  it('is in the response where the config says so, in place of one the upstream named', async t => {
    const respond = { ...TRUSTING, requestId: { respond: true } }
    assert.deepEqual((await ids(t, respond, 'X-Request-ID: abc')).down, ['abc'])
    assert.deepEqual((await ids(t, TRUSTING, 'X-Request-ID: abc')).down, ['of-the-upstream'])
  })

  it('is in an answer of our own too', async t => {
    const rig = await startRig([await deadUrl()], { ...TRUSTING, requestId: { respond: true } })
    t.after(() => rig.close())
    const answer = await exchangeRaw(rig.port, head('/', 'X-Request-ID: abc'))
    assert.match(answer, /^HTTP\/1\.1 502 [\s\S]*\r\nX-Request-Id: abc\r\n/)
  })

  it('is in the answer that goes on in another protocol, too', async t => {
    const origin = await startRawOrigin(socket =>
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nx-request-id: other\r\n\r\nbye',
      ),
    )
    t.after(() => origin.close())
    const rig = await startRig([origin.url], { ...TRUSTING, requestId: { respond: true } })
    t.after(() => rig.close())
    const hello =
      'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Request-ID: abc\r\n\r\n'
    const answer = await exchangeRaw(rig.port, hello)
    assert.equal(
      answer,
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nx-request-id: abc\r\n\r\nbye',
    )
  })

  it('is no matter of ours where it is switched off', async t => {
    const off = { requestId: { enabled: false, respond: true } }
    assert.deepEqual(await ids(t, off, 'X-Request-ID: a', 'X-Request-ID: b'), {
      up: ['a', 'b'],
      down: ['of-the-upstream'],
    })
  })
})
