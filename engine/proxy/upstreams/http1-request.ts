import type { Socket } from 'node:net'
import { atEndOfTurn, type Waiting } from '../end-of-turn.ts'
import { readTrailers } from '../message/headers.ts'
import type { BodyReader, BodyTaker } from '../request/request-body.ts'
import type { Dispatching } from './link.ts'
import { isText } from './response-head.ts'
import { UpstreamError } from './upstream-error.ts'

/** Up to here a piece of a body leaves as text, with what frames it in one write, in bytes. */
const TEXT_BYTES_MAX = 4096

/** Methods whose length is said even where there is no content (RFC 9110 8.6). */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** The head of a request as it is written, and how its body is framed. */
export interface PrintedHead {
  readonly text: string
  /** Declared length of the body in bytes; −1: it goes in chunks. */
  readonly length: number
}

/**
 * The head of a request of HTTP/1.1, to the empty line behind it. Host stands first, what belongs to this connection last; between
 * them is what passes, as it came. `host` is said where the request says none.
 */
export function printRequestHead({ method, path, headers, body, upgrade }: Dispatching, host: string): PrintedHead {
  let said = host
  let length = -1
  let fields = ''
  let connection = ''
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]
    const value = headers[i + 1]
    switch (name.length) {
      case 2:
        // It is said of this connection, too (RFC 9110 10.1.4).
        if (name.toLowerCase() === 'te') connection = 'TE'
        break
      case 4:
        if (name.toLowerCase() !== 'host') break
        said = value
        continue
      case 14:
        if (name.toLowerCase() === 'content-length') length = Number(value)
        break
    }
    fields += `${name}: ${value}\r\n`
  }
  if (upgrade !== undefined) {
    connection = connection === '' ? 'Upgrade' : 'Upgrade, TE'
    fields += `Upgrade: ${upgrade}\r\n`
  }
  if (connection !== '') fields += `Connection: ${connection}\r\n`
  if (length < 0) {
    if (body !== null) fields += 'Transfer-Encoding: chunked\r\n'
    else if (WITH_CONTENT.has(method)) fields += 'Content-Length: 0\r\n'
  }
  return { text: `${method} ${path} HTTP/1.1\r\nHost: ${said}\r\n${fields}\r\n`, length }
}

/**
 * Sends a request with a body: as long as it says, or in chunks with trailers behind them. It reads as fast as the socket takes it.
 *
 *   head ──▶ with the first piece, or alone at the end of the turn ──▶ piece … ──▶ (last chunk, trailers) ──▶ isWhole
 */
export class BodySender implements BodyTaker, Waiting {
  /** All of it has been given to the socket. */
  isWhole = false
  readonly #socket: Socket
  readonly #body: BodyReader
  readonly #onFlaw: (flaw: UpstreamError) => void
  readonly #isChunked: boolean
  #head: string
  #left: number

  constructor(socket: Socket, { text, length }: PrintedHead, body: BodyReader, onFlaw: (flaw: UpstreamError) => void) {
    this.#socket = socket
    this.#body = body
    this.#onFlaw = onFlaw
    this.#head = text
    this.#isChunked = length < 0
    this.#left = length
    socket.on('drain', this.#onDrain)
    atEndOfTurn(this)
    body.read(this)
  }

  /** No piece of the body has taken the head along. */
  onEndOfTurn(): void {
    if (this.#head !== '' && !this.#body.destroyed) this.#write(this.#takeHead())
  }

  onPiece(piece: Buffer): void {
    if (!this.#isChunked) {
      this.#left -= piece.length
      if (this.#left < 0) this.#onFlaw(new UpstreamError('bad-request', 'The body is longer than it says'))
      else this.#send(this.#takeHead(), piece, '')
    } else if (piece.length > 0) {
      this.#send(`${this.#takeHead()}${piece.length.toString(16)}\r\n`, piece, '\r\n')
    }
  }

  onEnd(): void {
    if (!this.#isChunked && this.#left > 0) {
      this.#onFlaw(new UpstreamError('bad-request', 'The body is shorter than it says'))
      return
    }
    this.isWhole = true
    this.#socket.removeListener('drain', this.#onDrain)
    const end = this.#isChunked ? `0\r\n${printTrailers(this.#body.trailers)}\r\n` : ''
    const text = this.#takeHead() + end
    if (text !== '') this.#write(text)
  }

  /** No more is sent. */
  destroy(): void {
    this.#head = ''
    this.#socket.removeListener('drain', this.#onDrain)
    this.#body.destroy()
  }

  #takeHead(): string {
    const head = this.#head
    this.#head = ''
    return head
  }

  #send(before: string, piece: Buffer, behind: string): void {
    if (piece.length <= TEXT_BYTES_MAX) {
      this.#write(before + piece.toString('latin1') + behind)
      return
    }
    const socket = this.#socket
    socket.cork()
    if (before !== '') socket.write(before, 'latin1')
    const hasRoom = socket.write(piece)
    if (behind !== '') socket.write(behind, 'latin1')
    socket.uncork()
    if (!hasRoom && socket.writableNeedDrain) this.#body.pause()
  }

  #write(text: string): void {
    if (!this.#socket.write(text, 'latin1') && !this.isWhole) this.#body.pause()
  }

  readonly #onDrain = (): void => {
    if (this.#body.isPaused) this.#body.resume()
  }
}

function printTrailers(raw: readonly string[]): string {
  let text = ''
  for (const [name, value] of readTrailers(raw)) text += `${name}: ${value}\r\n`
  return isText(text) ? text : ''
}
