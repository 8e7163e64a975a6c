import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { Config } from '../../config/schema.ts'
import type { BodyReader } from '../request/request-body.ts'
import { Alarm } from './alarm.ts'
import { plainFields, toHttp2Headers, toHttp2Trailers } from './http2-headers.ts'
import { type Http2Session, notProcessed } from './http2-session.ts'
import type { Http2Upstream } from './http2-upstream.ts'
import type { Dispatching, Link, Taker } from './link.ts'
import { noAnswer, noMore, UpstreamError } from './upstream-error.ts'

const {
  NGHTTP2_FLAG_END_STREAM,
  NGHTTP2_CANCEL,
  NGHTTP2_NO_ERROR,
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_REFUSED_STREAM,
  NGHTTP2_HTTP_1_1_REQUIRED,
} = constants

/** Given up after this without an answer, the connection is asked whether it is still there, in ms. */
const LATE_MS = 1000

/** As node:http2 calls it; the fields as they came are the third argument, which its types leave out. */
type OnFields = (fields: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number, raw: string[]) => void

/**
 * One request as a stream of an HTTP/2 connection. It tells its taker what a connection of HTTP/1.1 would, in the
 * same words: refused by the endpoint, broken, too slow.
 *
 *   dispatch ──▶ (waits in the session) ──▶ open ──▶ response ──▶ data … ──▶ trailers ──▶ end
 *                                             └─ the body and its trailers flow meanwhile, both ways at once
 */
export class Http2Stream implements Link {
  readonly taker: Taker
  isReused = false
  isBegun = false
  /** It has waited at one session in vain: from one to the next it would open them all. */
  hasMoved = false
  readonly #upstream: Http2Upstream
  readonly #timeouts: Config['services'][string]['timeouts']
  #session: Http2Session
  #sending: Dispatching | undefined
  #stream: ClientHttp2Stream | undefined
  readonly #alarm = new Alarm(() => this.#onSilence())
  #wasSent = false
  #sentAtMs = 0
  /** What had come on the connection when it was sent. */
  #bytesBefore = 0
  #hasHead = false
  #isPaused = false
  /** Nothing more is told. */
  #isOver = false
  #isSettled = false
  #lengthLeft = -1
  #trailers: string[] = []

  constructor(
    upstream: Http2Upstream,
    session: Http2Session,
    taker: Taker,
    timeouts: Config['services'][string]['timeouts'],
  ) {
    this.#upstream = upstream
    this.#session = session
    this.taker = taker
    this.#timeouts = timeouts
  }

  dispatch(sending: Dispatching): void {
    this.#sending = sending
    this.#alarm.set(this.#timeouts.firstByte)
    this.#session.admit(this)
  }

  /** The session found another one for it. */
  move(session: Http2Session): void {
    this.hasMoved = true
    this.#session = session
    session.admit(this)
  }

  /** Its turn: it is sent. */
  open(http2: ClientHttp2Session): void {
    const { method, body } = this.#sending as Dispatching
    this.#wasSent = true
    this.isReused = this.#session.isReused
    this.#sentAtMs = performance.now()
    this.#bytesBefore = this.#session.bytesRead
    this.taker.onSent()
    if (this.#isOver) return
    let fields: OutgoingHttpHeaders
    let stream: ClientHttp2Stream
    try {
      fields = toHttp2Headers(this.#sending as Dispatching, this.#upstream.endpoint.url)
      stream = http2.request(fields, { endStream: body === null, waitForTrailers: body !== null })
    } catch (error) {
      // Either the session is going, or the header cannot be said in HTTP/2.
      const isGoing = http2.closed || http2.destroyed
      this.fail(isGoing ? notProcessed() : new UpstreamError('bad-request', (error as Error).message))
      return
    }
    this.#stream = stream
    const onFields = (event: 'headers' | 'response' | 'trailers', told: OnFields): unknown => stream.on(event, told)
    onFields('headers', (interim, _flags, raw) => {
      if (!this.#isOver) this.taker.onHead(Number(interim[':status']), plainFields(raw), '')
    })
    onFields('response', (head, flags, raw) => {
      this.#onResponse(Number(head[':status']), method, raw)
      // Told with the head, so that it is passed on as one: an answer of gRPC that ends with its head has its status in it.
      if ((flags & NGHTTP2_FLAG_END_STREAM) !== 0) this.#onEnd()
    })
    onFields('trailers', (_trailers, _flags, raw) => {
      this.#trailers = plainFields(raw)
    })
    stream.on('data', this.#onData)
    stream.on('end', this.#onEnd)
    // What it means is read from its code when it closes, which it does then.
    stream.on('error', () => {})
    stream.on('close', this.#onClose)
    if (body !== null) this.#sendBody(stream, body)
  }

  #sendBody(stream: ClientHttp2Stream, body: BodyReader): void {
    stream.on('drain', () => body.resume())
    stream.on('wantTrailers', () => stream.sendTrailers(toHttp2Trailers(body.trailers)))
    body.read({
      onPiece(piece) {
        if (!stream.write(piece)) body.pause()
      },
      onEnd: () => stream.end(),
    })
  }

  #onResponse(status: number, method: string, raw: string[]): void {
    if (this.#isOver) return
    this.#hasHead = true
    for (let i = 0; i < raw.length; i += 2) {
      if (raw[i] === 'content-length' && method !== 'HEAD' && status !== 304) this.#lengthLeft = Number(raw[i + 1])
    }
    this.#alarm.set(this.#timeouts.idle)
    this.isBegun = true
    this.taker.onHead(status, plainFields(raw), '')
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return
    this.#alarm.set(this.#timeouts.idle)
    if (this.#lengthLeft >= 0) this.#lengthLeft -= chunk.length
    if (this.taker.onPiece(chunk)) return
    this.#isPaused = true
    this.#stream?.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (!this.#isOver) this.#alarm.set(this.#timeouts.idle)
    this.#stream?.resume()
  }

  readonly #onEnd = (): void => {
    // A stream that was reset ends too; whether it is whole its code says, and its length.
    const isWhole = this.#stream?.rstCode === NGHTTP2_NO_ERROR && this.#lengthLeft <= 0
    if (this.#isOver || !this.#hasHead || !isWhole) return
    this.#isOver = true
    this.#alarm.end()
    this.taker.onWhole(this.#trailers)
  }

  readonly #onClose = (): void => {
    if (!this.#isOver) this.fail(this.#readEnd())
  }

  /** Why the stream closed before its answer was whole. */
  #readEnd(): Error {
    const stream = this.#stream as ClientHttp2Stream
    const { rstCode } = stream
    if (rstCode === NGHTTP2_REFUSED_STREAM || this.#session.hasNotProcessed(stream.id)) return notProcessed()
    if (rstCode === NGHTTP2_PROTOCOL_ERROR || rstCode === NGHTTP2_HTTP_1_1_REQUIRED) {
      return new UpstreamError('bad-answer', `The endpoint closed the stream with code ${rstCode}`)
    }
    return new UpstreamError('closed', `The endpoint closed the stream with code ${rstCode}`)
  }

  /** It has failed, sent or not. */
  fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#alarm.end()
    this.#close()
    this.taker.onBroken(error)
  }

  /** The endpoint is told that nobody waits for the answer. */
  #abort(): void {
    const isLate = this.#wasSent && !this.#hasHead && performance.now() - this.#sentAtMs > LATE_MS
    if (isLate && !this.#isOver) this.#session.doubt(this.#bytesBefore)
    this.#isOver = true
    this.#alarm.end()
    this.#close()
  }

  #close(): void {
    this.#sending?.body?.destroy()
    const stream = this.#stream
    if (stream?.closed !== false) return
    // Not while bytes of its connection are being read: there Node 22 keeps the reset back, finds the body ended before it, and
    // aborts the process over the trailers of a stream that is gone (`OnTrailers`, `!this.is_destroyed()`).
    setImmediate(() => {
      if (!stream.closed) stream.close(NGHTTP2_CANCEL)
    })
  }

  release(): void {
    this.#settle()
  }

  drop(): void {
    this.#abort()
    this.#settle()
  }

  #settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#upstream.end(this)
    this.#session.settle(this, this.#wasSent)
  }

  #onSilence(): void {
    // As long as we send or do not read, it is not the endpoint that is slow.
    const body = this.#sending?.body
    const isSending = !this.#hasHead && this.#wasSent && body != null && !body.hasEnded && !body.isPaused
    const { firstByte, idle } = this.#timeouts
    if (this.#isPaused || isSending) {
      this.#alarm.set(this.#hasHead ? idle : firstByte)
      return
    }
    if (this.#wasSent) this.#session.doubt(this.#bytesBefore)
    this.fail(this.#hasHead ? noMore(idle) : noAnswer(firstByte))
  }
}
