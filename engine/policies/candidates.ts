import { ALL_BARS, HARD_BARS } from '../memory/bars.ts'
import type { EndpointTable } from '../memory/endpoint-table.ts'
import type { ServiceTable } from '../memory/service-table.ts'
import type { Tally } from '../memory/tally.ts'

/**
 * What a policy may see: the rows of one service as they are at this instant, and whether each may be picked.
 *
 *   at(0) at(1) … at(count − 1)      rows in the order of the pinned slot
 *   isOpen(row)                      no bar that counts now, a pull above zero, not tried before
 *   pull(row), inflight(row)         what to compare
 *
 * A policy is handed the same object on every pick; nothing is copied and nothing allocated.
 */
export class Candidates {
  count = 0
  /** Bars that count on this pick; the router widens and narrows it for panic. */
  mask = ALL_BARS
  /** Rows this request has tried; undefined on a first try. */
  tried: Tried | undefined
  readonly #words: Int32Array
  readonly #endpoints: EndpointTable
  readonly #services: ServiceTable
  readonly #tally: Tally
  readonly #service: number
  #start = 0

  constructor(words: Int32Array, endpoints: EndpointTable, services: ServiceTable, tally: Tally, service: number) {
    this.#words = words
    this.#endpoints = endpoints
    this.#services = services
    this.#tally = tally
    this.#service = service
  }

  /** Points at the rows of another slot. `start` is a word index. */
  bind(start: number, count: number): void {
    this.#start = start
    this.count = count
  }

  /** Takes over which bars count now in this service. */
  refreshMask(): void {
    this.mask = this.#services.barMask(this.#service)
  }

  /** Ignores opinions for the rest of this pick. False when they were ignored already. */
  panic(): boolean {
    if (this.mask === HARD_BARS) return false
    this.mask = HARD_BARS
    return true
  }

  at(position: number): number {
    return this.#words[this.#start + position]
  }

  isOpen(row: number): boolean {
    return (
      (this.#endpoints.bars(row) & this.mask) === 0 &&
      this.#endpoints.pull(row) > 0 &&
      (this.tried === undefined || !this.tried.has(row))
    )
  }

  pull(row: number): number {
    return this.#endpoints.pull(row)
  }

  pullMax(): number {
    return this.#services.pullMax(this.#service)
  }

  inflight(row: number): number {
    return this.#tally.inflight(row)
  }

  nextTurn(): number {
    return this.#services.nextTurn(this.#service)
  }
}

/** The endpoints one request has tried, so that the next try goes elsewhere. Sixteen tries are remembered. */
export class Tried {
  readonly #rows = new Int32Array(16)
  #count = 0

  add(row: number): void {
    this.#rows[this.#count++ & 15] = row
  }

  has(row: number): boolean {
    const count = this.#count < 16 ? this.#count : 16
    for (let i = 0; i < count; i++) if (this.#rows[i] === row) return true
    return false
  }
}
