import { appended } from '../../kit/run/bounded.ts'
import type { RowRef } from '../../kit/table-port.ts'
import type { HealthWord } from '../../signals.ts'

/** One change of an endpoint's health, and when, on the region's clock. */
export interface Transition {
  readonly from: HealthWord
  readonly to: HealthWord
  readonly atMs: number
}

/** Of one endpoint: days of a bad one. */
const EACH_MAX = 1_000
/** Of all together: some megabytes. */
const ALL_MAX = 100_000

/**
 * How the health of endpoints has changed. Only changes are kept, the latest of each: a thousand where there are up to a hundred endpoints that
 * change, fewer of each where there are more, so that all together stay within two hundred thousand. Changed in place.
 */
export class Transitions {
  readonly #rows = new Map<number, { readonly generation: number; readonly list: readonly Transition[] }>()

  get eachMax(): number {
    return Math.max(1, Math.min(EACH_MAX, Math.floor(ALL_MAX / Math.max(1, this.#rows.size))))
  }

  of({ row, generation }: RowRef): readonly Transition[] {
    const known = this.#rows.get(row)
    return known?.generation === generation ? known.list : []
  }

  add(ref: RowRef, transition: Transition): void {
    const list = this.of(ref)
    this.#rows.set(ref.row, {
      generation: ref.generation,
      list: appended(list.slice(-this.eachMax), transition, this.eachMax),
    })
  }
}
