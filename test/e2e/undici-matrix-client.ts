import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type Dispatcher,
  getGlobalDispatcher,
  interceptors,
  request,
  setGlobalDispatcher,
  WebSocket as UndiciWebSocket,
  fetch as undiciFetch,
  upgrade,
} from 'undici'
import { type Box, createSignalbox } from '../../engine/index.ts'
import { RoutedDispatcher } from '../../engine/undici.ts'
import { eventually } from '../support/eventually.ts'

/**
 * Runs every cell of the matrix in this Node.js and prints { "client, what": "ok" or the error } as JSON. After each
 * cell nothing may be left in flight.
 */

/** How one kind of client does each thing through a dispatcher. */
interface Client {
  /** GET or POST; what comes back as text. */
  send(
    dispatcher: Dispatcher,
    path: string,
    options?: { body?: AsyncIterable<Uint8Array>; signal?: AbortSignal },
  ): Promise<string>
  /** Says something over a WebSocket, or an upgraded connection, and returns the echo. */
  echo(dispatcher: Dispatcher, text: string): Promise<string>
}

type Fetch = (url: string, init: object) => Promise<{ text(): Promise<string> }>
const ORIGIN = 'http://api.test'

const fetchWith =
  (fetch: Fetch, isGlobal = false): Client['send'] =>
  async (dispatcher, path, { body, signal } = {}) => {
    const init = { method: body === undefined ? 'GET' : 'POST', body, signal, duplex: 'half' }
    const answer = await fetch(ORIGIN + path, isGlobal ? init : { ...init, dispatcher })
    return answer.text()
  }

const webSocketWith =
  (Kind: typeof UndiciWebSocket, isGlobal = false): Client['echo'] =>
  (dispatcher, text) =>
    new Promise((resolve, reject) => {
      const socket = isGlobal ? new Kind('ws://api.test/') : new Kind('ws://api.test/', { dispatcher })
      let echo = ''
      socket.onopen = () => socket.send(text)
      socket.onmessage = ({ data }) => {
        echo = String(data)
        socket.close()
      }
      socket.onerror = ({ error }) => reject(error)
      socket.onclose = () => resolve(echo)
    })

const builtIn = globalThis as unknown as { fetch: Fetch; WebSocket: typeof UndiciWebSocket }

const CLIENTS: Record<string, Client> = {
  'built-in fetch': { send: fetchWith(builtIn.fetch), echo: webSocketWith(builtIn.WebSocket) },
  'undici.fetch': { send: fetchWith(undiciFetch as unknown as Fetch), echo: webSocketWith(UndiciWebSocket) },
  request: {
    send: async (dispatcher, path, { body, signal } = {}) => {
      const method = body === undefined ? 'GET' : 'POST'
      const answer = await request(ORIGIN + path, { dispatcher, method, body: body as unknown as null, signal })
      return answer.body.text()
    },
    echo: async (dispatcher, text) => {
      const { socket } = await upgrade(`${ORIGIN}/raw`, { dispatcher, protocol: 'echo' })
      socket.write(text)
      const echo = await new Promise(resolve => socket.once('data', resolve))
      socket.end()
      return String(echo)
    },
  },
  setGlobalDispatcher: {
    send: globally(fetchWith(builtIn.fetch, true)),
    echo: globally(webSocketWith(builtIn.WebSocket, true)),
  },
}

const CELLS: Record<string, (client: Client, dispatcher: RoutedDispatcher, box: Box) => Promise<void>> = {
  GET: async ({ send }, dispatcher) => {
    assert.equal(await send(dispatcher, '/hello'), 'GET /hello')
  },
  'streamed POST': async ({ send }, dispatcher) => {
    const body = async function* () {
      for (let i = 0; i < 8; i++) yield Buffer.alloc(1000, 'a')
    }
    assert.equal(await send(dispatcher, '/', { body: body() }), 'a'.repeat(8000))
  },
  abort: async ({ send }, dispatcher, box) => {
    const ending = new AbortController()
    const answer = send(dispatcher, '/never', { signal: ending.signal })
    await eventually('it is in flight', () => inflight(box) === 1)
    ending.abort()
    await assert.rejects(answer, { name: 'AbortError' })
    await eventually('it is abandoned', () => box.explain('api').endpoints[0].totals.abandoned === 1)
  },
  retry: async ({ send }, dispatcher, box) => {
    box.service('api').add({ id: 'bad', url: badUrl, weight: 100 })
    const retrying = dispatcher.compose(interceptors.retry({ minTimeout: 1, maxTimeout: 2 }))
    for (let i = 0; i < 3; i++) assert.equal(await send(retrying, `/${i}`), `GET /${i}`)
    const [good, bad] = box.explain('api').endpoints
    assert.equal(good.totals.ok, 3)
    assert.ok(bad.totals.error >= 2 && bad.totals.error <= 3)
  },
  upgrade: async ({ echo }, dispatcher, box) => {
    assert.equal(await echo(dispatcher, 'hello'), 'hello')
    await eventually('it is over', () => box.explain('api').endpoints[0].totals.ok === 1)
  },
}

/** Makes the dispatcher the global one for the length of a call. */
function globally<Rest extends unknown[], Answer>(
  call: (dispatcher: Dispatcher, ...rest: Rest) => Promise<Answer>,
): (dispatcher: Dispatcher, ...rest: Rest) => Promise<Answer> {
  return async (dispatcher, ...rest) => {
    const former = getGlobalDispatcher()
    setGlobalDispatcher(dispatcher)
    try {
      return await call(dispatcher, ...rest)
    } finally {
      setGlobalDispatcher(former)
    }
  }
}

const good = createServer((incoming, response) => {
  if (incoming.url === '/never') return
  if (incoming.method === 'POST') incoming.pipe(response)
  else response.end(`${incoming.method} ${incoming.url}`)
})
good.on('upgrade', (incoming, socket: Duplex) => {
  socket.on('error', () => {})
  const key = incoming.headers['sec-websocket-key']
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', `Upgrade: ${incoming.headers.upgrade}`]
  if (key !== undefined) head.push(`Sec-WebSocket-Accept: ${accept}`)
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  socket.on('data', (bytes: Buffer) => {
    if (key === undefined) socket.write(bytes)
    else echoFrame(socket, bytes)
  })
  socket.on('end', () => socket.end())
})
const bad = createServer((_, response) => void response.writeHead(503).end())

/** Answers one short masked frame with the same, unmasked: RFC 6455 5.2. */
function echoFrame(socket: Duplex, bytes: Buffer): void {
  const length = bytes[1] & 0x7f
  const mask = bytes.subarray(2, 6)
  const payload = bytes.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4])
  socket.write(Buffer.concat([Buffer.from([bytes[0], length]), payload]))
  if ((bytes[0] & 0x0f) === 8) socket.end()
}

const goodUrl = await listening(good)
const badUrl = await listening(bad)

async function listening(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function inflight(box: Box): number {
  return box.explain('api').endpoints.reduce((sum, endpoint) => sum + endpoint.inflight, 0)
}

async function runCell(client: Client, cell: (typeof CELLS)[string]): Promise<string> {
  const box = await createSignalbox({
    services: { api: { policy: 'weighted-round-robin', endpoints: [{ id: 'good', url: goodUrl }] } },
  })
  const dispatcher = new RoutedDispatcher(box, 'api')
  try {
    await cell(client, dispatcher, box)
    await eventually('nothing is in flight', () => inflight(box) === 0)
    return 'ok'
  } catch (error) {
    const { stack, cause } = error as Error
    return `${stack}${cause === undefined ? '' : ` caused by ${String((cause as Error).stack ?? cause)}`}`
  } finally {
    await dispatcher.destroy()
    await box.close()
  }
}

const results: Record<string, string> = {}
for (const [name, client] of Object.entries(CLIENTS)) {
  for (const [what, cell] of Object.entries(CELLS)) results[`${name}, ${what}`] = await runCell(client, cell)
}
for (const server of [good, bad]) {
  server.close()
  server.closeAllConnections()
}
process.stdout.write(JSON.stringify(results))
