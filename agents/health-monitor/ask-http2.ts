import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { dialerOf } from './dialers.ts'
import { BODY_BYTES_MAX, INTERIM_MAX, type Listener, type Question, TOO_MANY_INTERIM } from './question.ts'

/** Asks over HTTP/2. Returns what takes the question back. */
export function askHttp2(question: Question, listener: Listener): () => void {
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
        fail(new Error(TOO_MANY_INTERIM))
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

/** Lets a body come in, the one that is wanted and a short one that is not, so that the endpoint sees an orderly end; cuts a long or slow one. */
function receive(
  body: ClientHttp2Stream,
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
    // A stream ends too when its session is lost.
    const isCut = body.rstCode !== constants.NGHTTP2_NO_ERROR
    if (wanted > 0) onBody?.(isWhole && !isCut ? Buffer.concat(chunks) : undefined)
  })
}
