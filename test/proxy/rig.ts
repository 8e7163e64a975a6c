import { createServer, type RequestListener, type Server } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { type Box, type ConfigInput, createSignalbox } from '../../engine/index.ts'
import { type ProxyOptions, type RunningProxy, startProxy } from '../../engine/proxy/proxy.ts'

/** A proxy before origins of its own, all on 127.0.0.1, and the ways a test talks to them. */

export interface Origin {
  url: string
  port: number
  close(): Promise<void>
}

/** An HTTP origin. */
export async function startOrigin(answer: RequestListener): Promise<Origin> {
  const server = createServer(answer)
  return listening(server, () => server.closeAllConnections())
}

/** An origin that keeps every byte it gets and answers each complete request head with `answer`. */
export async function startRawOrigin(
  answer: string | ((socket: net.Socket) => void) = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
): Promise<Origin & { received: () => string }> {
  const sockets = new Set<net.Socket>()
  let received = ''
  const server = net.createServer(socket => {
    sockets.add(socket)
    let text = ''
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    socket.on('data', bytes => {
      received += bytes.toString('latin1')
      text += bytes.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        text = text.slice(end + 4)
        if (typeof answer === 'string') socket.write(answer)
        else answer(socket)
      }
    })
  })
  const origin = await listening(server, () => {
    for (const socket of sockets) socket.destroy()
  })
  return { ...origin, received: () => received }
}

async function listening(server: net.Server | Server, cut: () => void): Promise<Origin> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        cut()
      }),
  }
}

/** A port nobody listens on: it was just given back. */
export async function deadUrl(): Promise<string> {
  const origin = await startOrigin(() => {})
  await origin.close()
  return origin.url
}

export interface Rig {
  box: Box
  proxy: RunningProxy
  port: number
  url: string
  log: string[]
  close(): Promise<void>
}

/** A proxy for one service over these endpoints; `config` overrides the rest. */
export async function startRig(
  urls: string[],
  {
    service = {},
    options = {},
    ...config
  }: Partial<ConfigInput> & {
    service?: Record<string, unknown>
    options?: ProxyOptions
  } = {},
): Promise<Rig> {
  const log: string[] = []
  const input = {
    listen: '127.0.0.1:0',
    workers: 1,
    services: {
      api: { policy: 'round-robin', endpoints: urls.map((url, i) => ({ id: `e${i}`, url })), ...service },
    },
    ...config,
  } as ConfigInput
  const box = await createSignalbox(input, { log: (level, message) => void log.push(`${level} ${message}`) })
  const proxy = await startProxy(box, options)
  const { port } = proxy.addresses[0]
  return {
    box,
    proxy,
    port,
    url: `http://127.0.0.1:${port}`,
    log,
    close: async () => {
      await proxy.close()
      await box.close()
    },
  }
}

/** Requests in flight over all threads and endpoints. */
export function inflight(box: Box): number {
  return box.explain('api').endpoints.reduce((sum, endpoint) => sum + endpoint.inflight, 0)
}

/** Sends bytes on a connection of its own and returns all that comes back until the other side closes it. */
export function exchangeRaw(port: number, bytes: string, { timeoutMs = 10_000 } = {}): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const socket = net.connect({ host: '127.0.0.1', port })
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(done, timeoutMs)
    socket.on('connect', () => socket.write(bytes, 'latin1'))
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('error', done)
    socket.on('close', done)
  })
}

/** A GET by hand, whose connection ends with the response. */
export const head = (path: string, ...fields: string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${fields.map(field => `${field}\r\n`).join('')}Connection: close\r\n\r\n`
