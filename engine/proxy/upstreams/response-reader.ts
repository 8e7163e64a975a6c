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
/** Hexadecimal digits of a chunk's size: what a number holds exactly. */
const SIZE_DIGITS_MAX = 13

const CR = 13
const LF = 10

/** Fields that say how a message is framed, and how its connection goes on. */
const PLAIN = 0
const CONTENT_LENGTH = 1
const TRANSFER_ENCODING = 2
const CONNECTION = 3
const KEEP_ALIVE = 4
const NO_NAME = -1

const FRAMING = new Map([
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['keep-alive', KEEP_ALIVE],
])

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
/** What no line of a head may hold, nor end with. */
const FOREIGN = /[^\t\r\n -~\x80-\xff]|\r(?!\n)|[^\r]\n/

/** Names as they were spelled, so that a name seen before costs one look-up. Bounded: names come from outside. */
const spelled = new Map<string, number>()
const SPELLINGS_MAX = 1024

function kindOf(name: string): number {
  return spelled.get(name) ?? learn(name)
}

function learn(name: string): number {
  if (!TOKEN.test(name)) return NO_NAME
  const kind = FRAMING.get(name.toLowerCase()) ?? PLAIN
  if (spelled.size < SPELLINGS_MAX && name.length <= 64) spelled.set(name, kind)
  return kind
}

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
  /** For how long the endpoint keeps it, in s; −1 where it does not say. */
  keepAliveS = -1
  readonly #sink: ResponseSink
  #next = NOTHING
  #method = ''
  #isUpgrade = false
  /** What has come of a head, or of trailers, that is not whole. */
  #begun = ''
  /** Bytes of the body, or of its chunk, that are to come. */
  #left = 0
  #digits = 0
  // Of the head that is being read.
  #minor = 1
  #length = -1
  #codings = 0
  #isChunked = false
  #isClosing = false
  #isKept = false
  // Of the bytes that are being read: what is to be told when all of them were read without a flaw.
  #status = 0
  #fields: string[] = []
  #text = ''
  readonly #pieces: Buffer[] = []
  #isWhole = false
  #trailers: string[] = []

  constructor(sink: ResponseSink) {
    this.#sink = sink
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
    this.#status = 0
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
    const status = this.#status
    this.#status = 0
    if (status !== 0) this.#sink.onHead(status, this.#fields, this.#text)
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
      if (!'HTTP/1.'.startsWith(text.slice(0, 7)) || FOREIGN.test(text.endsWith('\r') ? text.slice(0, -1) : text)) {
        return this.#fail('it is not HTTP/1.1')
      }
      this.#begun = text
      return bytes.length
    }
    this.#begun = ''
    const next = at + end + 4 - known
    this.#takeHead(text.length === end + 4 ? text : text.slice(0, end + 4), end, bytes, next)
    return next
  }

  #takeHead(text: string, end: number, bytes: Buffer, next: number): void {
    const status = this.#readStatus(text)
    if (status < 0 || FOREIGN.test(text)) {
      this.#fail('its first line is not one of HTTP/1.1, or its head holds control characters')
      return
    }
    this.#length = -1
    this.#codings = 0
    this.#isChunked = false
    this.#isClosing = false
    this.#isKept = false
    this.keepAliveS = -1
    const lineEnd = text.indexOf('\r\n')
    const fields = this.#readFields(text, lineEnd + 2, end)
    if (fields === undefined) return
    const reason = text.slice(13, lineEnd)
    if (status < 200) this.#takeInterim(status, fields, reason, bytes, next)
    else this.#takeFinal(status, fields, reason)
  }

  /** Of the first line: "HTTP/1.1 200", and behind it nothing, or a blank and a text. −1 where it is another. */
  #readStatus(text: string): number {
    const minor = text.charCodeAt(7) - 48
    if (!text.startsWith('HTTP/1.') || (minor !== 0 && minor !== 1) || text.charCodeAt(8) !== 32) return -1
    const behind = text.charCodeAt(12)
    if (behind !== 32 && behind !== CR) return -1
    let status = 0
    for (let i = 9; i < 12; i++) {
      const digit = text.charCodeAt(i) - 48
      if (digit < 0 || digit > 9) return -1
      status = status * 10 + digit
    }
    this.#minor = minor
    return status
  }

  /** The lines from `at` to the one that ends at `end`; undefined, and failed, where one of them is no field. */
  #readFields(text: string, at: number, end: number): string[] | undefined {
    const fields: string[] = []
    while (at < end) {
      const lineEnd = text.indexOf('\r\n', at)
      const colon = text.indexOf(':', at)
      const name = text.slice(at, colon)
      const kind = colon < 0 || colon > lineEnd ? NO_NAME : kindOf(name)
      let from = colon + 1
      while (isBlank(text.charCodeAt(from))) from++
      let to = lineEnd
      while (to > from && isBlank(text.charCodeAt(to - 1))) to--
      const value = text.slice(from, to)
      fields.push(name, value)
      if (kind !== PLAIN && !this.#takeFraming(kind, value)) {
        this.#fail('one of its fields is none, or says otherwise than another how long it is')
        return undefined
      }
      at = lineEnd + 2
    }
    return fields
  }

  /** False: no answer has such a field. */
  #takeFraming(kind: number, value: string): boolean {
    switch (kind) {
      case CONTENT_LENGTH:
        if (this.#length >= 0 || !/^\d{1,15}$/.test(value)) return false
        this.#length = Number(value)
        return true
      case TRANSFER_ENCODING:
        this.#isChunked = value.toLowerCase() === 'chunked'
        return this.#codings++ === 0
      case CONNECTION:
        if (value === 'keep-alive') this.#isKept = true
        else if (/(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(value)) this.#isClosing = true
        else if (/(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i.test(value)) this.#isKept = true
        return true
      case KEEP_ALIVE: {
        const seconds = /(?:^|[,\t ])timeout[\t ]*=[\t ]*"?(\d{1,9})/i.exec(value)
        if (seconds !== null) this.keepAliveS = Number(seconds[1])
        return true
      }
    }
    return false
  }

  #takeInterim(status: number, fields: string[], text: string, bytes: Buffer, next: number): void {
    if (status !== 101) {
      this.#sink.onHead(status, fields, text)
    } else if (this.#isUpgrade) {
      this.#next = NOTHING
      this.#sink.onUpgrade(fields, bytes.subarray(next))
    } else {
      this.#fail('it goes on in a protocol that was not asked for')
    }
  }

  #takeFinal(status: number, fields: string[], text: string): void {
    if (this.#codings > 0 && this.#length >= 0) {
      this.#fail('it has a length and a transfer coding')
      return
    }
    const isEmpty = this.#method === 'HEAD' || status === 204 || status === 304
    this.mayGoOn = this.#mayGoOn(status, isEmpty)
    this.#left = this.#length
    if (isEmpty || this.#left === 0) this.#next = NOTHING
    else if (this.#left > 0) this.#next = LENGTH
    else if (this.#isChunked) this.#beginSize()
    else this.#next = UNTIL_CLOSE
    this.hasHead = true
    this.#status = status
    this.#fields = fields
    this.#text = text
    if (this.#next === NOTHING) this.#end([])
  }

  #mayGoOn(status: number, isEmpty: boolean): boolean {
    if (this.#isClosing || (this.#minor === 0 && (!this.#isKept || this.#codings > 0))) return false
    // No content belongs to it; who declares some may send some.
    if (status === 204 && (this.#length > 0 || this.#codings > 0)) return false
    return isEmpty || this.#length >= 0 || this.#isChunked
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
    } else if (this.#digits === 0 || (byte !== CR && byte !== 59)) {
      return this.#fail('the size of a chunk is no number')
    } else {
      this.#next = byte === CR ? SIZE_LF : EXTENSION
      this.#digits = 0
    }
    return at + 1
  }

  /** What stands behind a semicolon means nothing to anybody, and is passed over. */
  #readExtension(bytes: Buffer, at: number): number {
    const byte = bytes[at]
    if (byte === CR) this.#next = SIZE_LF
    else if ((byte < 32 && byte !== 9) || byte === 127 || ++this.#digits > EXTENSION_BYTES_MAX) {
      return this.#fail('the extension of a chunk is too long, or holds control characters')
    }
    return at + 1
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
    const trailers = this.#readFields(text, 0, end)
    if (trailers === undefined) return bytes.length
    if (FOREIGN.test(text.slice(0, end))) return this.#fail('its trailers hold control characters')
    this.#end(trailers)
    return at + end + 4 - known
  }
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

function hexOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
