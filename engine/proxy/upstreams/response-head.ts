import { bySpelling } from '../message/spellings.ts'

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

const CR = 13

const kindOf = bySpelling(name => (TOKEN.test(name) ? (FRAMING.get(name.toLowerCase()) ?? PLAIN) : NO_NAME))

/** Whether a text holds no control characters but tabs, and no line end but CR LF. */
export function isText(text: string): boolean {
  return !FOREIGN.test(text)
}

/**
 * The head of an answer of HTTP/1.1, read strictly (RFC 9112 4 and 5): lines end with CR LF, a field is a token, a colon and a value
 * without control characters, and is not folded. A length is digits, and is there once; so is the one transfer
 * coding, chunked.
 */
export class ResponseHead {
  status = 0
  /** What stands behind the status. */
  reason = ''
  /** [name, value, name, value, …] as they came, without the blanks around a value. */
  fields: string[] = []
  /** The declared length of the body in bytes; −1 where none is. */
  length = -1
  /** It comes in chunks. */
  isChunked = false
  /** For how long the endpoint keeps the connection, in s; −1 where it does not say. */
  keepAliveS = -1
  #minor = 1
  #isClosing = false
  #isKept = false

  /** From the first line to the empty one. Says what is wrong with it; empty where nothing is. */
  read(text: string): string {
    if (!this.#readStatus(text) || !isText(text))
      return 'it does not begin as one of HTTP/1.1, or holds control characters'
    this.length = -1
    this.isChunked = false
    this.keepAliveS = -1
    this.#isClosing = false
    this.#isKept = false
    const lineEnd = text.indexOf('\r\n')
    this.reason = text.slice(13, lineEnd)
    this.fields = []
    const isRead = readFields(text, lineEnd + 2, text.length - 2, this.fields, this)
    if (this.status < 200 && this.#minor === 0) return 'HTTP/1.0 has no interim answers'
    return isRead ? '' : 'one of its fields is none, or says again how long it is'
  }

  /** Whether the connection goes on behind its body, if that has an end of its own. */
  get mayGoOn(): boolean {
    if (this.#isClosing) return false
    return this.#minor === 1 || (this.#isKept && !this.isChunked)
  }

  /** "HTTP/1.1 200", a status from 100 on, and behind it nothing, or a blank and a text. */
  #readStatus(text: string): boolean {
    const minor = text.charCodeAt(7) - 48
    if (!text.startsWith('HTTP/1.') || (minor !== 0 && minor !== 1) || text.charCodeAt(8) !== 32) return false
    const behind = text.charCodeAt(12)
    if (behind !== 32 && behind !== CR) return false
    let status = 0
    for (let i = 9; i < 12; i++) {
      const digit = text.charCodeAt(i) - 48
      if (digit < 0 || digit > 9) return false
      status = status * 10 + digit
    }
    this.#minor = minor
    this.status = status
    return status >= 100
  }

  /** A field that says how the message is framed, or how its connection goes on. False: no answer has such a one. */
  take(kind: number, value: string): boolean {
    switch (kind) {
      case CONTENT_LENGTH:
        if (this.length >= 0 || !/^\d{1,15}$/.test(value)) return false
        this.length = Number(value)
        return true
      case TRANSFER_ENCODING:
        // What is coded in any other way cannot be passed on, and some readers would still see chunks in it.
        if (this.isChunked || value.toLowerCase() !== 'chunked') return false
        this.isChunked = true
        return true
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
}

/** Fields that came behind a body, each line with its end; undefined where one of them is none. */
export function readTrailerLines(text: string): string[] | undefined {
  const fields: string[] = []
  return isText(text) && readFields(text, 0, text.length, fields, undefined) ? fields : undefined
}

/** The lines from `at` to `end`. Where a `head` is given, it takes those that say how it is framed. False: one of them is no field. */
function readFields(text: string, at: number, end: number, fields: string[], head: ResponseHead | undefined): boolean {
  while (at < end) {
    const lineEnd = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    if (colon < 0 || colon > lineEnd) return false
    const name = text.slice(at, colon)
    const kind = kindOf(name)
    if (kind === NO_NAME) return false
    let from = colon + 1
    while (isBlank(text.charCodeAt(from))) from++
    let to = lineEnd
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--
    const value = text.slice(from, to)
    fields.push(name, value)
    if (kind !== PLAIN && head !== undefined && !head.take(kind, value)) return false
    at = lineEnd + 2
  }
  return true
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}
