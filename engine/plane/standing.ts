import { ISOLATED, TAKEN_OUT, TRIPPED } from '../memory/bars.ts'
import type { EndpointTable } from '../memory/endpoint-table.ts'
import { isRoutable } from './routable.ts'

/** Whom the breaker keeps out counts where an agent opens another one. */
export const TAKEN_OUT_OR_TRIPPED = TAKEN_OUT | TRIPPED

/** Bars that are counted together. */
const COUNTED = [TAKEN_OUT, TAKEN_OUT_OR_TRIPPED, ISOLATED] as const
export type Alike = (typeof COUNTED)[number]

/**
 * How many endpoints of a service are out by which bars, at one revision of its facts and in one published structure. It is kept up by
 * one's own changes: to take out many in a row costs one look at all of them, and not one each. As soon as anybody else changes anything the revision is another, and all of it
 * is to be counted anew.
 *
 *   revision   7           8                9                 9, and 10 is there
 *              counted ──▶ my bar: +1 ──▶   my bar: +1 ──▶    somebody's bar: counted anew
 *
 * That is as true as counting each time: who counts sees a bar or does not, and the revision that tells of it comes after the bar.
 */
export class Standing {
  readonly published: number
  /** How many endpoints the service has. */
  readonly count: number
  revision: number
  /** One bit for each row there is: to find one among ten thousand in a list takes as long as a count. */
  readonly #listed: Uint8Array
  /** By COUNTED. */
  readonly #counts = [0, 0, 0]
  #routable = 0
  readonly #endpoints: EndpointTable

  /** `revision`: as it was read before this. */
  constructor(endpoints: EndpointTable, rows: Int32Array, published: number, revision: number) {
    this.#endpoints = endpoints
    this.count = rows.length
    this.published = published
    this.revision = revision
    this.#listed = new Uint8Array(Math.ceil(endpoints.rows / 8))
    for (const row of rows) {
      this.#listed[row >> 3]! |= 1 << (row & 7)
      this.#add(row, 1)
    }
  }

  /** Whether the row is one of the service's. */
  has(row: number): boolean {
    return (this.#listed[row >> 3]! & (1 << (row & 7))) !== 0
  }

  /** How many of the others have one of these bars. */
  others(row: number, bars: Alike): number {
    const own = (this.#endpoints.bars(row) & bars) === 0 ? 0 : 1
    return this.#counts[COUNTED.indexOf(bars)]! - own
  }

  /** How many of the others picks take without panic. */
  routableOthers(row: number): number {
    return this.#routable - (isRoutable(this.#endpoints, row) ? 1 : 0)
  }

  /** Does what changes one row of the service. `work` answers how many revisions it made, undefined: it was not done. */
  keepUp(row: number, work: () => number | undefined): boolean {
    this.#add(row, -1)
    const revisions = work()
    this.#add(row, 1)
    this.revision = (this.revision + (revisions ?? 0)) | 0
    return revisions !== undefined
  }

  #add(row: number, one: 1 | -1): void {
    const bars = this.#endpoints.bars(row)
    for (let i = 0; i < COUNTED.length; i++) if ((bars & COUNTED[i]!) !== 0) this.#counts[i]! += one
    if (isRoutable(this.#endpoints, row)) this.#routable += one
  }
}
