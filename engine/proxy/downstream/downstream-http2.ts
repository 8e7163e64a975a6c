import { METHODS } from 'node:http'
import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { grpcStatusOf, isGrpc } from '../message/grpc.ts'

/**
 * One HTTP/2 stream in the shape of node:http's request and response, as far as the proxy uses them; the fields are told
 * as HTTP/1.1 would have told them. What nghttp2 has refused already (fields of a connection, upper case, pseudo-header
 * fields that are missing, doubled or late, lengths that do not hold) never comes here.
 */

const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR } = constants

const NO_FIELDS: readonly string[] = []

/** The fields as they came are the third argument, which the types of node:http2 leave out. */
interface TrailerSource {
  on(event: 'trailers', told: (trailers: IncomingHttpHeaders, flags: number, raw: readonly string[]) => void): unknown
}

const KNOWN_METHODS = new Set(METHODS)

/** The request of a stream, which is also its body. */
export class StreamRequest {
  readonly httpVersionMajor = 2
  /** Not what a downstream of HTTP/1.0 has: everything that HTTP/1.1 may be told, this one may. */
  readonly httpVersionMinor = 1
  readonly method: string
  /** Empty where it cannot be asked for: then it is malformed to everybody who reads it. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: string[]
  /** Whether a body follows. */
  readonly hasBody: boolean
  /** Whether the header did not end the stream: a body may still turn out to have no bytes. */
  readonly isOpen: boolean
  /** Fields behind the body; there when it has ended. */
  rawTrailers: readonly string[] = NO_FIELDS
  readonly #stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[], isOpen: boolean) {
    this.#stream = stream
    this.headers = headers
    this.isOpen = isOpen
    this.hasBody = isOpen && headers['content-length'] !== '0'
    const { ':method': method = '', ':path': path = '', ':scheme': scheme, ':authority': authority } = headers
    this.method = String(method)
    this.rawHeaders = fieldsOf(raw, authority)
    const target = String(path)
    // An absolute form would name a second authority; under a scheme of its own a path may be anything.
    const isAsked = (scheme === 'https' || scheme === 'http') && (target.startsWith('/') || target === '*')
    this.url = isAsked && KNOWN_METHODS.has(this.method) ? target : ''
    if (isOpen) (stream as TrailerSource).on('trailers', this.#onTrailers)
  }

  readonly #onTrailers = (_trailers: IncomingHttpHeaders, _flags: number, raw: readonly string[]): void => {
    this.rawTrailers = raw
  }

  get complete(): boolean {
    return this.#stream.readableEnded
  }

  on(event: string, listener: (...values: never[]) => void): this {
    this.#stream.on(event, listener as () => void)
    return this
  }

  pause(): this {
    this.#stream.pause()
    return this
  }

  resume(): this {
    this.#stream.resume()
    return this
  }
}

/**
 * Fields without the pseudo ones. The authority becomes Host; a Host that says another is kept beside it, and two of them
 * are refused. The crumbs of a cookie are put together: HTTP/1.1 has one field of it (RFC 9113 8.2.3).
 */
function fieldsOf(raw: readonly string[], authority: string | undefined): string[] {
  const fields = authority === undefined ? [] : ['host', authority]
  let cookie = -1
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]
    const value = raw[i + 1]
    if (name.startsWith(':') || (name === 'host' && value === authority)) continue
    if (name === 'cookie') {
      if (cookie >= 0) {
        fields[cookie] += `; ${value}`
        continue
      }
      cookie = fields.length + 1
    }
    fields.push(name, value)
  }
  return fields
}

/** The response of a stream. */
export class StreamResponse {
  /** Trailers may follow, for the length is not told. */
  chunkedEncoding = false
  readonly stream: ServerHttp2Stream
  /** We broke it off: its end is not the downstream's doing. */
  isCut = false
  readonly #request: StreamRequest
  readonly #onEnded: (response: StreamResponse) => void
  #trailers: OutgoingHttpHeaders = {}
  #hasTrailers = false
  /** Said, and not sent yet: what ends with it is one frame, which to gRPC is another thing than a head and an empty body. */
  #head: OutgoingHttpHeaders | undefined
  /** What it may not have: one to HEAD, and some by their status. */
  #hasNoBody = false

  /** `onEnded` is told when all of it has been written; the downstream may not have read it. */
  constructor(stream: ServerHttp2Stream, request: StreamRequest, onEnded: (response: StreamResponse) => void) {
    this.stream = stream
    this.#request = request
    this.#onEnded = onEnded
  }

  get headersSent(): boolean {
    return this.#head !== undefined || this.stream.headersSent
  }

  writeInterim(status: number, headers: readonly string[]): void {
    if (this.stream.destroyed || this.stream.closed || this.headersSent) return
    this.stream.additionalHeaders({ ...fieldsDown(headers), ':status': status })
  }

  writeContinue(): void {
    this.writeInterim(100, [])
  }

  /** As node:http's with a raw header array; HTTP/2 has no reason phrase. It leaves with what comes next. */
  writeHead(status: number, ...rest: [string, string[]] | [string[]]): this {
    const headers = fieldsDown(rest[rest.length - 1] as string[])
    this.#hasNoBody = this.#request.method === 'HEAD' || status === 204 || status === 205 || status === 304
    this.chunkedEncoding = !this.#hasNoBody && headers['content-length'] === undefined
    headers[':status'] = status
    this.#head = headers
    return this
  }

  flushHeaders(): void {
    const { stream } = this
    const head = this.#head
    if (head === undefined) return
    this.#head = undefined
    if (stream.destroyed || stream.closed) return
    if (this.chunkedEncoding) {
      stream.once('wantTrailers', () => {
        stream.sendTrailers(this.#trailers)
        this.#letGo()
      })
    }
    stream.respond(head, { waitForTrailers: this.chunkedEncoding, endStream: this.#hasNoBody })
  }

  write(chunk: Buffer | string): boolean {
    if (chunk.length === 0) return true
    this.flushHeaders()
    return this.#hasNoBody || this.stream.destroyed || this.stream.write(chunk)
  }

  end(chunk: Buffer | string = '', encoding: BufferEncoding = 'utf8'): this {
    const { stream } = this
    if (stream.destroyed) return this
    if (this.#head !== undefined && chunk.length === 0 && !this.#hasTrailers) {
      this.chunkedEncoding = false
      this.#hasNoBody = true
    }
    this.flushHeaders()
    if (!this.#hasNoBody) {
      if (chunk.length === 0) stream.end()
      else stream.end(chunk, encoding)
    }
    this.#onEnded(this)
    if (!this.chunkedEncoding) this.#letGo()
    return this
  }

  addTrailers(trailers: readonly [string, string][]): void {
    this.#trailers = fieldsDown(trailers.flat())
    this.#hasTrailers = trailers.length > 0
  }

  on(event: string, listener: () => void): this {
    this.stream.on(event, listener)
    return this
  }

  /** Breaks it off: this stream ends, all others of the connection go on. A call of gRPC ends with a status that says why. */
  cut(reason: string): void {
    this.flushHeaders()
    this.isCut = true
    const { stream } = this
    const status = this.chunkedEncoding && isGrpc(stream.sentHeaders?.['content-type']) && grpcStatusOf(reason)
    if (status) {
      this.#trailers = status
      this.end()
      return
    }
    stream.close(NGHTTP2_INTERNAL_ERROR)
  }

  /** Once the response is out, nobody reads the rest of the request: the downstream may stop sending it (RFC 9113 8.1). */
  #letGo(): void {
    const { stream } = this
    if (!this.#request.isOpen || this.#request.complete || stream.destroyed) return
    this.isCut = true
    this.#request.resume()
    // What ends the response leaves with this turn: a reset that is said in it may go before that.
    setImmediate(() => {
      if (!stream.closed) stream.close(NGHTTP2_NO_ERROR)
    })
  }
}

/** Raw header array to fields: one value each, for Node refuses to repeat some; but cookies are set one by one. */
function fieldsDown(raw: readonly string[]): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null)
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase()
    const value = raw[i + 1]
    const before = fields[name]
    if (before === undefined) fields[name] = name === 'set-cookie' ? [value] : value
    else if (Array.isArray(before)) before.push(value)
    // Of a connection, and left to the hop that has one.
    else fields[name] = `${before}, ${value}`
  }
  delete fields.te
  return fields
}
