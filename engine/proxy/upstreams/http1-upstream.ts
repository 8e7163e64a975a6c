import type { Dice } from '../../policies/dice.ts'
import type { Endpoint } from '../../router/endpoint.ts'
import { Dialer } from '../../upstream/dialer.ts'
import { Http1Connection } from './http1-connection.ts'
import type { Taker, Upstream } from './link.ts'
import { Spares } from './spares.ts'
import type { Supply } from './supply.ts'

/**
 * HTTP/1.1 to one endpoint: connections, and one request at a time on each.
 *
 *   take ──▶ request ──▶ whole response ──▶ release         the one used last is used next: few stay warm, the rest grow cold
 *     │             └──▶ anything else  ──▶ drop            what state it is in is not worth finding out
 *     └─ free, or new                          └─▶ a request that waits for a new one to stand takes this one instead
 *
 * There are as many as there are requests in flight: how many an endpoint gets is the router's decision, and a queue here
 * would hide from it what is going on.
 *
 * The protocol is spoken by ourselves, and not by a client of a library: the head of an answer is looked at once, and nothing stands
 * between the bytes that come and those that go.
 */
export class Http1Upstream implements Upstream {
  readonly endpoint: Endpoint
  readonly supply: Supply
  readonly dialer: Dialer
  /** What Host says where the request does not. */
  readonly host: string
  readonly roll: Dice
  readonly #free: Http1Connection[] = []
  readonly #busy = new Set<Http1Connection>()
  /** Those that do not stand yet, and for which a request waits that may go out on any; the oldest first. */
  readonly #waiting: Http1Connection[] = []
  readonly #spares: Spares
  #isRetired = false

  constructor(endpoint: Endpoint, supply: Supply, roll: Dice) {
    const { timeouts, tls, connections } = supply
    this.endpoint = endpoint
    this.supply = supply
    this.host = new URL(endpoint.url).host
    this.dialer = new Dialer({ url: endpoint.url, tls, isHttp2: false, timeoutMs: timeouts.connect })
    this.roll = roll
    this.#spares = new Spares(() => this.#openSpare(), connections.warm, roll)
  }

  take(taker: Taker, mustBeNew: boolean): Http1Connection | undefined {
    const connection = (mustBeNew ? undefined : this.#takeFree()) ?? this.#takeNew()
    if (connection === undefined) return undefined
    connection.taker = taker
    connection.mayMove = !mustBeNew
    this.#busy.add(connection)
    return connection
  }

  #takeFree(): Http1Connection | undefined {
    for (;;) {
      const connection = this.#free.pop()
      if (connection?.isOld !== true) return connection
      connection.end()
    }
  }

  #takeNew(): Http1Connection | undefined {
    const { router } = this.supply
    if (router.tryConnect()) return new Http1Connection(this)
    // One that was idle stands where the new one may.
    const idle = this.#free.shift()
    if (idle === undefined) return undefined
    idle.end()
    return router.tryConnect() ? new Http1Connection(this) : undefined
  }

  giveBack(connection: Http1Connection): void {
    const isGood = !this.#isRetired && connection.mayGoOn && !connection.isOld
    const waiting = isGood ? this.#waiting.shift() : undefined
    if (waiting !== undefined) {
      this.#busy.delete(waiting)
      waiting.moveTo(connection)
      return
    }
    this.#busy.delete(connection)
    if (isGood && this.#keepsOneMore) {
      connection.rest()
      this.#free.push(connection)
    } else {
      connection.end()
    }
  }

  get #keepsOneMore(): boolean {
    const { maxIdle } = this.supply.connections
    return !this.#isRetired && (maxIdle === 0 || this.#free.length < maxIdle)
  }

  /** One that nobody has used stands. It is the first to grow cold. */
  takeIn(connection: Http1Connection): void {
    if (this.#keepsOneMore) {
      connection.rest()
      this.#free.unshift(connection)
    } else {
      connection.end()
    }
  }

  discard(connection: Http1Connection): void {
    this.#busy.delete(connection)
    this.onDialed(connection)
    connection.end()
  }

  /** A request waits for this one to stand. */
  onWaiting(connection: Http1Connection): void {
    if (connection.mayMove) this.#waiting.push(connection)
  }

  /** It waits no more. */
  onDialed(connection: Http1Connection): void {
    const at = this.#waiting.indexOf(connection)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  /** One that nobody used has closed. */
  onClosed(connection: Http1Connection): void {
    const at = this.#free.indexOf(connection)
    if (at < 0) return
    this.#free.splice(at, 1)
    connection.end()
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
    for (const { taker } of this.#busy) taker?.rescue()
  }

  warm(): void {
    if (!this.#isRetired) this.#spares.open(this.#busy.size + this.#free.length)
  }

  #openSpare(): Promise<void> | undefined {
    if (!this.supply.router.tryConnect()) return undefined
    const spare = new Http1Connection(this)
    return new Promise(resolve => spare.open(resolve))
  }

  sweep(): void {
    if (this.supply.connections.maxAge === 0) return
    for (const connection of this.#free.filter(({ isOld }) => isOld)) this.onClosed(connection)
  }

  retire(): void {
    this.#isRetired = true
    this.#spares.close()
    for (const connection of this.#free.splice(0)) connection.end()
  }

  destroy(): void {
    this.retire()
    this.#waiting.length = 0
    for (const connection of this.#busy) connection.end()
    this.#busy.clear()
  }
}
