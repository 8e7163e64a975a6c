/**
 * A strict reader of HTTP/1.1 (RFC 9112): what it takes has one meaning, and what has two it does not take. It judges both
 * sides of a proxy: bytes that reached an origin, and bytes that came back to the downstream. Texts are latin1, a character a byte.
 */

/** Name and value, in order and as they were spelled. */
export type Field = readonly [name: string, value: string]

export type Framing = 'none' | 'length' | 'chunked' | 'close'

export interface Message {
  /** The first line, without its CRLF. */
  line: string
  fields: readonly Field[]
  body: string
  framing: Framing
  trailers: readonly Field[]
}

export interface Request extends Message {
  method: string
  target: string
  version: string
}

export interface Answer extends Message {
  status: number
  version: string
  /** False where the connection ended within it. */
  isWhole: boolean
}

/** Messages one after the other. `fault`: what follows them is none. `rest`: what follows them and is not whole yet. */
export interface Reading<M> {
  messages: M[]
  rest: string
  fault: string | undefined
  /** Where each message ends, in bytes. */
  ends: number[]
}

class Fault extends Error {}
/** The text ends before the message does. */
class Partial extends Error {}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(1\.[01])$/
const STATUS_LINE = /^HTTP\/(1\.[01]) ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::\d{0,5})?$/
const CHUNK_LINE =
  /^([0-9a-fA-F]{1,13})((?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\t\x20-\x7e\x80-\xff]*"))?)*)$/

const LENIENT_CHUNK_LINE = /^([0-9a-fA-F]{1,13})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/

/** The values of a field, whatever the case of its name. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  const wanted = name.toLowerCase()
  return fields.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value)
}

/**
 * `isLenient` reads what harms nobody as well: blank lines before a request (RFC 9112 2.2), several blanks between its words (3),
 * extensions of a chunk that are none, and a Host that is none, for where such a request ends is beyond doubt.
 */
export function readRequests(text: string, isLenient = false): Reading<Request> {
  return readAll(text, at => {
    let start = at
    while (text.startsWith('\r\n', start) || (isLenient && /[\r\n]/.test(text.charAt(start)))) {
      start += isLenient ? 1 : 2
      // One empty line before a request is to be ignored (RFC 9112 2.2).
      if (!isLenient) break
    }
    const { line: written, fields, end } = readHead(text, start)
    const line = isLenient ? written.replaceAll(/ +/g, ' ') : written
    const found = REQUEST_LINE.exec(line)
    if (found === null) throw new Fault(`no request line: ${JSON.stringify(line)}`)
    const [, method, target, version] = found as unknown as [string, string, string, string]
    if (!isLenient) checkHost(valuesOf(fields, 'host'), version)
    const framing = requestFraming(fields, version)
    const { body, trailers, end: bodyEnd } = readBody(text, end, fields, framing, isLenient)
    return [{ line, method, target, version, fields, body, framing, trailers }, bodyEnd]
  })
}

function checkHost(hosts: readonly string[], version: string): void {
  if (hosts.length > 1 || (hosts.length === 0 && version === '1.1')) throw new Fault(`${hosts.length} Host fields`)
  if (!HOST.test(hosts[0] ?? '')) throw new Fault(`no host: ${hosts[0]}`)
}

/** `methods` are those of the requests, in order; GET where there are none left. `isClosed`: nothing more will come. */
export function readAnswers(text: string, methods: readonly string[], isClosed: boolean): Reading<Answer> {
  let finals = 0
  return readAll<Answer>(text, at => {
    const { line, fields, end } = readHead(text, at)
    const found = STATUS_LINE.exec(line)
    if (found === null) throw new Fault(`no status line: ${JSON.stringify(line)}`)
    const [, version] = found as unknown as [string, string]
    const status = Number(found[2])
    const framing = answerFraming(fields, status, methods[finals] ?? 'GET')
    if (status >= 200) finals++
    const head = { line, version, status, fields, framing }
    try {
      if (framing === 'close') {
        if (!isClosed) throw new Partial()
        return [{ ...head, body: text.slice(end), trailers: [], isWhole: true }, text.length]
      }
      const { body, trailers, end: bodyEnd } = readBody(text, end, fields, framing)
      return [{ ...head, body, trailers, isWhole: true }, bodyEnd]
    } catch (error) {
      if (!(error instanceof Partial) || !isClosed) throw error
      return [{ ...head, body: text.slice(end), trailers: [], isWhole: false }, text.length]
    }
  })
}

function readAll<M extends Message>(text: string, readOne: (at: number) => [message: M, end: number]): Reading<M> {
  const messages: M[] = []
  const ends: number[] = []
  let at = 0
  while (at < text.length) {
    try {
      const [message, end] = readOne(at)
      messages.push(message)
      ends.push(end)
      at = end
    } catch (error) {
      if (error instanceof Partial) break
      if (error instanceof Fault) return { messages, ends, rest: text.slice(at), fault: error.message }
      throw error
    }
  }
  return { messages, ends, rest: text.slice(at), fault: undefined }
}

function readHead(text: string, start: number): { line: string; fields: Field[]; end: number } {
  const { line, end: lineEnd } = readLine(text, start)
  const { fields, end } = readFields(text, lineEnd)
  return { line, fields, end }
}

/** A line up to its CRLF. A CR or LF alone is a fault, and shows before the line is whole. */
function readLine(text: string, at: number): { line: string; end: number } {
  const end = text.indexOf('\r\n', at)
  const line = text.slice(at, end < 0 ? text.length : end)
  if (/[\n\0]|\r(?!$)/.test(line) || (end >= 0 && line.endsWith('\r'))) throw new Fault('a bare CR, LF or NUL')
  if (end < 0) throw new Partial()
  return { line, end: end + 2 }
}

function readFields(text: string, start: number): { fields: Field[]; end: number } {
  const fields: Field[] = []
  for (let at = start; ; ) {
    const { line, end } = readLine(text, at)
    at = end
    if (line === '') return { fields, end }
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    if (colon < 0 || !TOKEN.test(name) || !VALUE.test(value)) throw new Fault(`no field: ${JSON.stringify(line)}`)
    fields.push([name, value])
  }
}

function requestFraming(fields: readonly Field[], version: string): Framing {
  const codings = valuesOf(fields, 'transfer-encoding')
  const length = lengthOf(fields)
  if (codings.length === 0) return length === undefined ? 'none' : 'length'
  if (version === '1.0' || length !== undefined) throw new Fault('a coding beside a length, or in HTTP/1.0')
  if (codings.length > 1 || codings[0]!.toLowerCase() !== 'chunked') throw new Fault(`a coding ${codings.join()}`)
  return 'chunked'
}

function answerFraming(fields: readonly Field[], status: number, method: string): Framing {
  const codings = valuesOf(fields, 'transfer-encoding')
  const length = lengthOf(fields)
  if (codings.length > 0 && length !== undefined) throw new Fault('a coding beside a length')
  if (codings.length > 1 || (codings[0] ?? 'chunked').toLowerCase() !== 'chunked') throw new Fault(codings.join())
  if (status < 200 || status === 204) {
    if (codings.length > 0 || length !== undefined) throw new Fault(`a body declared with ${status}`)
    return 'none'
  }
  if (status === 304 || method === 'HEAD') return 'none'
  if (codings.length > 0) return 'chunked'
  return length === undefined ? 'close' : 'length'
}

function lengthOf(fields: readonly Field[]): string | undefined {
  const lengths = valuesOf(fields, 'content-length')
  if (lengths.length > 1 || !/^\d{1,15}$/.test(lengths[0] ?? '0')) throw new Fault(`a length ${lengths.join()}`)
  return lengths[0]
}

function readBody(
  text: string,
  at: number,
  fields: readonly Field[],
  framing: Framing,
  isLenient = false,
): { body: string; trailers: Field[]; end: number } {
  if (framing === 'chunked') return readChunks(text, at, isLenient)
  const length = framing === 'length' ? Number(lengthOf(fields)) : 0
  if (text.length < at + length) throw new Partial()
  return { body: text.slice(at, at + length), trailers: [], end: at + length }
}

function readChunks(text: string, start: number, isLenient: boolean): { body: string; trailers: Field[]; end: number } {
  const pieces: string[] = []
  for (let at = start; ; ) {
    const { line, end } = readLine(text, at)
    const found = (isLenient ? LENIENT_CHUNK_LINE : CHUNK_LINE).exec(line)
    if (found === null) throw new Fault(`no chunk size: ${JSON.stringify(line)}`)
    const size = Number.parseInt(found[1]!, 16)
    if (size === 0) {
      const { fields, end: last } = readFields(text, end)
      return { body: pieces.join(''), trailers: fields, end: last }
    }
    const after = text.slice(end + size, end + size + 2)
    if (!'\r\n'.startsWith(after)) throw new Fault('a chunk longer than its size')
    if (after.length < 2) throw new Partial()
    pieces.push(text.slice(end, end + size))
    at = end + size + 2
  }
}
