import { isText, ResponseHead, readTrailerLines } from './response-head.ts'
import { UpstreamError } from './upstream-error.ts'

/** Who is told what was read. Any of these may stop the reader; then nothing more is told. */
export interface ResponseSink {
  /** A head; with a status below 200 another one follows. */
  onHead(status: number, fields: string[], text: string): void
  /** The endpoint goes on in the protocol that was asked for; `rest` is the beginning of what it says in it. */
  onUpgrade(fields: string[], rest: Buffer): void
  /** A piece of the body, valid during the call alone. */
  onPiece(piece: Buffer): void
  onWhole(trailers: string[]): void
}

/** What comes next. */
const HEAD = 0
const LENGTH = 1
const SIZE = 2
const EXTENSION = 3
const SIZE_LF = 4
const CHUNK = 5
const CHUNK_CR = 6
const CHUNK_LF = 7
const TRAILERS = 8
const UNTIL_CLOSE = 9
const NOTHING = 10

/** Largest head taken, and as much of trailers, in bytes. */
const HEAD_BYTES_MAX = 64 * 1024
/** Most heads are shorter: where a body follows in the same read, no more of it than this is looked at as text. */
const HEAD_BYTES_USUAL = 2048
/** Of the extensions of one chunk, in bytes. */
const EXTENSION_BYTES_MAX = 4096
/** Names, each with a value or without: ;name, ;name=value, ;name="any value". */
const EXTENSION_TEXT =
  /^(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/
/** Hexadecimal digits of a chunk's size: what a number holds exactly. */
const SIZE_DIGITS_MAX = 13

const CR = 13
const LF = 10
const SEMICOLON = 59

/**
 * Reads the answers of one HTTP/1.1 connection, strictly (RFC 9112): where a message could be read in two ways it is none.
 *
 *   begin ──▶ head ──▶ (length | chunks, trailers | until close) ──▶ onWhole ──▶ begin …
 *               └─ 1xx: one more head          any flaw ──▶ `flaw`, and nothing more is read
 *
 * Lines end with CR LF, a field is a token, a colon and a value without control characters, and is not folded. A length is
 * digits and is there once; with a transfer coding it is not there at all. A body ends where its head said.
 */
export class ResponseReader {
  /** What was wrong; undefined while nothing is. */
  flaw: UpstreamError | undefined
  /** A head that is not interim has come, and its message is not over. */
  hasHead = false
  /** The connection may serve another request. */
  mayGoOn = false
  readonly #sink: ResponseSink
  #next = NOTHING
  #method = ''
  #isUpgrade = false
  /** What has come of a head, or of trailers, that is not whole. */
  #begun = ''
  /** Bytes of the body, or of its chunk, that are to come. */
  #left = 0
  #digits = 0
  readonly #head = new ResponseHead()
  // Of the bytes that are being read: what is to be told when all of them were read without a flaw.
  #hasNewHead = false
  readonly #pieces: Buffer[] = []
  #isWhole = false
  #trailers: string[] = []

  constructor(sink: ResponseSink) {
    this.#sink = sink
  }

  /** For how long the endpoint keeps the connection, as it said last, in s; −1 where it does not say. */
  get keepAliveS(): number {
    return this.#head.keepAliveS
  }

  /** A request has gone out: this is what it asked for. */
  begin(method: string, isUpgrade: boolean): void {
    this.#next = HEAD
    this.#method = method
    this.#isUpgrade = isUpgrade
    this.#begun = ''
    this.hasHead = false
    this.mayGoOn = false
  }

  /** Nobody wants to know any more. */
  stop(): void {
    this.#next = NOTHING
    this.#hasNewHead = false
    this.#pieces.length = 0
    this.#isWhole = false
    this.hasHead = false
    this.mayGoOn = false
  }

  /**
   * Reads what has come. What is told of it is told within the call, and only if all of it is an answer: where a head came with a flaw
   * behind it, nobody has seen that head, and another answer can be given.
   */
  read(bytes: Buffer): void {
    const at = this.#parse(bytes)
    if (this.flaw !== undefined) return
    if (this.#isWhole && at < bytes.length) this.mayGoOn = false
    this.#tell()
  }

  #tell(): void {
    if (this.#hasNewHead) {
      this.#hasNewHead = false
      const { status, fields, reason } = this.#head
      this.#sink.onHead(status, fields, reason)
    }
    const pieces = this.#pieces
    // Any of these may stop the reader, and then there are no more.
    for (let i = 0; i < pieces.length; i++) this.#sink.onPiece(pieces[i])
    pieces.length = 0
    if (!this.#isWhole) return
    this.#isWhole = false
    this.#sink.onWhole(this.#trailers)
  }

  /** Where it stopped reading. */
  #parse(bytes: Buffer): number {
    const { length } = bytes
    let at = 0
    while (at < length) {
      switch (this.#next) {
        case HEAD:
          at = this.#readHead(bytes, at)
          break
        case LENGTH:
        case CHUNK:
          at = this.#readBody(bytes, at)
          break
        case SIZE:
          at = this.#readSize(bytes, at)
          break
        case EXTENSION:
          at = this.#readExtension(bytes, at)
          break
        case SIZE_LF:
          if (bytes[at++] !== LF) this.#fail('the size of a chunk does not end with CR LF')
          else this.#next = this.#left === 0 ? TRAILERS : CHUNK
          break
        case CHUNK_CR:
          if (bytes[at++] === CR) this.#next = CHUNK_LF
          else this.#fail('a chunk is longer than it says')
          break
        case CHUNK_LF:
          if (bytes[at++] === LF) this.#beginSize()
          else this.#fail('a chunk does not end with CR LF')
          break
        case TRAILERS:
          at = this.#readTrailers(bytes, at)
          break
        case UNTIL_CLOSE:
          this.#pieces.push(at === 0 ? bytes : bytes.subarray(at))
          return length
        default:
          return at
      }
    }
    return at
  }

  /** The endpoint sends no more. False: its answer is not whole. */
  finish(): boolean {
    if (this.#next !== UNTIL_CLOSE) return false
    this.#end([])
    this.#tell()
    return true
  }

  #fail(why: string): number {
    this.flaw ??= new UpstreamError('bad-answer', `Cannot read the answer: ${why}`)
    this.stop()
    return Number.POSITIVE_INFINITY
  }

  #end(trailers: string[]): void {
    this.#next = NOTHING
    this.hasHead = false
    this.#isWhole = true
    this.#trailers = trailers
  }

  #readHead(bytes: Buffer, at: number): number {
    const known = this.#begun.length
    const searched = Math.max(0, known - 3)
    let text = this.#begun + bytes.toString('latin1', at, Math.min(bytes.length, at + HEAD_BYTES_USUAL))
    let end = text.indexOf('\r\n\r\n', searched)
    if (end < 0 && bytes.length - at > HEAD_BYTES_USUAL) {
      text = this.#begun + bytes.toString('latin1', at, Math.min(bytes.length, at + HEAD_BYTES_MAX + 4))
      end = text.indexOf('\r\n\r\n', searched)
    }
    if (end > HEAD_BYTES_MAX || (end < 0 && text.length > HEAD_BYTES_MAX)) return this.#fail('its head is too long')
    if (end < 0) {
      // Who speaks something else may wait for an answer to it.
      if (!'HTTP/1.'.startsWith(text.slice(0, 7)) || !isText(text.endsWith('\r') ? text.slice(0, -1) : text)) {
        return this.#fail('it is not HTTP/1.1')
      }
      this.#begun = text
      return bytes.length
    }
    this.#begun = ''
    const next = at + end + 4 - known
    const head = this.#head
    const flaw = head.read(text.length === end + 4 ? text : text.slice(0, end + 4))
    if (flaw !== '') return this.#fail(flaw)
    if (head.status < 200) this.#takeInterim(bytes, next)
    else this.#takeFinal()
    return next
  }

  #takeInterim(bytes: Buffer, next: number): void {
    const { status, fields, reason } = this.#head
    if (status !== 101) {
      this.#sink.onHead(status, fields, reason)
    } else if (this.#isUpgrade) {
      this.#next = NOTHING
      this.#sink.onUpgrade(fields, bytes.subarray(next))
    } else {
      this.#fail('it goes on in a protocol that was not asked for')
    }
  }

  #takeFinal(): void {
    const { status, length, isChunked, mayGoOn } = this.#head
    if (isChunked && length >= 0) {
      this.#fail('it has a length and a transfer coding')
      return
    }
    const isEmpty = this.#method === 'HEAD' || status === 204 || status === 304
    this.#left = length
    if (isEmpty || length === 0) this.#next = NOTHING
    else if (length > 0) this.#next = LENGTH
    else if (isChunked) this.#beginSize()
    else this.#next = UNTIL_CLOSE
    // No content belongs to 204; who declares some may send some.
    const hasMore = status === 204 && (length > 0 || isChunked)
    this.mayGoOn = mayGoOn && !hasMore && this.#next !== UNTIL_CLOSE
    this.hasHead = true
    this.#hasNewHead = true
    if (this.#next === NOTHING) this.#end([])
  }

  #readBody(bytes: Buffer, at: number): number {
    const next = Math.min(bytes.length, at + this.#left)
    this.#left -= next - at
    this.#pieces.push(next - at === bytes.length ? bytes : bytes.subarray(at, next))
    if (this.#left > 0) return next
    if (this.#next === CHUNK) this.#next = CHUNK_CR
    else this.#end([])
    return next
  }

  #beginSize(): void {
    this.#next = SIZE
    this.#left = 0
    this.#digits = 0
  }

  #readSize(bytes: Buffer, at: number): number {
    const byte = bytes[at]
    const digit = hexOf(byte)
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit
      if (++this.#digits > SIZE_DIGITS_MAX) return this.#fail('a chunk is too long')
    } else if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) {
      return this.#fail('the size of a chunk is no number')
    } else {
      this.#next = byte === CR ? SIZE_LF : EXTENSION
      return byte === CR ? at + 1 : at
    }
    return at + 1
  }

  /** What stands behind the size means nothing to us and is passed over, as long as it is what it should be. */
  #readExtension(bytes: Buffer, at: number): number {
    const cr = bytes.indexOf(CR, at)
    const end = cr < 0 ? bytes.length : cr
    this.#begun += bytes.toString('latin1', at, end)
    if (this.#begun.length > EXTENSION_BYTES_MAX) return this.#fail('the extension of a chunk is too long')
    if (cr < 0) return end
    if (!EXTENSION_TEXT.test(this.#begun)) return this.#fail('the extension of a chunk is none')
    this.#begun = ''
    this.#next = SIZE_LF
    return cr + 1
  }

  #readTrailers(bytes: Buffer, at: number): number {
    const known = this.#begun.length
    const text = this.#begun + bytes.toString('latin1', at, Math.min(bytes.length, at + HEAD_BYTES_MAX + 4))
    if (text.startsWith('\r\n')) {
      this.#begun = ''
      this.#end([])
      return at + 2 - known
    }
    const end = text.indexOf('\r\n\r\n', Math.max(0, known - 3))
    if (end > HEAD_BYTES_MAX || (end < 0 && text.length > HEAD_BYTES_MAX))
      return this.#fail('its trailers are too long')
    if (end < 0) {
      this.#begun = text
      return bytes.length
    }
    this.#begun = ''
    const trailers = readTrailerLines(text.slice(0, end + 2))
    if (trailers === undefined) return this.#fail('one of its trailers is none')
    this.#end(trailers)
    return at + end + 4 - known
  }
}

function hexOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
