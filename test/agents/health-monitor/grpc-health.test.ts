import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { checkEndpoint } from '../../../agents/health-monitor/actions.ts'
import { readHealthAnswer, writeHealthQuestion } from '../../../agents/health-monitor/grpc-messages.ts'
import { certificateFolder } from '../../support/certificates.ts'
import { edgeOf, http, raw } from './servers.ts'

const same = (bytes: Buffer): Buffer => bytes
const CHECK = {
  ...{ path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false },
  ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
}

/** Services by what grpc.health.v1 says of them: bytes of HealthCheckResponse. 5, NOT_FOUND, of any other. */
const STATUSES: Readonly<Record<string, number[]>> = { '': [8, 1], sick: [8, 2], unsure: [], 'a.b.Well': [8, 1] }

async function grpc(t: Pick<TestContext, 'after'>, keys?: { key: Buffer; cert: Buffer }): Promise<string> {
  const server = new Server()
  server.addService(
    { check: CHECK },
    {
      check({ request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
        const name = request.subarray(2).toString()
        const status = STATUSES[name]
        if (status === undefined) answer({ code: 5, details: 'unknown service' })
        else answer(null, Buffer.from(status))
      },
    },
  )
  const credentials = keys
    ? ServerCredentials.createSsl(null, [{ private_key: keys.key, cert_chain: keys.cert }])
    : ServerCredentials.createInsecure()
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  t.after(() => server.forceShutdown())
  return `${keys ? 'https' : 'http'}://127.0.0.1:${port}`
}

async function check(url: string, grpcService?: string, upstream?: object) {
  const { verdict, reason } = await checkEndpoint.run(
    {
      ...{ row: 0, generation: 1, round: 0, url, path: '/', type: 'grpc', timeoutMs: 2_000 },
      ...(grpcService !== undefined && { grpcService }),
      ...(upstream !== undefined && { upstream: upstream as never }),
    },
    edgeOf(),
  )
  return `${verdict} ${reason}`
}

test('a check of type grpc asks grpc.health.v1 of grpc-js, for the whole endpoint or one service', async t => {
  const url = await grpc(t)
  assert.equal(await check(url), 'passed SERVING')
  assert.equal(await check(url, 'a.b.Well'), 'passed SERVING')
  assert.equal(await check(url, 'sick'), 'failed NOT_SERVING')
  // A status of 0 is left out by protobuf.
  assert.equal(await check(url, 'unsure'), 'failed UNKNOWN')
  assert.match(await check(url, 'nobody'), /^failed NOT_FOUND: it does not know the service/)
})

test('a check of type grpc speaks TLS where the endpoint does', async t => {
  const folder = certificateFolder()
  t.after(() => folder.remove())
  const { cert, key } = folder.make('endpoint', 'IP:127.0.0.1')
  const url = await grpc(t, { cert: readFileSync(cert), key: readFileSync(key) })
  const tls = { verify: true, minVersion: 'TLSv1.2', ca: cert }
  assert.equal(await check(url, '', { tls }), 'passed SERVING')
  assert.match(await check(url), /^failed DEPTH_ZERO_SELF_SIGNED_CERT/)
})

test('a check of type grpc says that there is no health service, and that it is no gRPC at all', async t => {
  const none = new Server()
  const port = await new Promise<number>(resolve =>
    none.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => resolve(bound)),
  )
  t.after(() => none.forceShutdown())
  assert.match(await check(`http://127.0.0.1:${port}`), /^failed UNIMPLEMENTED: it has no grpc.health.v1.Health/)
  const web = createServer((_, response) => {
    response.writeHead(404)
    response.end()
  }).listen(0, '127.0.0.1')
  t.after(() => web.close())
  await once(web, 'listening')
  assert.equal(
    await check(`http://127.0.0.1:${(web.address() as AddressInfo).port}`),
    'failed HTTP 404: it does not speak gRPC',
  )
  assert.match(await check(await http(t, (_, response) => response.end())), /^failed /)
  assert.match(await check(await raw(t, socket => socket.end('nonsense'.repeat(100)))), /^failed /)
})

test('a check of type grpc takes no answer that is longer than any, and none that is cut short', async t => {
  const answering = async (bytes: Buffer): Promise<string> => {
    const server = createServer().listen(0, '127.0.0.1')
    server.on('stream', stream => {
      stream.on('error', () => {})
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.end(bytes)
    })
    t.after(() => server.close())
    await once(server, 'listening')
    return check(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }
  assert.equal(await answering(Buffer.from([0, 0, 0, 0, 2, 8, 1])), 'passed SERVING')
  assert.match(await answering(Buffer.alloc(4_096, 1)), /longer than any of grpc.health.v1/)
  // It says four gigabytes.
  assert.match(await answering(Buffer.from([0, 255, 255, 255, 255, 8, 1])), /none of grpc.health.v1/)
  assert.match(await answering(Buffer.from([0, 0, 0])), /none of grpc.health.v1/)
})

test('the messages of grpc.health.v1 are what protobuf says they are', () => {
  assert.deepEqual([...writeHealthQuestion('')], [0, 0, 0, 0, 0])
  assert.deepEqual([...writeHealthQuestion('a')], [0, 0, 0, 0, 3, 0x0a, 1, 97])
  const long = writeHealthQuestion('x'.repeat(200))
  // 200 = 0xC8 0x01 as varint.
  assert.deepEqual([...long.subarray(0, 8)], [0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01])
  const framed = (...message: number[]): Buffer => Buffer.from([0, 0, 0, 0, message.length, ...message])
  assert.equal(readHealthAnswer(framed()), 'UNKNOWN')
  assert.equal(readHealthAnswer(framed(8, 3)), 'SERVICE_UNKNOWN')
  assert.equal(readHealthAnswer(framed(8, 9)), undefined)
  // Fields that it may have one day: text, eight bytes, four bytes, another number.
  assert.equal(
    readHealthAnswer(framed(0x12, 2, 1, 1, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4, 0x28, 7, 8, 1)),
    'SERVING',
  )
  // Compressed, cut short, a varint without end, a group.
  assert.equal(readHealthAnswer(Buffer.from([1, 0, 0, 0, 2, 8, 1])), undefined)
  assert.equal(readHealthAnswer(framed(0x12, 9, 1)), undefined)
  assert.equal(readHealthAnswer(framed(8, ...new Array<number>(11).fill(0x80))), undefined)
  assert.equal(readHealthAnswer(framed(0x0b)), undefined)
})
