import type { Endpoint } from '../../router/endpoint.ts'
import type { Sending } from '../request/exchange.ts'
import type { BodyReader } from '../request/request-body.ts'
import type { Supply } from './supply.ts'

/** What a link is handed: what is sent, with a reader of the body that is this try's own. */
export interface Dispatching extends Omit<Sending, 'body'> {
  readonly body: BodyReader | null
}

/** Who sends a request over a link, and is told what comes of it: in undici's lean style, raw header arrays, no stream. */
export interface Taker {
  /** When it began to wait for a response head, on the clock of performance.now; infinity when it does not, or no more. */
  readonly waitsSince: number
  /** The endpoint was taken out, and may never answer. */
  rescue(): void
  /** The connection stands, the request goes out now. */
  onConnect(abort: () => void): void
  /** The first byte of a response. */
  onResponseStarted?(): void
  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean
  /** False asks for a pause. */
  onData(chunk: Buffer): boolean
  onComplete(trailers: Buffer[]): void
  onError(error: unknown): void
}

/**
 * The way of one request to its endpoint: an HTTP/1.1 connection that is its alone for the time, or a stream of an HTTP/2
 * connection.
 */
export interface Link {
  /** The connection was idle before, so that it may have been closed by the other side without our knowing. */
  readonly isReused: boolean
  dispatch(sending: Dispatching, taker: Taker): void
  /** Request and response are over, and both were whole. */
  release(): void
  /** Given up, or failed. */
  drop(): void
}

/** The connections of one thread to one endpoint. */
export interface Upstream {
  readonly endpoint: Endpoint
  readonly supply: Supply
  /** Requests are under way. */
  readonly isBusy: boolean
  /** A link for one request; on a new connection where `mustBeNew`. Undefined: the service may have no more connections. */
  take(taker: Taker, mustBeNew: boolean): Link | undefined
  /** When the oldest request that is still without an answer began to wait, on the clock of performance.now; infinity: none is. */
  readonly waitsSince: number
  /** What waits here for an answer is asked elsewhere too: the endpoint was taken out meanwhile, and may never answer. */
  rescue(): void
  /** Opens what is to be open before it is needed. */
  warm(): void
  /** Lets go of connections that have closed or are not needed. */
  sweep(): void
  /** The endpoint has left: what is in flight ends, nothing is kept. */
  retire(): void
  /** Ends all connections at once. */
  destroy(): void
}
