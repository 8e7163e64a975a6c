import type { Socket } from 'node:net'
import type { Endpoint } from '../../router/endpoint.ts'
import type { Sending } from '../request/exchange.ts'
import type { BodyReader } from '../request/request-body.ts'
import type { Supply } from './supply.ts'

/** What a link is handed: what is sent, with a reader of the body that is this try's own. */
export interface Dispatching extends Omit<Sending, 'body'> {
  readonly body: BodyReader | null
}

/** Who sends a request over a link, and is told what comes of it. Fields are raw arrays [name, value, name, value, …]. */
export interface Taker {
  /** When it began to wait for a response head, on the clock of performance.now; infinity when it does not, or no more. */
  readonly waitsSince: number
  /** The endpoint was taken out, and may never answer. */
  rescue(): void
  /** Another link was there sooner than the one it was handed to. */
  onMoved(link: Link): void
  /** The connection stands, the request goes out now. */
  onSent(): void
  /** A head; with a status below 200 another one follows. `text` is what stands behind the status. */
  onHead(status: number, fields: string[], text: string): void
  /** The endpoint goes on in the protocol that was asked for; the socket is the taker's. */
  onUpgrade(fields: string[], socket: Socket): void
  /** A piece of the body, valid during the call alone. False asks for a pause. */
  onPiece(piece: Buffer): boolean
  onWhole(trailers: string[]): void
  /** It has failed; nothing more is told. */
  onBroken(error: unknown): void
}

/**
 * The way of one request to its endpoint: an HTTP/1.1 connection that is its alone for the time, or a stream of an HTTP/2
 * connection.
 */
export interface Link {
  /** The connection was idle before, so that it may have been closed by the other side without our knowing. */
  readonly isReused: boolean
  /** Something of an answer has come. */
  readonly isBegun: boolean
  /** Tells nothing within the call. */
  dispatch(sending: Dispatching, taker: Taker): void
  /** Goes on with a body that was paused. */
  resume(): void
  /** Request and response are over, and both were whole. */
  release(): void
  /** Given up, or failed: the endpoint is told that nobody waits for the answer, and nothing more is told here. */
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
