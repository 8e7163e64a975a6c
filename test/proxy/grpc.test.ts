import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, describe, it, type TestContext } from 'node:test'
import { status } from '@grpc/grpc-js'
import type { ConfigInput } from '../../engine/index.ts'
import { makeAuthority } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { begin, call, type GrpcServer, grpcClient, type Kind, startGrpc } from './grpc-rig.ts'
import { inflight, type Rig, startRig } from './rig.ts'

const authority = makeAuthority()
const here = authority.sign('here', 'IP:127.0.0.1,DNS:here.example')
const ca = readFileSync(authority.ca)
after(() => authority.remove())

/** A proxy that is spoken to over TLS, before these endpoints. */
function configOf(servers: GrpcServer[], service: object = {}, more: object = {}, scheme = 'http'): ConfigInput {
  const endpoints = servers.map(({ port }, i) => ({ id: `e${i}`, url: `${scheme}://127.0.0.1:${port}` }))
  return {
    listen: { address: '127.0.0.1:0', tls: { cert: here.certFile, key: here.keyFile } },
    workers: 1,
    services: { api: { policy: 'round-robin', protocol: 'http2', endpoints, ...service } },
    ...more,
  } as ConfigInput
}

async function rigOf(t: TestContext, ...config: Parameters<typeof configOf>): Promise<Rig> {
  const rig = await startRig([], configOf(...config) as Parameters<typeof startRig>[1])
  t.after(() => rig.close())
  return rig
}

const MIB = 2 ** 20
const word = (text: string): Buffer => Buffer.from(text)

/** Every kind of call, well and badly ended. */
const CALLS: [what: string, kind: Kind, messages: Buffer[], want?: string][] = [
  ['one message each way', 'one', [word('hello')]],
  ['an empty message', 'one', [word('')]],
  ['4 MiB less a little, both ways', 'one', [Buffer.alloc(4 * MIB - 64, 'x')]],
  ['a stream up', 'gather', Array.from({ length: 200 }, (_, i) => word(`message ${i}`))],
  ['a large stream up', 'gather', Array.from({ length: 6 }, () => Buffer.alloc(MIB, 'y'))],
  ['no message up at all', 'gather', []],
  ['a stream down', 'spread', [word('200 10')]],
  ['a large stream down', 'spread', [word('6 1048576')]],
  ['no message down at all', 'spread', [word('0 0')]],
  ['streams both ways', 'chat', Array.from({ length: 50 }, (_, i) => word(`message ${i}`))],
  ['streams both ways that the endpoint ends first', 'chat', [word('x')], 'enough'],
  ['a call that fails at once', 'one', [word('x')], 'fail'],
  ['a stream up that fails at once', 'gather', [word('x')], 'fail'],
  ['a stream down that fails at once', 'spread', [word('1 1')], 'fail'],
  ['streams both ways that fail at once', 'chat', [word('x')], 'fail'],
  ['a stream down that fails after its messages', 'spread', [word('3 5')], 'late'],
  ['streams both ways that fail after their messages', 'chat', [word('x'), word('y')], 'late'],
]

describe('a gRPC call by grpc-js is told the same as without a proxy:', () => {
  for (const secure of [false, true]) {
    it(secure ? 'to an endpoint with TLS' : 'to an endpoint in plain text', async t => {
      const server = await startGrpc(t, secure ? { keys: here } : {})
      const rig = await rigOf(t, [server], secure ? { tls: { ca: authority.ca } } : {}, {}, secure ? 'https' : 'http')
      const direct = grpcClient(t, server.port, secure ? ca : undefined)
      const through = grpcClient(t, rig.port, ca)
      for (const [what, kind, messages, want] of CALLS) {
        await t.test(what, async () => {
          const asking = { ...(want && { want }), metadata: { 'x-a': 'b', 'x-a-bin': '\u0000\u00ff', cookie: 'a=1' } }
          const expected = await begin(direct, kind, messages, asking, want === 'enough').told
          const { seen } = server
          const told = await begin(through, kind, messages, asking, want === 'enough').told
          assert.deepEqual(told, expected)
          assert.deepEqual(server.seen, seen)
        })
      }
      await eventually('all is settled', () => inflight(rig.box) === 0)
    })
  }
})

describe('a gRPC call', () => {
  it('that the proxy refuses is told why, with the status gRPC has for it', async t => {
    const server = await startGrpc(t)
    const rig = await rigOf(t, [server], { retry: { attempts: 0 }, timeouts: { firstByte: '300ms' } })
    const client = grpcClient(t, rig.port, ca)
    const refused = async (kind: Kind, asking?: Parameters<typeof call>[3]) => {
      const { code, details, tail, head } = await call(client, kind, [word('x')], asking)
      assert.deepEqual(head, {})
      return [code, details, tail['x-signalbox-reason']]
    }
    const late = [status.UNAVAILABLE, 'The upstream did not answer in time.', ['first-byte-timeout']]
    assert.deepEqual(await refused('one', { want: 'mute' }), late)
    assert.deepEqual(
      await refused('one', { metadata: Object.fromEntries(Array.from({ length: 210 }, (_, i) => [`x-${i}`, '1'])) }),
      [status.RESOURCE_EXHAUSTED, 'The request has too many header fields.', ['too-many-headers']],
    )
    rig.box.service('api').drain('e0')
    for (const kind of ['one', 'gather', 'spread', 'chat'] as const) {
      const nobody = [status.UNAVAILABLE, 'Nobody can answer this right now.', ['no-endpoint']]
      assert.deepEqual(await refused(kind), nobody)
    }
    // Counted as what it is, though HTTP says 200.
    assert.equal(rig.proxy.threads()[0].responses['5xx'], 5)
  })

  it('that no route takes is UNIMPLEMENTED', async t => {
    const server = await startGrpc(t)
    const rig = await rigOf(t, [server], {}, { routes: [{ match: { path: '/other' }, service: 'api' }] })
    const { code, details } = await call(grpcClient(t, rig.port, ca), 'one', [word('x')])
    assert.deepEqual([code, details], [status.UNIMPLEMENTED, 'Nothing is served under this host and path.'])
  })

  it('whose endpoint dies is UNAVAILABLE, also where its answer has begun; the next ones go elsewhere', async t => {
    const [dying, other] = [await startGrpc(t), await startGrpc(t, { name: 'b' })]
    const rig = await rigOf(t, [dying, other])
    const client = grpcClient(t, rig.port, ca)
    const calls = Array.from({ length: 8 }, () => begin(client, 'chat', [word('x')], {}, true))
    await eventually('all have begun', () => calls.every(({ messages }) => messages.length === 1))
    assert.ok(dying.begun > 0 && other.begun > 0)
    dying.stop()
    await eventually('its calls have ended', () => inflight(rig.box) === other.begun)
    for (const each of calls) each.end()
    const told = await Promise.all(calls.map(each => each.told))
    for (const { code, details, head } of told) {
      const isLost = String(head['x-name']) === 'a'
      assert.deepEqual([code, details], isLost ? [status.UNAVAILABLE, 'The upstream broke off.'] : [status.OK, 'OK'])
    }
    for (let i = 0; i < 6; i++) {
      const { code, details, head } = await call(client, 'one', [word('x')])
      assert.deepEqual([code, details, head['x-name']], [status.OK, 'OK', ['b']])
    }
    await eventually('all is settled', () => inflight(rig.box) === 0)
  })

  it('whose deadline is over or that is cancelled is cancelled at its endpoint', async t => {
    const server = await startGrpc(t)
    const rig = await rigOf(t, [server])
    const client = grpcClient(t, rig.port, ca)
    const late = await call(client, 'one', [word('x')], { want: 'hold', deadline: Date.now() + 300 })
    assert.equal(late.code, status.DEADLINE_EXCEEDED)
    await eventually('the endpoint knows of the first', () => server.cancelled === 1)
    for (const kind of ['one', 'gather', 'spread', 'chat'] as const) {
      const before = server.begun
      const each = begin(client, kind, [word('1 1')], { want: 'mute' })
      await eventually('it has begun', () => server.begun === before + 1)
      each.cancel()
      assert.equal((await each.told).code, status.CANCELLED)
    }
    await eventually('the endpoint knows of all', () => server.cancelled === 5)
    await eventually('all is settled', () => inflight(rig.box) === 0)
  })

  it('may be one of many that are given up: its connection stays', async t => {
    const server = await startGrpc(t)
    const rig = await rigOf(t, [server])
    const client = grpcClient(t, rig.port, ca)
    // More than may be given up soon after they began.
    for (let round = 1; round <= 3; round++) {
      const calls = Array.from({ length: 90 }, () => begin(client, 'chat', [word('x')], {}, true))
      await eventually('all have begun', () => calls.every(({ messages }) => messages.length === 1))
      const begunAt = performance.now()
      await eventually('they are no longer young', () => performance.now() - begunAt > 1100)
      for (const each of calls) each.cancel()
      for (const { told } of calls) assert.equal((await told).code, status.CANCELLED)
      await eventually('the endpoint knows', () => server.cancelled === 90 * round)
    }
    assert.equal((await call(client, 'one', [word('x')])).code, status.OK)
    assert.equal(rig.proxy.threads()[0].openConnections, 1)
  })

  it('is one of a hundred at once, each with its own messages, and the client asks whether we are there', async t => {
    const server = await startGrpc(t)
    const rig = await rigOf(t, [server])
    const client = grpcClient(t, rig.port, ca, { 'grpc.keepalive_time_ms': 50, 'grpc.keepalive_timeout_ms': 5000 })
    const calls = Array.from({ length: 100 }, (_, i) => ({ i, call: begin(client, 'chat', [], {}, true) }))
    for (let round = 0; round < 5; round++) {
      for (const { i, call } of calls) call.write(word(`${i} in ${round}`))
      await eventually('all have come back', () => calls.every(({ call }) => call.messages.length === round + 1))
    }
    assert.equal(inflight(rig.box), 100)
    for (const { call } of calls) call.end()
    for (const { i, call } of calls) {
      const { code, messages } = await call.told
      assert.equal(code, status.OK)
      assert.deepEqual(
        messages.map(String),
        [0, 1, 2, 3, 4].map(round => `${i} in ${round}`),
      )
    }
    assert.equal(rig.proxy.threads()[0].openConnections, 1)
  })

  it('that is open goes on through reloads and a drain, and no call is lost', async t => {
    const server = await startGrpc(t)
    const rig = await rigOf(t, [server])
    const client = grpcClient(t, rig.port, ca)
    const open = Array.from({ length: 10 }, () => begin(client, 'chat', [word('begun')], {}, true))
    await eventually('all have begun', () => open.every(({ messages }) => messages.length === 1))
    let isOver = false
    let count = 0
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const { code, details } = await call(client, 'one', [word('x')])
        assert.deepEqual([code, details], [status.OK, 'OK'])
        count++
      }
    })
    const failed = Promise.all(load)
    failed.catch(() => {})
    for (let i = 1; i <= 10; i++) {
      // Other times mean other connections to the endpoint: those that are open finish what they have.
      const { isChanged } = await rig.box.reload(configOf([server], { timeouts: { idle: `${60 + i}s` } }))
      assert.ok(isChanged)
      const before = count
      await Promise.race([failed, eventually('calls go on', () => count > before + 8)])
    }
    for (const each of open) each.write(word('still'))
    await eventually('all go on', () => open.every(({ messages }) => messages.length === 2))
    isOver = true
    await failed
    const drained = rig.proxy.drain(30_000, 0)
    await eventually('it takes no more', () => isRefused(rig.port))
    for (const each of open) each.write(word('last'))
    await eventually('all go on', () => open.every(({ messages }) => messages.length === 3))
    for (const each of open) each.end()
    for (const { told } of open) {
      const { code, messages } = await told
      assert.equal(code, status.OK)
      assert.deepEqual(messages.map(String), ['begun', 'still', 'last'])
    }
    await drained
  })
})

function isRefused(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(false))
    socket.once('error', () => resolve(true))
    socket.once('connect', () => socket.destroy())
  })
}
