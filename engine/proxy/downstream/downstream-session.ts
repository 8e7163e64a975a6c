import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { elapsedMs } from '../../memory/clock.ts'
import type { Front, Patient } from '../front.ts'
import { grpcReplyFor, isGrpc } from '../message/grpc.ts'
import { readRequestHead } from '../message/headers.ts'
import { type Reason, type Reply, replyFor } from '../message/reply.ts'
import { Exchange } from '../request/exchange.ts'
import { takeRequest } from '../request/journey.ts'
import { Connection } from './connection.ts'
import { StreamRequest, StreamResponse } from './downstream-http2.ts'
import { enter } from './server.ts'

const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_REFUSED_STREAM, NGHTTP2_FLAG_END_STREAM } =
  constants

/** Streams a downstream may have open at once: what RFC 9113 5.1.2 advises at least, and what a rapid reset can waste at most. */
const STREAMS_MAX = 100
/** Streams given up soon after they were opened, in one window: no person closes tabs so fast, a rapid reset is faster. */
const RESETS_MAX = 200
/** What is given up later than this is no rapid reset, in ms: calls whose deadline is over, as many as there may be streams. */
const RAPID_MS = 1000
/** PINGs and SETTINGS in one window: each costs us an answer. */
const CONTROLS_MAX = 1000
const WINDOW_MS = 30_000
/** Fields beyond the limit that still come through, so that they are answered with 431; more, and the stream is reset. */
const SPARE_FIELDS = 64
/** Pseudo-header fields of a request. */
const PSEUDO_FIELDS = 4
/** Malformed frames a session may bring. */
const INVALID_FRAMES_MAX = 100
/** Streams it may open beyond STREAMS_MAX: at first it does not know of that. */
const REJECTED_STREAMS_MAX = 100
/** The highest stream id there can be: with it a GOAWAY stops nothing that is on the way. */
const STREAM_ID_MAX = 2 ** 31 - 1

/** After its last stream a session that was told to close has this long, in ms. */
const CLOSING_MS = 1000

/** Begins HTTP/2 on a connection whose downstream has chosen it. */
export function openSession(front: Front, socket: TLSSocket): void {
  const { headerBytes, headers, urlBytes } = front.limits
  const session = performServerHandshake(socket, {
    settings: {
      maxConcurrentStreams: STREAMS_MAX,
      maxHeaderListSize: headerBytes + urlBytes,
      enableConnectProtocol: false,
    },
    maxHeaderListPairs: headers + PSEUDO_FIELDS + SPARE_FIELDS,
    maxSessionInvalidFrames: INVALID_FRAMES_MAX,
    maxSessionRejectedStreams: REJECTED_STREAMS_MAX,
  })
  const connection = new SessionConnection(socket, front, session)
  if (enter(front, connection)) front.waiting.add(connection)
  else socket.destroy()
}

/** A downstream connection that speaks HTTP/2: what is open on it ends without the others. */
class SessionConnection extends Connection implements Patient {
  /** Node sends no other over HTTP/2. */
  override readonly statusMax: number = 599
  readonly #front: Front
  readonly #session: ServerHttp2Session
  /** Responses written to their end that the downstream has not read to theirs, and since when. */
  readonly #unread = new Map<StreamResponse, number>()
  #hasBegun = false
  #isLeaving = false
  #endingSinceMs = 0
  #windowSinceMs: number
  #resets = 0
  #controls = 0

  constructor(socket: TLSSocket, front: Front, session: ServerHttp2Session) {
    super(socket, front)
    this.#front = front
    this.#session = session
    this.#windowSinceMs = front.nowMs()
    session.on('error', () => {})
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => {
      // A stream of its own error: the session is told, and goes on.
      stream.on('error', () => {})
      const isOpen = (flags & NGHTTP2_FLAG_END_STREAM) === 0
      this.#take(stream, new StreamRequest(stream, headers, raw, isOpen))
    })
    const onControl = (): void => {
      this.#enterWindow()
      if (++this.#controls > CONTROLS_MAX) this.#calm()
    }
    session.on('ping', onControl)
    session.on('remoteSettings', onControl)
  }

  #take(stream: ServerHttp2Stream, request: StreamRequest): void {
    this.#hasBegun = true
    if (this.isSpent) {
      // It was on the way when we said that there are no more: a refused stream may be sent again elsewhere.
      stream.close(NGHTTP2_REFUSED_STREAM)
      return
    }
    const response = new StreamResponse(stream, request, this.#onEnded)
    const sinceMs = this.#front.nowMs()
    stream.once('close', () => this.#onClose(stream, response, sinceMs))
    const message = request as unknown as IncomingMessage
    const answer = response as unknown as ServerResponse
    if (request.method !== 'CONNECT') {
      takeRequest(this.#front, this, message, answer, request.headers.expect?.toLowerCase() === '100-continue')
      if (this.isSpent) this.end()
      return
    }
    const exchange = new Exchange(this.#front, this, message, answer)
    exchange.name(readRequestHead(request.rawHeaders, this.isTrusted), '', true)
    exchange.refuse('method-not-allowed')
  }

  readonly #onEnded = (response: StreamResponse): void => {
    this.#unread.set(response, this.#front.nowMs())
  }

  #onClose(stream: ServerHttp2Stream, response: StreamResponse, sinceMs: number): void {
    this.#unread.delete(response)
    const of = this.open.find(exchange => (exchange.response as unknown) === response)
    of?.abandon('downstream-gone')
    if (stream.rstCode === NGHTTP2_NO_ERROR || response.isCut) return
    if (elapsedMs(this.#front.nowMs(), sinceMs) > RAPID_MS) return
    this.#enterWindow()
    if (++this.#resets > RESETS_MAX) this.#calm()
  }

  #enterWindow(): void {
    const now = this.#front.nowMs()
    if (elapsedMs(now, this.#windowSinceMs) < WINDOW_MS) return
    this.#windowSinceMs = now
    this.#resets = 0
    this.#controls = 0
  }

  /** Ends a session that does us harm, with all that is on it. */
  #calm(): void {
    // Without an error Node would say that there was none.
    if (!this.#session.destroyed) this.#session.destroy(new Error('flood'), NGHTTP2_ENHANCE_YOUR_CALM)
  }

  override onGone(): void {
    this.#front.waiting.delete(this)
    super.onGone()
  }

  /** A stream is not the connection: the end of that is announced by a GOAWAY. */
  override announceEnd(_headers: string[], isLast: boolean): void {
    if (isLast) this.drain()
  }

  override linger({ response }: Exchange): void {
    response.end()
  }

  override refusal({ request }: Exchange, reason: Reason): Reply {
    return isGrpc(request.headers['content-type']) ? grpcReplyFor(reason) : replyFor(reason)
  }

  override cut({ response }: Exchange, reason: string): void {
    ;(response as unknown as StreamResponse).cut(reason)
  }

  /** No further streams; it closes when those that are open have ended. */
  override end(): void {
    if (this.#session.closed) return
    this.#endingSinceMs = this.#front.nowMs()
    this.#session.close()
  }

  /**
   * Asks for no further streams. What is on the way is still served: the loop of drain.ts ends the session once it has been
   * quiet for long enough.
   */
  override drain(): void {
    if (this.#session.closed || this.#isLeaving) return
    this.#isLeaving = true
    this.#session.goaway(NGHTTP2_NO_ERROR, STREAM_ID_MAX)
  }

  checkPatience(nowMs: number): void {
    const { bodyIdle, headerTimeout, keepAliveIdle } = this.#front.limits
    if (bodyIdle > 0) {
      for (const [response, sinceMs] of this.#unread) {
        if (elapsedMs(nowMs, sinceMs) <= bodyIdle) continue
        response.isCut = true
        response.stream.close(NGHTTP2_CANCEL)
      }
    }
    if (this.open.length > 0 || this.#unread.size > 0) return
    if (this.#session.closed) {
      // A header that began and never ends would hold it open.
      if (elapsedMs(nowMs, this.#endingSinceMs) > CLOSING_MS) this.#session.destroy()
      return
    }
    const patience = this.#hasBegun ? keepAliveIdle : headerTimeout
    if (patience > 0 && elapsedMs(nowMs, this.idleSinceMs) > patience) this.end()
  }
}
