import type { Dice } from '../../policies/dice.ts'
import type { Endpoint } from '../../router/endpoint.ts'
import { Dialer } from '../../upstream/dialer.ts'
import { Http2Session } from './http2-session.ts'
import { Http2Stream } from './http2-stream.ts'
import type { Taker, Upstream } from './link.ts'
import { lifeMs, type Supply } from './supply.ts'

/**
 * HTTP/2 to one endpoint: requests share connections, each as a stream of one of them.
 *
 *   take ──▶ the session with the fewest streams that has room ──▶ stream ──▶ release | drop
 *                 └─ none: one more session, as long as the service may have connections
 *
 * node:http2 and not undici's client, because that lets a request with a body wait until it has a connection alone, closes
 * the connection with all that is on it when the endpoint announces that it is going (GOAWAY), and hands trailers over in another form.
 */
export class Http2Upstream implements Upstream {
  readonly endpoint: Endpoint
  readonly supply: Supply
  readonly #dialer: Dialer
  readonly #roll: Dice
  /** That take requests. */
  readonly #open: Http2Session[] = []
  /** That finish what they have. */
  readonly #leaving = new Set<Http2Session>()
  readonly #busy = new Set<Http2Stream>()
  #isRetired = false

  constructor(endpoint: Endpoint, supply: Supply, roll: Dice) {
    this.endpoint = endpoint
    this.supply = supply
    this.#roll = roll
    const { tls, timeouts } = supply
    this.#dialer = new Dialer({ url: endpoint.url, tls, isHttp2: true, timeoutMs: timeouts.connect })
  }

  take(taker: Taker, mustBeNew: boolean): Http2Stream | undefined {
    const session = (mustBeNew ? this.#fresh() : this.#roomiest()) ?? this.#begin() ?? this.#any()
    if (session === undefined) return undefined
    const stream = new Http2Stream(this, session, taker, this.supply.timeouts)
    session.taken++
    this.#busy.add(stream)
    return stream
  }

  #roomiest(): Http2Session | undefined {
    let best: Http2Session | undefined
    const nowMs = this.supply.connections.maxAge > 0 ? performance.now() : 0
    for (const session of [...this.#open]) {
      if (nowMs > session.diesAtMs) this.leave(session)
      else if (session.hasRoom && !session.isDoubted && (best === undefined || session.taken < best.taken))
        best = session
    }
    return best
  }

  /** One that nothing was sent on yet: it cannot have been closed for being idle. */
  #fresh(): Http2Session | undefined {
    return this.#open.find(session => session.hasRoom && !session.isReused && !session.isDoubted)
  }

  /** Where no further one may be opened. */
  #any(): Http2Session | undefined {
    return this.#roomiest() ?? this.#open.find(session => session.hasRoom)
  }

  #begin(): Http2Session | undefined {
    if (this.#isRetired || !this.supply.router.tryConnect()) return undefined
    const { timeouts, connections } = this.supply
    const { maxAge } = connections
    const diesAtMs = maxAge > 0 ? performance.now() + lifeMs(maxAge, this.#roll) : Number.POSITIVE_INFINITY
    const session = new Http2Session(this, this.#dialer, timeouts.connect, diesAtMs)
    this.#open.push(session)
    return session
  }

  /** This stream is over. */
  end(stream: Http2Stream): boolean {
    return this.#busy.delete(stream)
  }

  /** A request waits at a session that turned out to take fewer than it was thought to: another one for it. */
  elsewhere(): Http2Session | undefined {
    return this.#roomiest() ?? this.#begin()
  }

  /** This session takes no further request. */
  leave(session: Http2Session): void {
    const at = this.#open.indexOf(session)
    if (at < 0) return
    this.#open.splice(at, 1)
    this.#leaving.add(session)
    session.leave()
  }

  /** This session has closed. */
  onClosed(session: Http2Session): void {
    const at = this.#open.indexOf(session)
    if (at >= 0) this.#open.splice(at, 1)
    this.#leaving.delete(session)
    this.supply.router.endConnection()
  }

  get isBusy(): boolean {
    return this.#busy.size > 0
  }

  get waitsSince(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const { taker } of this.#busy) {
      const since = taker.waitsSince
      if (since < oldest) oldest = since
    }
    return oldest
  }

  rescue(): void {
    for (const stream of this.#busy) stream.taker.rescue()
  }

  warm(): void {
    // One at a time: the sweep that asks for it spreads them.
    if (this.#open.length < this.supply.connections.warm) this.#begin()
  }

  sweep(): void {
    const nowMs = performance.now()
    const { keepAlive, warm } = this.supply.connections
    for (const session of [...this.#open]) {
      const isIdle = session.taken === 0 && nowMs - session.idleSinceMs > keepAlive
      if (nowMs > session.diesAtMs || (isIdle && this.#open.length > warm)) this.leave(session)
      else session.probe(nowMs)
    }
    for (const session of this.#leaving) session.probe(nowMs)
  }

  retire(): void {
    this.#isRetired = true
    for (const session of [...this.#open]) this.leave(session)
  }

  destroy(): void {
    this.retire()
    for (const session of [...this.#leaving]) session.destroy()
  }
}
