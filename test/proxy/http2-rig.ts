import http2 from 'node:http2'
import type { Rig } from './rig.ts'

/** A downstream that speaks HTTP/2, as node's own client does. */

export interface Answer {
  status: number | undefined
  headers: http2.IncomingHttpHeaders
  body: string
  trailers: http2.IncomingHttpHeaders
  interim: number[]
  /** With which code the stream closed. */
  code: number
}

export function connect(t: { after(then: () => void): void }, rig: Rig): http2.ClientHttp2Session {
  const session = http2.connect(`https://127.0.0.1:${rig.port}`, { rejectUnauthorized: false })
  session.on('error', () => {})
  t.after(() => session.destroy())
  return session
}

export function collect(stream: http2.ClientHttp2Stream): Promise<Answer> {
  const answer: Answer = { status: undefined, headers: {}, body: '', trailers: {}, interim: [], code: 0 }
  stream.on('headers', headers => answer.interim.push(Number(headers[':status'])))
  stream.on('response', headers => {
    answer.status = headers[':status']
    answer.headers = headers
  })
  stream.on('trailers', trailers => {
    answer.trailers = trailers
  })
  stream.on('data', chunk => {
    answer.body += chunk
  })
  stream.on('error', () => {})
  return new Promise(resolve => stream.on('close', () => resolve({ ...answer, code: stream.rstCode })))
}

export function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return collect(stream)
}
