import { once } from 'node:events'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Edge } from '../../../agents/kit/grammar/action.ts'

/** Port of a server that listens on loopback, until the test is over. */
async function portOf(t: Pick<TestContext, 'after'>, server: Server, end: () => void): Promise<number> {
  server.listen(0, '127.0.0.1')
  t.after(() => {
    end()
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** An endpoint that speaks HTTP. Returns its url. */
export async function http(t: Pick<TestContext, 'after'>, onRequest: RequestListener): Promise<string> {
  const server = createHttp(onRequest)
  return `http://127.0.0.1:${await portOf(t, server, () => server.closeAllConnections())}`
}

/** An endpoint that does as it likes with each connection. Returns its url. */
export async function raw(t: Pick<TestContext, 'after'>, onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createTcp(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  const end = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return `http://127.0.0.1:${await portOf(t, server, end)}`
}

/** Where nobody listens any more. */
export async function nowhere(): Promise<string> {
  const server = createTcp().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

/** The world as actions get it here; what they see is at its `attachment`. */
export function edgeOf(): Edge {
  return {
    attachment: {} as never,
    now: () => Math.floor(performance.now()),
    later: () => () => {},
    signal: new AbortController().signal,
  }
}
