import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Socket } from 'node:net'
import { Dialer, type UpstreamText } from '../../engine/writer.ts'

/** What is asked, over a connection of its own that is made as requests to the endpoint make theirs. */
export interface Question {
  /** http://host:port or https://host:port */
  readonly url: string
  readonly path: string
  /** How its service is connected to; left out: HTTP/1.1, TLS by default. */
  readonly upstream?: UpstreamText | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface Listener {
  onAnswer(status: number, headers: IncomingHttpHeaders): void
  /** It failed; after an answer that says nothing. */
  onError(error: unknown): void
}

/** An answer's body says nothing; past this much of it the connection is cut. */
const BODY_BYTES_MAX = 64 * 1024

/** Asks with GET. Returns what takes the question back. */
export function ask(question: Question, listener: Listener): () => void {
  return question.upstream?.isHttp2 === true ? askHttp2(question, listener) : askHttp1(question, listener)
}

function askHttp1(question: Question, { onAnswer, onError }: Listener): () => void {
  const { url, path, timeoutMs, signal } = question
  let asked: ClientRequest | undefined
  try {
    asked = request({
      path,
      headers: { host: new URL(url).host, connection: 'close' },
      signal,
      // With this there is no agent: the connection is this question's alone.
      createConnection: (_options, onSocket) =>
        void dialerOf(question).dial((error, socket) => {
          // Whoever took the question back did so before there was anything to close.
          if (asked?.destroyed) socket?.destroy()
          onSocket(error, socket as Socket)
        }),
    })
  } catch (error) {
    onError(error)
    return () => {}
  }
  asked.on('response', response => {
    onAnswer(response.statusCode ?? 0, response.headers)
    discard(response, timeoutMs)
  })
  asked.on('error', onError)
  asked.end()
  return () => asked?.destroy()
}

/** Lets a short body come in, so that the endpoint sees an orderly end; cuts a long or slow one. */
function discard(response: IncomingMessage, timeoutMs: number): void {
  let bytes = 0
  const timer = setTimeout(() => response.destroy(), timeoutMs)
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) response.destroy()
  })
  response.on('error', () => {})
  response.on('close', () => clearTimeout(timer))
}

function askHttp2(question: Question, { onAnswer, onError }: Listener): () => void {
  const { url, path, signal } = question
  let session: ClientHttp2Session | undefined
  let isOver = false
  const end = (): void => {
    isOver = true
    signal.removeEventListener('abort', end)
    session?.destroy()
  }
  signal.addEventListener('abort', end)
  dialerOf(question).dial((error, socket) => {
    if (isOver || error !== null || socket === null) {
      socket?.destroy()
      end()
      onError(error)
      return
    }
    session = connect(url, { createConnection: () => socket, settings: { enablePush: false } })
    session.on('error', onError)
    const stream = session.request({ ':path': path })
    stream.on('response', headers => {
      onAnswer(Number(headers[':status']), headers)
      // The body says nothing, and nobody else is on this connection.
      end()
    })
    stream.on('error', onError)
    stream.on('close', () => {
      if (!isOver) onError(new Error('no answer'))
      end()
    })
  })
  return end
}

/** An endpoint is asked again and again: its TLS session is taken up where there is one. */
const dialers = new Map<string, Dialer>()
const DIALERS_MAX = 4096

function dialerOf({ url, upstream, timeoutMs }: Question): Dialer {
  const name = JSON.stringify([url, upstream, timeoutMs])
  let dialer = dialers.get(name)
  if (dialer === undefined) {
    if (dialers.size >= DIALERS_MAX) dialers.clear()
    dialer = new Dialer({ url, tls: upstream?.tls, isHttp2: upstream?.isHttp2 === true, timeoutMs })
    dialers.set(name, dialer)
  }
  return dialer
}
