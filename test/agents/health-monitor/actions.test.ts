import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createRawServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { checkEndpoint } from '../../../agents/health-monitor/actions.ts'

const abort = new AbortController()
const edge = {
  attachment: undefined as never,
  now: () => Math.floor(performance.now()),
  later: () => () => {},
  signal: abort.signal,
}

async function listening(t: TestContext, onRequest: RequestListener): Promise<string> {
  const server = createServer(onRequest).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const check = async (url: string, timeoutMs = 2_000) =>
  checkEndpoint.run({ row: 3, generation: 5, round: 0, url, path: '/up?x=1', timeoutMs }, edge)

test('checkEndpoint asks with GET, the path and the Host of the endpoint', async t => {
  const asked: unknown[] = []
  const url = await listening(t, (request, response) => {
    asked.push([request.method, request.url, request.headers.host])
    response.end('fine')
  })
  const { tookMs, ...rest } = await check(url)
  assert.deepEqual(rest, { row: 3, generation: 5, round: 0, verdict: 'passed', reason: '200', isLate: false })
  assert.ok(tookMs >= 0)
  assert.deepEqual(asked, [['GET', '/up?x=1', url.slice('http://'.length)]])
})

for (const [status, verdict] of [
  [204, 'passed'],
  [299, 'passed'],
  [302, 'failed'],
  [404, 'failed'],
  [503, 'failed'],
] as const) {
  test(`checkEndpoint takes ${status} as ${verdict}`, async t => {
    const url = await listening(t, (_, response) => response.writeHead(status).end())
    assert.equal((await check(url)).verdict, verdict)
  })
}

for (const name of ['x-envoy-degraded', 'X-Signalbox-Degraded']) {
  test(`checkEndpoint takes a passed check with ${name} as degraded, whatever it says`, async t => {
    const url = await listening(t, (_, response) => response.writeHead(200, { [name]: '' }).end())
    assert.equal((await check(url)).verdict, 'degraded')
  })
}

test('checkEndpoint takes a failed check as failed, degraded or not', async t => {
  const url = await listening(t, (_, response) => response.writeHead(503, { 'x-envoy-degraded': 'true' }).end())
  assert.equal((await check(url)).verdict, 'failed')
})

test('checkEndpoint fails when nobody listens, and says why', async () => {
  const server = createRawServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const { verdict, reason } = await check(`http://127.0.0.1:${port}`)
  assert.deepEqual({ verdict, reason }, { verdict: 'failed', reason: 'ECONNREFUSED' })
})

test('checkEndpoint fails when the header does not end in time', async t => {
  const sockets: Socket[] = []
  const server = createRawServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\nx-half: ')
  }).listen(0, '127.0.0.1')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  const { verdict, reason, isLate } = await check(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 50)
  assert.deepEqual({ verdict, reason, isLate }, { verdict: 'failed', reason: 'no answer within 50 ms', isLate: true })
})

test('checkEndpoint has its verdict with the header, and cuts a body without end', async t => {
  let isCut: (value: unknown) => void
  const cut = new Promise(resolve => {
    isCut = resolve
  })
  const url = await listening(t, (_, response) => {
    response.writeHead(200)
    const pour = (): void => {
      while (response.write(Buffer.alloc(16 * 1024)));
      response.once('drain', pour)
    }
    pour()
    response.on('close', isCut)
  })
  assert.equal((await check(url)).verdict, 'passed')
  await cut
})

test('checkEndpoint gives no verdict when this very thread stood still', async t => {
  let now = 0
  const url = await listening(t, () => {
    now = 10_000
  })
  const frozen = { ...edge, now: () => now }
  const checked = await checkEndpoint.run({ row: 0, generation: 1, round: 0, url, path: '/', timeoutMs: 300 }, frozen)
  assert.equal(checked.verdict, 'void')
})
