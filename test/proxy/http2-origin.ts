import { once } from 'node:events'
import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** Endpoints that speak HTTP/2, as node's own server does. */

export type Answer = (stream: ServerHttp2Stream, headers: Record<string, unknown>, session: number) => void

export interface H2Origin {
  url: string
  port: number
  sessions: ServerHttp2Session[]
}

/** Has this server answer so, until the test is over. */
export async function listen(
  t: Pick<TestContext, 'after'>,
  server: Http2Server,
  scheme: string,
  answer: Answer,
): Promise<H2Origin> {
  const sessions: ServerHttp2Session[] = []
  server.on('session', session => {
    sessions.push(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    answer(stream, headers, sessions.indexOf(stream.session as ServerHttp2Session))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${scheme}://127.0.0.1:${port}`, port, sessions }
}

export const startH2c = (
  t: Pick<TestContext, 'after'>,
  answer: Answer,
  options: ServerOptions = {},
): Promise<H2Origin> => listen(t, createServer(options), 'http', answer)

export const ECHO: Answer = (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' })
  stream.end(`${headers[':method']} ${headers[':path']} ${headers[':authority']}`)
}
