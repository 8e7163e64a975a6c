import { ISOLATED, QUARANTINED, SOFT_BARS, TRIPPED } from '../../memory/bars.ts'
import type { Dice } from '../../policies/dice.ts'
import type { Attachment } from '../../router/attachment.ts'
import type { Endpoint } from '../../router/endpoint.ts'
import { Http1Upstream } from './http1-upstream.ts'
import { Http2Upstream } from './http2-upstream.ts'
import type { Upstream } from './link.ts'
import { isSameSupply, type Supply } from './supply.ts'

/** Bars that say an endpoint may not answer. A drained one finishes what it has. */
const IN_DOUBT = SOFT_BARS | TRIPPED | QUARANTINED | ISOLATED

/** The upstreams of one thread. One belongs to a tenancy of a row: the endpoint object is the same as long as that lasts. */
export class Upstreams {
  readonly #byRow: (Upstream | undefined)[] = []
  readonly #attachment: Attachment
  readonly #roll: Dice
  /** By service, as the newest config says. */
  #supplies: ReadonlyMap<string, Supply> = new Map()
  /** Some of them want connections that are opened before they are needed. */
  #hasWarm = false
  /** Replaced or left, and still with requests in flight: as long as those last, the row is theirs. */
  readonly #leaving = new Set<Upstream>()
  #seen = 0

  constructor(attachment: Attachment, roll: Dice) {
    this.#attachment = attachment
    this.#roll = roll
  }

  /**
   * Further connections are made as these say. Those of a service that is supplied otherwise than before are given up when they
   * are free; all others stay.
   */
  adopt(supplies: ReadonlyMap<string, Supply>): void {
    this.#supplies = supplies
    this.#hasWarm = [...supplies.values()].some(({ connections }) => connections.warm > 0)
    this.#byRow.forEach((upstream, row) => {
      const next = upstream && supplies.get(upstream.supply.service)
      if (upstream === undefined || next === undefined || isSameSupply(next, upstream.supply)) return
      this.#byRow[row] = undefined
      this.#retire(upstream)
    })
    if (this.#hasWarm) this.sweep()
  }

  of(endpoint: Endpoint, supply: Supply): Upstream {
    const known = this.#byRow[endpoint.row]
    if (known !== undefined && known.endpoint === endpoint) return known
    if (known !== undefined) this.#retire(known)
    // A request that began by an older config must not bring back its settings for all that come after it.
    const newest = this.#supplies.get(supply.service) ?? supply
    const upstream =
      newest.protocol === 'http2'
        ? new Http2Upstream(endpoint, newest, this.#roll)
        : new Http1Upstream(endpoint, newest, this.#roll)
    return (this.#byRow[endpoint.row] = upstream)
  }

  /** Retires the upstreams of endpoints that have left, lets go of idle connections, and opens what is to be open. */
  sweep(): void {
    const pinned = this.#attachment.catchUp()
    if (pinned !== this.#seen) {
      this.#seen = pinned
      this.#retireLeft()
    }
    for (const upstream of this.#byRow) upstream?.sweep()
    for (const upstream of this.#leaving) {
      upstream.sweep()
      if (upstream.isBusy) continue
      this.#leaving.delete(upstream)
      this.#attachment.tally.setWaiting(upstream.endpoint.row, undefined)
    }
    if (this.#hasWarm) this.#openWarm()
  }

  /** Tells all who read the tables how long each endpoint has kept a request waiting. `isLate`: nobody can say, we were busy. */
  tellWaiting(nowMs: number, isLate: boolean): void {
    const { tally } = this.#attachment
    const now = performance.now()
    const tell = (row: number, since: number): void => {
      const isTold = since < now && !isLate
      tally.setWaiting(row, isTold ? nowMs - Math.round(now - since) : undefined)
    }
    this.#byRow.forEach((upstream, row) => {
      if (upstream !== undefined) tell(row, upstream.waitsSince)
    })
    if (this.#leaving.size === 0) return
    const oldest = new Map<number, number>()
    for (const { endpoint, waitsSince } of this.#leaving) {
      const { row } = endpoint
      const known = oldest.get(row) ?? this.#byRow[row]?.waitsSince ?? Number.POSITIVE_INFINITY
      oldest.set(row, Math.min(known, waitsSince))
    }
    for (const [row, since] of oldest) tell(row, since)
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
    this.#hasWarm = false
    for (const upstream of this.#byRow.splice(0)) upstream?.destroy()
    for (const upstream of this.#leaving) upstream.destroy()
  }

  #openWarm(): void {
    const { endpoints } = this.#attachment
    for (const { text, rows } of this.#attachment.serviceTexts()) {
      const supply = this.#supplies.get(text.name)
      if (supply === undefined || supply.connections.warm === 0 || text.isGone === true) continue
      for (const row of rows) {
        if (endpoints.bars(row) === 0) this.of(this.#attachment.endpoint(row), supply).warm()
      }
    }
  }

  #retireLeft(): void {
    const listed = new Set(this.#attachment.serviceTexts().flatMap(({ rows }) => rows))
    this.#byRow.forEach((upstream, row) => {
      if (upstream === undefined) return
      if (listed.has(row) && this.#attachment.endpoint(row) === upstream.endpoint) return
      this.#byRow[row] = undefined
      this.#retire(upstream)
    })
  }

  #retire(upstream: Upstream): void {
    upstream.retire()
    this.#leaving.add(upstream)
  }
}
