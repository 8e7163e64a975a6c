import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { UpstreamText } from '../../engine/writer.ts'
import { dialerOf } from './dialers.ts'

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
  /** The connection stands; TLS comes next, where it is spoken. */
  onConnected?(): void
  /** Returns how many bytes of the body are wanted; 0: it says nothing. */
  onAnswer(status: number, headers: IncomingHttpHeaders): number
  /** The body, where it was wanted; undefined: it was longer than that, broke off, or took too long. */
  onBody?(body: Buffer | undefined): void
  /** It failed; after an answer that says nothing. */
  onError(error: unknown): void
}

/** Of a body that is not wanted: past this much of it the connection is cut. */
const BODY_BYTES_MAX = 64 * 1024

/** Before its answer an endpoint may send some others (1xx); more of them is a way to keep others busy. */
const INTERIM_MAX = 8

/** Asks with GET. Returns what takes the question back. */
export function ask(question: Question, listener: Listener): () => void {
  return question.upstream?.isHttp2 === true ? askHttp2(question, listener) : askHttp1(question, listener)
}

function askHttp1(question: Question, listener: Listener): () => void {
  const { url, path, timeoutMs, signal } = question
  const { onError } = listener
  let asked: ClientRequest | undefined
  try {
    asked = request({
      path,
      headers: { host: new URL(url).host, connection: 'close' },
      signal,
      // With this there is no agent: the connection is this question's alone.
      createConnection: (_options, onSocket) =>
        void dialerOf(question)
          .dial((error, socket) => {
            // Whoever took the question back did so before there was anything to close.
            if (asked?.destroyed) socket?.destroy()
            onSocket(error, socket as Socket)
          })
          ?.once('connect', () => listener.onConnected?.()),
    })
  } catch (error) {
    onError(error)
    return () => {}
  }
  let interim = 0
  asked.on('information', () => {
    if (++interim > INTERIM_MAX) asked.destroy(new Error('it sends interim answers without end'))
  })
  asked.on('response', response => {
    const wanted = listener.onAnswer(response.statusCode ?? 0, response.headers)
    receive(response, () => response.destroy(), wanted, timeoutMs, listener)
  })
  asked.on('error', onError)
  asked.end()
  return () => asked.destroy()
}

/** Lets a body come in, the one that is wanted and a short one that is not, so that the endpoint sees an orderly end; cuts a long or slow one. */
function receive(
  body: IncomingMessage | ClientHttp2Stream,
  cut: () => void,
  wanted: number,
  timeoutMs: number,
  { onBody }: Listener,
): void {
  const chunks: Buffer[] = []
  let bytes = 0
  const bytesMax = wanted > 0 ? wanted : BODY_BYTES_MAX
  let isWhole = false
  const timer = setTimeout(cut, timeoutMs)
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bytesMax) cut()
    else if (wanted > 0) chunks.push(chunk)
  })
  body.on('end', () => {
    isWhole = bytes <= bytesMax
  })
  body.on('error', () => {})
  body.on('close', () => {
    clearTimeout(timer)
    // A stream of HTTP/2 ends too when its session is lost.
    const isCut = 'rstCode' in body && body.rstCode !== constants.NGHTTP2_NO_ERROR
    if (wanted > 0) onBody?.(isWhole && !isCut ? Buffer.concat(chunks) : undefined)
  })
}

function askHttp2(question: Question, listener: Listener): () => void {
  const { url, path, signal, timeoutMs } = question
  const { onError } = listener
  let session: ClientHttp2Session | undefined
  let isOver = false
  let isAnswered = false
  // An answer is not taken back: from there on its body tells whether it is whole.
  const fail = (error: unknown): void => {
    if (!isOver && !isAnswered) onError(error)
  }
  const end = (): void => {
    isOver = true
    signal.removeEventListener('abort', end)
    session?.destroy()
  }
  signal.addEventListener('abort', end)
  dialerOf({ ...question, isHttp2: true })
    .dial((error, socket) => {
      if (isOver) {
        // The question was taken back meanwhile: nobody waits, and there may be no error to tell.
        socket?.destroy()
        return
      }
      if (error !== null || socket === null) {
        end()
        onError(error)
        return
      }
      session = connect(url, { createConnection: () => socket, settings: { enablePush: false } })
      session.on('error', fail)
      const stream = session.request({ ':path': path })
      let interim = 0
      stream.on('headers', () => {
        if (++interim <= INTERIM_MAX) return
        fail(new Error('it sends interim answers without end'))
        end()
      })
      stream.on('response', headers => {
        isAnswered = true
        const wanted = listener.onAnswer(Number(headers[':status']), headers)
        // Nobody else is on this connection; without the body there is nothing to wait for.
        if (wanted === 0) end()
        else receive(stream, end, wanted, timeoutMs, listener)
      })
      stream.on('error', fail)
      stream.on('close', () => {
        fail(new Error('no answer'))
        end()
      })
    })
    ?.once('connect', () => listener.onConnected?.())
  return end
}
