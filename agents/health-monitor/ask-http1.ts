import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { ResponseReader, type ResponseSink } from '../../engine/writer.ts'
import { dialerOf } from './dialers.ts'
import { BODY_BYTES_MAX, INTERIM_MAX, type Listener, type Question, TOO_MANY_INTERIM } from './question.ts'

/** What a path may be made of: anything else would be read as more than a path. */
const PATH = /^[\x21-\x7e]+$/

/** Asks over HTTP/1.1. Returns what takes the question back. */
export function askHttp1(question: Question, listener: Listener): () => void {
  const asking = new Asking(question, listener)
  asking.begin()
  return () => asking.end()
}

/**
 * One question and its answer, read as the proxy reads answers: whoever would be a 502 to every request does not pass its checks.
 *
 *   dial ──▶ write ──▶ head: `onAnswer` ──▶ body, where it is wanted: `onBody` ──▶ the endpoint closes, or is cut
 *              any flaw before the head: `onError`
 */
class Asking implements ResponseSink {
  readonly #question: Question
  readonly #listener: Listener
  readonly #reader = new ResponseReader(this)
  readonly #chunks: Buffer[] = []
  readonly #onAbort = (): void => this.#fail(this.#question.signal.reason)
  #socket: Socket | undefined
  #error: unknown
  #cut: NodeJS.Timeout | undefined
  #interims = 0
  /** Of the body, in bytes: what is wanted of it, and what has come. */
  #wanted = 0
  #bytes = 0
  #isAnswered = false
  #isOver = false

  constructor(question: Question, listener: Listener) {
    this.#question = question
    this.#listener = listener
  }

  begin(): void {
    const { path, signal } = this.#question
    if (!PATH.test(path)) {
      this.#fail(new Error(`${JSON.stringify(path)} is no path that can be asked for`))
      return
    }
    if (signal.aborted) {
      this.#onAbort()
      return
    }
    signal.addEventListener('abort', this.#onAbort)
    this.#socket = dialerOf(this.#question).dial(this.#onDialed, this.#onBytes)
    this.#socket?.once('connect', () => this.#listener.onConnected?.())
  }

  /** Nobody wants to know any more. */
  end(): void {
    this.#isOver = true
    clearTimeout(this.#cut)
    this.#question.signal.removeEventListener('abort', this.#onAbort)
    this.#reader.stop()
    this.#socket?.destroy()
  }

  readonly #onDialed = (error: Error | null, socket: Socket | null): void => {
    // Whoever took the question back did so before there was anything to close.
    if (this.#isOver) socket?.destroy()
    else if (error !== null || socket === null) this.#fail(error)
    else this.#ask(socket)
  }

  #ask(socket: Socket): void {
    const { url, path } = this.#question
    this.#socket = socket
    socket.on('error', error => {
      this.#error ??= error
    })
    socket.on('end', () => this.#reader.finish())
    socket.on('close', this.#onClose)
    this.#reader.begin('GET', false)
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${new URL(url).host}\r\nconnection: close\r\n\r\n`, 'latin1')
  }

  readonly #onBytes = (bytes: Buffer): boolean => {
    const reader = this.#reader
    reader.read(bytes)
    if (reader.flaw !== undefined) this.#fail(reader.flaw)
    return true
  }

  onHead(status: number, fields: string[]): void {
    if (status < 200) {
      if (++this.#interims > INTERIM_MAX) this.#fail(new Error(TOO_MANY_INTERIM))
      return
    }
    this.#isAnswered = true
    this.#wanted = this.#listener.onAnswer(status, headersOf(fields))
    this.#cut = setTimeout(() => this.#close(undefined), this.#question.timeoutMs)
  }

  onPiece(piece: Buffer): void {
    this.#bytes += piece.length
    if (this.#bytes > (this.#wanted || BODY_BYTES_MAX)) this.#close(undefined)
    else if (this.#wanted > 0) this.#chunks.push(Buffer.from(piece))
  }

  /** The endpoint closes the connection, as it was asked to; if it does not, it is cut. */
  onWhole(): void {
    this.#tell(Buffer.concat(this.#chunks))
  }

  /** It was not asked for: the reader calls it a flaw. */
  onUpgrade(): void {}

  readonly #onClose = (): void => {
    const reset = Object.assign(new Error('it closed the connection'), { code: 'ECONNRESET' })
    if (!this.#isAnswered) this.#fail(this.#error ?? reset)
    else this.#close(undefined)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    const isAnswered = this.#isAnswered
    if (isAnswered) this.#close(undefined)
    else this.end()
    if (!isAnswered) this.#listener.onError(error)
  }

  #close(body: Buffer | undefined): void {
    if (this.#isOver) return
    this.end()
    this.#tell(body)
  }

  /** Once, and where it is wanted. */
  #tell(body: Buffer | undefined): void {
    if (this.#wanted === 0) return
    this.#wanted = 0
    this.#listener.onBody?.(body)
  }
}

/** As Node has them: names in lower case, and what comes several times in one. */
function headersOf(fields: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = Object.create(null)
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase()
    headers[name] = name in headers ? `${headers[name]}, ${fields[i + 1]}` : fields[i + 1]!
  }
  return headers
}
