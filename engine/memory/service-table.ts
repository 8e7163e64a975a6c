import { ALL_BARS } from './bars.ts'
import type { EndpointTable } from './endpoint-table.ts'
import { BAR_MASK, PANICS, PULL_MAX, SERVICE_WORDS } from './layout.ts'
import type { Region } from './region.ts'

/**
 * Two lines per service: one that every pick reads (which bars count, the largest pull), one that picks write (whose
 * turn it is). The drawing with the owners is in layout.ts.
 */
export class ServiceTable {
  readonly #words: Int32Array
  readonly #at: number

  constructor(region: Region) {
    this.#words = region.words
    this.#at = region.layout.servicesAt
  }

  /** Which bars count in this service now: all, or in panic only the hard ones. */
  barMask(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + BAR_MASK]
  }

  /** The largest pull among the service's rows, in the unit of `EndpointTable.pull`; for a moment it may be too small. */
  pullMax(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + PULL_MAX]
  }

  panics(service: number): number {
    return this.#words[this.#at + service * SERVICE_WORDS + PANICS]
  }

  setBarMask(service: number, mask: number): void {
    this.#words[this.#at + service * SERVICE_WORDS + BAR_MASK] = mask
  }

  countPanic(service: number): void {
    this.#words[this.#at + service * SERVICE_WORDS + PANICS]++
  }

  /**
   * Writes down the largest pull, after a weight or a factor changed. Two owners may do so at one moment and the
   * smaller value win: then a pick clamps, and the load balancer's next tick mends it.
   */
  refreshPullMax(service: number, rows: readonly number[], endpoints: EndpointTable): void {
    let most = 0
    for (const row of rows) most = Math.max(most, endpoints.pull(row))
    this.#words[this.#at + service * SERVICE_WORDS + PULL_MAX] = most
  }

  /** For a service that is new at this index. Called before the slot that lists it is published. */
  begin(service: number): void {
    const at = this.#at + service * SERVICE_WORDS
    this.#words.fill(0, at, at + SERVICE_WORDS)
    this.#words[at + BAR_MASK] = ALL_BARS
  }
}
