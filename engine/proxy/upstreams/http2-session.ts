import { type ClientHttp2Session, connect } from 'node:http2'
import type { Socket } from 'node:net'
import type { Dialer } from '../../upstream/dialer.ts'
import type { Http2Stream } from './http2-stream.ts'
import type { Http2Upstream } from './http2-upstream.ts'
import { UpstreamError } from './upstream-error.ts'

/** Streams that are counted on before the endpoint has said how many it takes; RFC 9113 6.5.2 asks for no fewer than this of anybody. */
const STREAMS_ASSUMED = 100

/** More on one connection would be in each other's way. */
const STREAMS_MAX = 1000

/** What an endpoint may send of one stream before we have read it, in bytes: a fast one fills a fast network with it. */
const WINDOW_BYTES = 256 * 1024

/** A connection with requests on which nothing came for so long is asked whether it is still there, in ms. */
const QUIET_MS = 10_000
/** An answer to that takes no longer than this, in ms. */
const PONG_MS = 5000

/**
 * One HTTP/2 connection to an endpoint.
 *
 *   dial ──▶ the endpoint's SETTINGS ──▶ ready ──▶ leave (GOAWAY, age, idle) ──▶ closed, when its last stream is over
 *                                           └──▶ closed, when it breaks
 *
 * Streams that come before it is ready wait in it; nothing of them is sent before it is known how many it takes.
 */
export class Http2Session {
  /** Streams it has, and such that wait in it. */
  taken = 0
  idleSinceMs = performance.now()
  readonly diesAtMs: number
  /** It has served a stream before. */
  isReused = false
  readonly #upstream: Http2Upstream
  #waiting: Http2Stream[] = []
  #socket: Socket | undefined
  #http2: ClientHttp2Session | undefined
  #sent = 0
  #max = STREAMS_ASSUMED
  #isReady = false
  #isLeaving = false
  #isClosed = false
  /** Streams above it were not processed, as the endpoint said when it went. */
  #lastStreamId = Number.POSITIVE_INFINITY
  #failure: Error | undefined
  #bytesSeen = 0
  #seenAtMs = 0
  /** Something was asked since bytes were last seen. */
  #isAsking = false
  /** When it was asked whether it is still there; 0: it was not, or has answered. */
  #probedAtMs = 0

  constructor(upstream: Http2Upstream, dialer: Dialer, timeoutMs: number, diesAtMs: number) {
    this.#upstream = upstream
    this.diesAtMs = diesAtMs
    dialer.dial((error, socket) => {
      if (error !== null || socket === null || this.#isClosed) {
        socket?.destroy()
        this.#close(error ?? new UpstreamError('closed', 'The connection was given up'))
      } else {
        this.#begin(socket, timeoutMs)
      }
    })
  }

  get hasRoom(): boolean {
    return this.taken < this.#max
  }

  /** It has kept silent, and was asked whether it is still there: others are better. */
  get isDoubted(): boolean {
    return this.#probedAtMs !== 0
  }

  /** Bytes that have come on it. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0
  }

  /** Sends a stream, now or when its turn comes. */
  admit(stream: Http2Stream): void {
    if (this.#isClosed) stream.fail(this.#failure as Error)
    else if (this.#isReady && this.#sent < this.#max && this.#http2 !== undefined) this.#send(stream, this.#http2)
    else this.#waiting.push(stream)
  }

  /** A stream of it is over. */
  settle(stream: Http2Stream, wasSent: boolean): void {
    this.taken--
    if (wasSent) {
      this.#sent--
      this.isReused = true
    } else {
      const at = this.#waiting.indexOf(stream)
      if (at >= 0) this.#waiting.splice(at, 1)
    }
    if (this.taken === 0) {
      this.idleSinceMs = performance.now()
      if (this.#isLeaving) this.#end()
    } else if (this.#isReady) {
      this.#sendWaiting()
    }
  }

  /** Whether the endpoint has said that it did not begin with the stream of this id. */
  hasNotProcessed(id: number | undefined): boolean {
    return id === undefined || id > this.#lastStreamId
  }

  /** Takes nothing more, and closes when what it has is over. */
  leave(): void {
    this.#isLeaving = true
    if (this.taken === 0) this.#end()
  }

  destroy(): void {
    this.#close(new UpstreamError('closed', 'The connection was given up'))
  }

  /** Asks whether the other side is there when nothing came for long though something was asked. */
  probe(nowMs: number): void {
    const bytes = this.bytesRead
    if (bytes !== this.#bytesSeen || !this.#isReady || !this.#isAsking) {
      this.#bytesSeen = bytes
      this.#seenAtMs = nowMs
      this.#probedAtMs = 0
      this.#isAsking = this.#sent > 0
    } else if (this.#probedAtMs !== 0) {
      if (nowMs - this.#probedAtMs > PONG_MS)
        this.#close(new UpstreamError('closed', 'The endpoint did not answer a ping'))
    } else if (nowMs - this.#seenAtMs > QUIET_MS) {
      this.#ping(nowMs)
    }
  }

  /**
   * A request on it had no answer in its time. Where nothing else came either since there were `bytes`, the connection may be dead
   * without our knowing (a router forgot it, the other side went without a word): it is asked at once, and avoided meanwhile.
   */
  doubt(bytes: number): void {
    if (this.#isClosed || !this.#isReady || this.isDoubted || this.bytesRead !== bytes) return
    this.#bytesSeen = bytes
    this.#isAsking = true
    this.#ping(performance.now())
  }

  #ping(nowMs: number): void {
    this.#probedAtMs = nowMs
    this.#http2?.ping(error => {
      if (error === null) this.#probedAtMs = 0
    })
  }

  #begin(socket: Socket, timeoutMs: number): void {
    this.#socket = socket
    const http2 = connect(this.#upstream.endpoint.url, {
      createConnection: () => socket,
      peerMaxConcurrentStreams: STREAMS_ASSUMED,
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    })
    this.#http2 = http2
    const timer =
      timeoutMs > 0
        ? setTimeout(
            () => this.#close(new UpstreamError('connect-timeout', 'No HTTP/2 settings came in time')),
            timeoutMs,
          )
        : undefined
    http2.on('remoteSettings', ({ maxConcurrentStreams = STREAMS_MAX }) => {
      clearTimeout(timer)
      this.#max = Math.min(maxConcurrentStreams, STREAMS_MAX)
      this.#isReady = true
      this.#seenAtMs = performance.now()
      this.#sendWaiting()
      this.#moveWaiting()
    })
    http2.on('goaway', (code, lastStreamId) => {
      this.#lastStreamId = lastStreamId
      if (code !== 0) this.#failure ??= new UpstreamError('closed', `The endpoint went with code ${code}`)
      for (const stream of this.#waiting.splice(0)) stream.fail(notProcessed())
      this.#upstream.leave(this)
    })
    http2.on('error', error => {
      this.#failure ??= error
    })
    http2.on('close', () => {
      clearTimeout(timer)
      this.#close(this.#failure ?? new UpstreamError('closed', 'The endpoint closed the connection'))
    })
  }

  #send(stream: Http2Stream, http2: ClientHttp2Session): void {
    this.#sent++
    this.#isAsking = true
    stream.open(http2)
  }

  #sendWaiting(): void {
    while (this.#waiting.length > 0 && this.#sent < this.#max && this.#http2 !== undefined) {
      this.#send(this.#waiting.shift() as Http2Stream, this.#http2)
    }
  }

  /** What is more than this session takes goes elsewhere where it can, once; else it waits here. */
  #moveWaiting(): void {
    while (this.taken > this.#max && this.#waiting.at(-1)?.hasMoved === false) {
      const session = this.#upstream.elsewhere()
      if (session === undefined || session === this) return
      const stream = this.#waiting.pop() as Http2Stream
      this.taken--
      session.taken++
      stream.move(session)
    }
  }

  #end(): void {
    if (this.#http2 === undefined) this.#close(new UpstreamError('closed', 'The connection was given up'))
    else if (!this.#http2.closed) this.#http2.close()
  }

  #close(error: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#failure = error
    this.#http2?.destroy()
    this.#socket?.destroy()
    this.#upstream.onClosed(this)
    for (const stream of this.#waiting.splice(0)) stream.fail(error)
  }

  /** Why it closed; undefined while it has not. */
  get failure(): Error | undefined {
    return this.#failure
  }
}

export function notProcessed(): UpstreamError {
  return new UpstreamError('not-processed', 'The endpoint has not begun with the request')
}
