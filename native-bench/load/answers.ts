/** An HTTP/1.1 answer, so far as who measures wants to know it. */
export interface Answer {
  readonly status: number
  readonly bodyBytes: number
  /** Whether the connection stays. */
  readonly isKept: boolean
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/**
 * Reads the answers of one connection, piece by piece as they come, of Content-Length, in chunks, or to the end of the connection. It is for
 * answers of proxies under measure, not of strangers: what is wrong throws.
 *
 *     head ──▶ body of so many bytes ──────────────────▶ answer
 *       │ ──▶ size ──▶ chunk and CRLF ──▶ size ── 0 ──▶ answer
 *       └───▶ body without a length ──▶ finish() ──────▶ answer
 */
export class AnswerReader {
  readonly #onAnswer: (answer: Answer) => void
  #rest: Buffer | undefined
  #state: 'head' | 'body' | 'size' | 'chunk' | 'unbounded' = 'head'
  /** Of the body or chunk, with its line end. */
  #missing = 0
  #status = 0
  #bodyBytes = 0
  #isKept = true

  constructor(onAnswer: (answer: Answer) => void) {
    this.#onAnswer = onAnswer
  }

  push(piece: Buffer): void {
    const bytes = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece])
    this.#rest = undefined
    let at = 0
    while (at < bytes.length) {
      const from = at
      if (this.#state === 'head') at = this.#readHead(bytes, at)
      else if (this.#state === 'size') at = this.#readSize(bytes, at)
      else at = this.#readBody(bytes, at)
      if (at > from) continue
      this.#rest = Buffer.from(bytes.subarray(at))
      return
    }
  }

  /** The connection has ended. Whether that leaves no answer broken off. */
  finish(): boolean {
    if (this.#state === 'unbounded') this.#finishAnswer()
    return this.#state === 'head' && this.#rest === undefined
  }

  #readHead(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(HEAD_END, at)
    if (end < 0) return at
    const head = bytes.toString('latin1', at, end + 2)
    this.#status = Number(head.slice(9, 12))
    if (!(this.#status >= 200)) throw new Error(`Cannot read an answer: it begins ${JSON.stringify(head.slice(0, 40))}`)
    this.#bodyBytes = 0
    this.#isKept = !/\r\nconnection: *close\r/i.test(head)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length !== undefined) {
      this.#missing = Number(length)
      this.#state = 'body'
      if (this.#missing === 0) this.#finishAnswer()
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#state = 'size'
    } else if (this.#status === 204 || this.#status === 304) {
      this.#finishAnswer()
    } else {
      this.#isKept = false
      this.#state = 'unbounded'
    }
    return end + 4
  }

  #readSize(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LINE_END, at)
    if (end < 0) return at
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16)
    if (Number.isNaN(size)) throw new Error('Cannot read an answer: a chunk has no size')
    if (size > 0) {
      this.#missing = size + 2
      this.#bodyBytes -= 2
      this.#state = 'chunk'
      return end + 2
    }
    // Trailers, of which there are none as a rule, end with an empty line.
    const last = bytes.indexOf(HEAD_END, end)
    if (last < 0) return at
    this.#finishAnswer()
    return last + 4
  }

  #readBody(bytes: Buffer, at: number): number {
    const count = this.#state === 'unbounded' ? bytes.length - at : Math.min(this.#missing, bytes.length - at)
    this.#missing -= count
    this.#bodyBytes += count
    if (this.#missing === 0 && this.#state === 'body') this.#finishAnswer()
    else if (this.#missing === 0 && this.#state === 'chunk') this.#state = 'size'
    return at + count
  }

  #finishAnswer(): void {
    this.#state = 'head'
    this.#onAnswer({ status: this.#status, bodyBytes: this.#bodyBytes, isKept: this.#isKept })
  }
}
