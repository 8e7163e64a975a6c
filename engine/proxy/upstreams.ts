import { buildConnector, Client } from 'undici'
import { isSame } from '../config/changes.ts'
import type { Config } from '../config/schema.ts'
import { QUARANTINED, SOFT_BARS, TRIPPED } from '../memory/bars.ts'
import type { Attachment } from '../router/attachment.ts'
import type { Endpoint } from '../router/endpoint.ts'
import type { Router } from '../router/router.ts'

/** What connections to a service's endpoints need to know of it. */
export interface Supply {
  readonly service: string
  readonly timeouts: Config['services'][string]['timeouts']
  /** Counts connections, and says when there are too many. */
  readonly router: Pick<Router, 'tryConnect' | 'endConnection'>
}

/** Who has taken a connection. */
export interface Taker {
  /** When it began to wait for a response head, on the clock of performance.now; infinity when it does not, or no more. */
  readonly waitsSince: number
  /** The endpoint was taken out, and may never answer. */
  rescue(): void
}

/** Bars that say an endpoint may not answer. A drained one finishes what it has. */
const IN_DOUBT = SOFT_BARS | TRIPPED | QUARANTINED

/** Idle connections are closed after this, in ms: before the 5 s after which a Node server closes them from its side. */
const KEEP_ALIVE_MS = 4000

/** Largest response header taken, in bytes. */
const RESPONSE_HEADER_BYTES = 64 * 1024

/**
 * The connections of one thread to one endpoint, one undici client each, and one request at a time on each.
 *
 *   take ──▶ request ──▶ whole response ──▶ giveBack        the one used last is used next: few stay warm, the rest grow cold
 *                   └──▶ anything else  ──▶ discard         what state it is in is not worth finding out
 *
 * There are as many as there are requests in flight: how many an endpoint gets is the router's decision, and a queue here
 * would hide from it what is going on. undici's Pool does the same with a scan and two events a request.
 */
export class Upstream {
  readonly endpoint: Endpoint
  readonly supply: Supply
  readonly #options: Client.Options
  readonly #router: Supply['router']
  readonly #free: Client[] = []
  readonly #busy = new Map<Client, Taker>()
  #isRetired = false

  constructor(endpoint: Endpoint, supply: Supply) {
    const { timeouts, router } = supply
    this.endpoint = endpoint
    this.supply = supply
    this.#router = router
    this.#options = {
      connect: buildConnector({ timeout: timeouts.connect }),
      pipelining: 1,
      headersTimeout: timeouts.firstByte,
      bodyTimeout: timeouts.idle,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: RESPONSE_HEADER_BYTES,
      allowH2: false,
      strictContentLength: true,
    }
  }

  /** A connection nobody uses; connects with its first request. Undefined: the service may have no more of them. */
  take(taker: Taker): Client | undefined {
    let client = this.#free.pop()
    if (client === undefined) {
      if (!this.#router.tryConnect()) return undefined
      client = new Client(this.endpoint.url, this.#options)
    }
    this.#busy.set(client, taker)
    return client
  }

  get isBusy(): boolean {
    return this.#busy.size > 0
  }

  /** Its response has come whole. */
  giveBack(client: Client): void {
    this.#busy.delete(client)
    if (this.#isRetired) this.#drop(client)
    else this.#free.push(client)
  }

  /** Its request was given up or has failed. */
  discard(client: Client): void {
    this.#busy.delete(client)
    // Not now: undici may be in the middle of telling us so.
    setImmediate(() => this.#drop(client))
  }

  /** When the oldest request that is still without an answer began to wait, on the clock of performance.now; infinity: none is. */
  get waitsSince(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const { waitsSince } of this.#busy.values()) if (waitsSince < oldest) oldest = waitsSince
    return oldest
  }

  /** What waits here for an answer is asked elsewhere too: the endpoint was taken out meanwhile, and may never answer. */
  rescue(): void {
    for (const taker of this.#busy.values()) taker.rescue()
  }

  /** Lets go of clients whose connection has been closed for being idle. */
  sweep(): void {
    const free = this.#free
    let kept = 0
    for (const client of free) {
      if (client.stats.connected) free[kept++] = client
      else this.#drop(client)
    }
    free.length = kept
  }

  /** The endpoint has left: what is in flight ends, nothing is kept. */
  retire(): void {
    this.#isRetired = true
    for (const client of this.#free.splice(0)) this.#drop(client)
  }

  /** Ends all connections at once. */
  destroy(): void {
    this.retire()
    for (const client of this.#busy.keys()) this.#drop(client)
    this.#busy.clear()
  }

  #drop(client: Client): void {
    this.#router.endConnection()
    client.destroy().catch(() => {})
  }
}

/** The upstreams of one thread. One belongs to a tenancy of a row: the endpoint object is the same as long as that lasts. */
export class Upstreams {
  readonly #byRow: (Upstream | undefined)[] = []
  readonly #attachment: Attachment
  /** By service, as the newest config says. */
  #supplies: ReadonlyMap<string, Supply> = new Map()
  /** Replaced, and still with requests in flight. */
  readonly #leaving = new Set<Upstream>()
  #seen = 0

  constructor(attachment: Attachment) {
    this.#attachment = attachment
  }

  /**
   * Further connections are made as these say. Those of a service that is supplied otherwise than before are given up when they
   * are free; all others stay.
   */
  adopt(supplies: ReadonlyMap<string, Supply>): void {
    this.#supplies = supplies
    this.#byRow.forEach((upstream, row) => {
      const next = upstream && supplies.get(upstream.supply.service)
      if (next === undefined || isSame(next.timeouts, upstream?.supply.timeouts)) return
      this.#byRow[row] = undefined
      this.#attachment.tally.setWaiting(row, undefined)
      if (upstream === undefined) return
      upstream.retire()
      this.#leaving.add(upstream)
    })
  }

  of(endpoint: Endpoint, supply: Supply): Upstream {
    const known = this.#byRow[endpoint.row]
    if (known !== undefined && known.endpoint === endpoint) return known
    known?.retire()
    // A request that began by an older config must not bring back its settings for all that come after it.
    const newest = this.#supplies.get(supply.service) ?? supply
    return (this.#byRow[endpoint.row] = new Upstream(endpoint, newest))
  }

  /** Retires the upstreams of endpoints that have left, and lets go of idle clients. */
  sweep(): void {
    const pinned = this.#attachment.catchUp()
    if (pinned !== this.#seen) {
      this.#seen = pinned
      this.#retireLeft()
    }
    for (const upstream of this.#byRow) upstream?.sweep()
    for (const upstream of this.#leaving) if (!upstream.isBusy) this.#leaving.delete(upstream)
  }

  /** Tells all who read the tables how long each endpoint has kept a request waiting. `isLate`: nobody can say, we were busy. */
  tellWaiting(nowMs: number, isLate: boolean): void {
    const { tally } = this.#attachment
    const now = performance.now()
    this.#byRow.forEach((upstream, row) => {
      if (upstream === undefined) return
      const since = upstream.waitsSince
      const isTold = since < now && !isLate
      tally.setWaiting(row, isTold ? nowMs - Math.round(now - since) : undefined)
    })
  }

  /** Does so at every endpoint that is barred now, by its failures or its silence. */
  rescue(): void {
    const { endpoints } = this.#attachment
    this.#byRow.forEach((upstream, row) => {
      if (upstream !== undefined && (endpoints.bars(row) & IN_DOUBT) !== 0) upstream.rescue()
    })
    for (const upstream of this.#leaving) {
      if ((endpoints.bars(upstream.endpoint.row) & IN_DOUBT) !== 0) upstream.rescue()
    }
  }

  destroy(): void {
    for (const upstream of this.#byRow.splice(0)) upstream?.destroy()
    for (const upstream of this.#leaving) upstream.destroy()
  }

  #retireLeft(): void {
    const listed = new Set(this.#attachment.serviceTexts().flatMap(({ rows }) => rows))
    this.#byRow.forEach((upstream, row) => {
      if (upstream === undefined) return
      if (listed.has(row) && this.#attachment.endpoint(row) === upstream.endpoint) return
      this.#byRow[row] = undefined
      this.#attachment.tally.setWaiting(row, undefined)
      upstream.retire()
    })
  }
}
