import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, it, type TestContext } from 'node:test'
import { makeAuthority } from '../support/endpoint-certificates.ts'
import { eventually } from '../support/eventually.ts'
import { call, type GrpcServer, grpcClient, type Kind, startGrpc } from './grpc-rig.ts'
import { inflight, type Rig, startRig } from './rig.ts'

const authority = makeAuthority()
const here = authority.sign('here', 'IP:127.0.0.1')
const ca = readFileSync(authority.ca)
after(() => authority.remove())

/** A proxy that is spoken to over TLS, before these endpoints. */
async function rigOf(t: TestContext, servers: GrpcServer[], service: object = {}, scheme = 'http'): Promise<Rig> {
  const listen = { address: '127.0.0.1:0', tls: { cert: here.certFile, key: here.keyFile } }
  const rig = await startRig(
    servers.map(({ port }) => `${scheme}://127.0.0.1:${port}`),
    { listen, service: { protocol: 'http2', ...service } } as Parameters<typeof startRig>[1],
  )
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
      const rig = await rigOf(t, [server], secure ? { tls: { ca: authority.ca } } : {}, secure ? 'https' : 'http')
      const direct = grpcClient(t, server.port, secure ? ca : undefined)
      const through = grpcClient(t, rig.port, ca)
      for (const [what, kind, messages, want] of CALLS) {
        await t.test(what, async () => {
          const asking = { ...(want && { want }), metadata: { 'x-a': 'b', 'x-a-bin': '\u0000\u00ff', cookie: 'a=1' } }
          const expected = await call(direct, kind, messages, asking)
          const { seen } = server
          const told = await call(through, kind, messages, asking)
          assert.deepEqual(told, expected)
          assert.deepEqual(server.seen, seen)
        })
      }
      await eventually('all is settled', () => inflight(rig.box) === 0)
    })
  }
})
