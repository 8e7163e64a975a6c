import { Client, type Dispatcher } from 'undici'
import type { Dice } from '../../policies/dice.ts'
import type { Endpoint } from '../../router/endpoint.ts'
import { Dialer, type OnDialed } from '../../upstream/dialer.ts'
import type { Dispatching, Link, Taker, Upstream } from './link.ts'
import { type Spare, Spares } from './spares.ts'
import { lifeMs, type Supply } from './supply.ts'

/** Largest response header taken, in bytes. */
const RESPONSE_HEADER_BYTES = 64 * 1024

/** So much earlier than the endpoint would do it an idle connection is closed, in ms: a request may be on its way meanwhile. */
const KEEP_ALIVE_MARGIN_MS = 2000

/**
 * HTTP/1.1 to one endpoint: one undici client for each connection, and one request at a time on each.
 *
 *   take ──▶ request ──▶ whole response ──▶ release         the one used last is used next: few stay warm, the rest grow cold
 *     │             └──▶ anything else  ──▶ drop            what state it is in is not worth finding out
 *     └─ free, spare, or new
 *
 * There are as many as there are requests in flight: how many an endpoint gets is the router's decision, and a queue here
 * would hide from it what is going on. undici's Pool does the same with a scan and two events a request.
 */
export class Http1Upstream implements Upstream {
  readonly endpoint: Endpoint
  readonly supply: Supply
  readonly dialer: Dialer
  readonly options: Client.Options
  /** undici takes the name for SNI from the Host of each request and reconnects when it changes; so TLS is our dialer's matter alone. */
  readonly plainUrl: string
  readonly maxAge: number
  readonly roll: Dice
  readonly #maxIdle: number
  readonly #router: Supply['router']
  readonly #free: Http1Link[] = []
  readonly #busy = new Set<Http1Link>()
  readonly #spares: Spares
  #isRetired = false

  constructor(endpoint: Endpoint, supply: Supply, roll: Dice) {
    const { timeouts, router, tls, connections } = supply
    this.endpoint = endpoint
    this.supply = supply
    this.plainUrl = endpoint.url.replace(/^https:/, 'http:')
    this.dialer = new Dialer({ url: endpoint.url, tls, isHttp2: false, timeoutMs: timeouts.connect })
    this.maxAge = connections.maxAge
    this.roll = roll
    this.#maxIdle = connections.maxIdle
    this.#router = router
    this.#spares = new Spares(this.dialer, router, connections, roll)
    this.options = {
      pipelining: 1,
      headersTimeout: timeouts.firstByte,
      bodyTimeout: timeouts.idle,
      keepAliveTimeout: connections.keepAlive,
      // What an endpoint says of its own patience (Keep-Alive: timeout) can shorten ours, less a margin, and not make it longer.
      keepAliveMaxTimeout: connections.keepAlive,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      maxHeaderSize: RESPONSE_HEADER_BYTES,
      allowH2: false,
      strictContentLength: true,
    }
  }

  take(taker: Taker, mustBeNew: boolean): Http1Link | undefined {
    const link = (mustBeNew ? undefined : this.#takeFree()) ?? this.#takeNew(mustBeNew)
    if (link === undefined) return undefined
    link.taker = taker
    this.#busy.add(link)
    return link
  }

  #takeFree(): Http1Link | undefined {
    for (;;) {
      const link = this.#free.pop()
      if (link === undefined || this.maxAge === 0 || !link.isOld) return link
      this.end(link)
    }
  }

  #takeNew(mustBeNew: boolean): Http1Link | undefined {
    const spare = mustBeNew ? undefined : this.#spares.take()
    if (spare !== undefined) return new Http1Link(this, spare)
    if (this.#router.tryConnect()) return new Http1Link(this, undefined)
    // One that was idle stands where the new one may.
    const idle = this.#free.shift()
    if (idle === undefined) return undefined
    this.end(idle)
    return this.#router.tryConnect() ? new Http1Link(this, undefined) : undefined
  }

  giveBack(link: Http1Link): void {
    this.#busy.delete(link)
    const isFull = this.#maxIdle > 0 && this.#free.length >= this.#maxIdle
    if (this.#isRetired || isFull || (this.maxAge > 0 && link.isOld)) this.end(link)
    else this.#free.push(link)
  }

  discard(link: Http1Link): void {
    if (!this.#busy.delete(link)) return
    // Not now: undici may be in the middle of telling us so.
    setImmediate(() => this.end(link))
  }

  get isBusy(): boolean {
    return this.#busy.size > 0
  }

  get waitsSince(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const { taker } of this.#busy) {
      const since = taker?.waitsSince ?? oldest
      if (since < oldest) oldest = since
    }
    return oldest
  }

  rescue(): void {
    for (const link of this.#busy) link.taker?.rescue()
  }

  warm(): void {
    if (!this.#isRetired) this.#spares.open(this.#busy.size + this.#free.length)
  }

  sweep(): void {
    const free = this.#free
    let kept = 0
    for (const link of free) {
      if (link.client.stats.connected) free[kept++] = link
      else this.end(link)
    }
    free.length = kept
  }

  retire(): void {
    this.#isRetired = true
    this.#spares.close()
    for (const link of this.#free.splice(0)) this.end(link)
  }

  destroy(): void {
    this.retire()
    for (const link of this.#busy) this.end(link)
    this.#busy.clear()
  }

  end({ client }: Http1Link): void {
    this.#router.endConnection()
    client.destroy().catch(() => {})
  }
}

/** One connection, and again when it was closed in between. */
class Http1Link implements Link {
  readonly client: Client
  taker: Taker | undefined
  isReused: boolean
  readonly #upstream: Http1Upstream
  #spare: Spare | undefined
  #diesAtMs = 0

  constructor(upstream: Http1Upstream, spare: Spare | undefined) {
    this.#upstream = upstream
    this.#spare = spare
    this.isReused = false
    this.client = new Client(upstream.plainUrl, {
      ...upstream.options,
      connect: (_options, onDialed) => this.#connect(onDialed as OnDialed),
    })
  }

  /** It takes no further request. */
  get isOld(): boolean {
    return performance.now() >= this.#diesAtMs
  }

  dispatch(sending: Dispatching, taker: Taker): void {
    this.client.dispatch(
      sending as unknown as Dispatcher.DispatchOptions,
      taker as unknown as Dispatcher.DispatchHandler,
    )
  }

  release(): void {
    this.taker = undefined
    this.isReused = true
    this.#upstream.giveBack(this)
  }

  drop(): void {
    this.#upstream.discard(this)
  }

  #connect(onDialed: OnDialed): void {
    const spare = this.#spare
    this.#spare = undefined
    this.isReused = spare !== undefined
    const { dialer, maxAge, roll } = this.#upstream
    if (maxAge > 0) this.#diesAtMs = lifeMs(maxAge, roll) + (spare?.bornAtMs ?? performance.now())
    // Never within the call, where undici would not notice that it can write.
    if (spare === undefined) dialer.dial(onDialed)
    else queueMicrotask(() => onDialed(null, spare.handOver()))
  }
}
