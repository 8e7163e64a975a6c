import type { EndpointTable } from '../memory/endpoint-table.ts'
import { PRIORITIES } from './priority-load.ts'
import { ZONES } from './zone-load.ts'

/**
 * The rows of a service as one list in which each priority, and within it each zone, is a window:
 *
 *   [ p0: own zone │ p0: z2 │ p0: z3 │ p1: own zone │ … ]
 *
 * So a tier is a start and a count, and no pick copies rows. Made anew when the structure changes, and only then does it
 * allocate.
 */
export class RowGroups {
  readonly rows: Int32Array
  /** Zone of each position, as a number from 0; 0 is our own. */
  readonly zoneAt: Uint8Array
  count = 0
  /** One more than the highest priority in use. */
  priorities = 0
  /** Zones told apart, our own included; 1 where they are not asked for. */
  zones = 1
  readonly #zoneWords = new Int32Array(ZONES)
  /** Where each priority starts, and the end of the last. */
  readonly #starts = new Int32Array(PRIORITIES + 1)

  constructor(capacity: number) {
    this.rows = new Int32Array(capacity)
    this.zoneAt = new Uint8Array(capacity)
  }

  /** Takes rows over. `ownZone` is the word of our own zone; undefined: zones are not told apart. */
  group(rows: ArrayLike<number>, endpoints: EndpointTable, ownZone: number | undefined): void {
    this.zones = 1
    this.#zoneWords[0] = ownZone ?? 0
    const zoneOf = (row: number): number => (ownZone === undefined ? 0 : this.#indexOf(endpoints.zone(row)))
    const sorted = Array.from(rows, (row, order) => ({
      row,
      order,
      zone: zoneOf(row),
      priority: Math.min(endpoints.priority(row), PRIORITIES - 1),
    })).sort((a, b) => a.priority - b.priority || a.zone - b.zone || a.order - b.order)
    this.count = sorted.length
    this.priorities = (sorted.at(-1)?.priority ?? -1) + 1
    this.#starts.fill(sorted.length)
    for (let position = sorted.length - 1; position >= 0; position--) {
      const { row, zone, priority } = sorted[position]
      this.rows[position] = row
      this.zoneAt[position] = zone
      this.#starts[priority] = position
    }
    // A priority nobody has starts where the next one does.
    for (let p = PRIORITIES - 1; p >= 0; p--) {
      if (p >= this.priorities) this.#starts[p] = sorted.length
      else if (this.#starts[p] === sorted.length) this.#starts[p] = this.#starts[p + 1]
    }
  }

  startOf(priority: number): number {
    return this.#starts[priority]
  }

  countOf(priority: number): number {
    return this.#starts[priority + 1] - this.#starts[priority]
  }

  /** The zone's number by its word, or −1. */
  zoneOfWord(word: number): number {
    for (let z = 0; z < this.zones; z++) if (this.#zoneWords[z] === word) return z
    return -1
  }

  #indexOf(word: number): number {
    const known = this.zoneOfWord(word)
    if (known >= 0) return known
    if (this.zones === ZONES) return ZONES - 1
    this.#zoneWords[this.zones] = word
    return this.zones++
  }
}
