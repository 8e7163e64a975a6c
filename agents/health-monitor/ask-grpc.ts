import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import { dialerOf } from './dialers.ts'
import { ANSWER_BYTES_MAX, readHealthAnswer, writeHealthQuestion } from './grpc-messages.ts'
import type { Question } from './question.ts'

export interface GrpcQuestion extends Omit<Question, 'path'> {
  /** Of the endpoint's services the one that is meant; empty: all of it. */
  readonly grpcService: string
}

export interface GrpcListener {
  /** The connection stands. */
  onConnected(): void
  /** It has answered: whether it serves, and its word for it. */
  onAnswer(isServing: boolean, word: string): void
  onError(error: unknown): void
}

/** What a status without an answer means, for people; others go by their number. Source: grpc/doc/statuscodes.md */
const STATUSES: Readonly<Record<string, string>> = {
  5: 'NOT_FOUND: it does not know the service that is asked for, see healthCheck.grpcService',
  12: 'UNIMPLEMENTED: it has no grpc.health.v1.Health, check it by type: tcp or http',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
}

/**
 * Asks grpc.health.v1.Health/Check over HTTP/2, with a connection of its own. Returns what takes the question back.
 *
 *   connect (h2c, or TLS with ALPN h2) ──▶ POST … te: trailers · message ──▶ header · message · trailers grpc-status: 0
 *                                                                            └ grpc-status ≠ 0, here or there: no answer
 */
export function askGrpcHealth(question: GrpcQuestion, listener: GrpcListener): () => void {
  const { url, signal, grpcService } = question
  let session: ClientHttp2Session | undefined
  let isOver = false
  const end = (): void => {
    isOver = true
    signal.removeEventListener('abort', end)
    session?.destroy()
  }
  const fail = (error: unknown): void => {
    if (isOver) return
    end()
    listener.onError(error)
  }
  const conclude = (bytes: Buffer, status: string | undefined): void => {
    if (isOver) return
    end()
    const word = readHealthAnswer(bytes)
    if (status !== undefined && status !== '0') listener.onAnswer(false, STATUSES[status] ?? `grpc-status ${status}`)
    else if (word === undefined) listener.onError(new Error('its answer is none of grpc.health.v1.Health'))
    else listener.onAnswer(word === 'SERVING', word)
  }
  signal.addEventListener('abort', end)
  dialerOf({ ...question, isHttp2: true })
    .dial((error, socket) => {
      if (isOver || error !== null || socket === null) {
        socket?.destroy()
        fail(error)
        return
      }
      session = connect(url, { createConnection: () => socket, settings: { enablePush: false } })
      session.on('error', fail)
      const chunks: Buffer[] = []
      let bytes = 0
      let status: string | undefined
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      stream.on('response', headers => {
        const http = headers[':status']
        status = statusIn(headers)
        if (http !== 200) fail(new Error(`HTTP ${http}: it does not speak gRPC`))
      })
      stream.on('trailers', trailers => {
        status ??= statusIn(trailers)
      })
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > ANSWER_BYTES_MAX) fail(new Error('its answer is longer than any of grpc.health.v1.Health'))
        else chunks.push(chunk)
      })
      stream.on('end', () => conclude(Buffer.concat(chunks), status))
      stream.on('error', fail)
      stream.on('close', () => fail(new Error('no answer')))
      stream.end(writeHealthQuestion(grpcService))
    })
    ?.once('connect', () => listener.onConnected())
  return end
}

function statusIn(headers: IncomingHttpHeaders): string | undefined {
  const status = headers['grpc-status']
  return typeof status === 'string' ? status : undefined
}
