import { FACTOR_WHOLE, pullOf } from './endpoint-table.ts'
import {
  GENERATION,
  MEMBER_TICKET,
  MEMBER_WEIGHT_Q8,
  MEMBER_WORDS,
  ROW_WORDS,
  TABLE_ENTRIES,
  TABLE_HEADER_WORDS,
  TABLE_KIND,
  TABLE_MEMBERS,
  TABLE_POINTS,
} from './layout.ts'
import type { Region } from './region.ts'
import { generationOfTicket, rowOfTicket } from './ticket.ts'

/**
 * The choice table of a service as one thread reads it: which entry leads to which place in this thread's list of rows.
 *
 *   entries[position] ──▶ member ──places──▶ place in the list ──▶ row          −1: not in the list (any more)
 *
 * Members are looked up in the list once, when the structure changes, and not by every pick: in the list and of the
 * generation of the ticket, or nowhere. A tier, a zone or a priority is a window of that list, so whether an entry is in
 * the window is a comparison of its place with two ends: one table serves all tiers, exactly, and one that is older than
 * the structure leads to nobody who has left.
 *
 * A table per priority would need a rebuild whenever an endpoint changes its priority, three times the memory, and could
 * not serve zones or subsets, which every node and every router chooses for itself.
 */
export class ChoiceView {
  /** What the entries mean; 0: there is no table. */
  kind = 0
  entries: Uint16Array = NO_ENTRIES
  points: Uint32Array = NO_POINTS
  readonly #region: Region
  #places = NO_WORDS
  #pulls = NO_WORDS
  /** Where a row stands in the list, if the list has it there; what is left of an older list is known by that. */
  #placeOf = NO_WORDS

  constructor(region: Region) {
    this.#region = region
  }

  /** Follows the structure: the table at a word index (0: none), for `count` rows of a list from `start` on. Allocates. */
  bind(at: number, list: Int32Array, start: number, count: number): void {
    if (at === 0) {
      this.kind = 0
      return
    }
    const { words, buffer, layout } = this.#region
    const members = words[at + TABLE_MEMBERS]
    const points = words[at + TABLE_POINTS]
    const membersAt = at + TABLE_HEADER_WORDS
    const pointsAt = membersAt + members * MEMBER_WORDS
    this.kind = words[at + TABLE_KIND]
    this.points = new Uint32Array(buffer, pointsAt * 4, points)
    this.entries = new Uint16Array(buffer, (pointsAt + points) * 4, words[at + TABLE_ENTRIES])
    if (this.#placeOf.length === 0) this.#placeOf = new Int32Array(layout.rows)
    if (this.#places.length < members) {
      this.#places = new Int32Array(members)
      this.#pulls = new Int32Array(members)
    }
    for (let place = start; place < start + count; place++) this.#placeOf[list[place]] = place
    for (let member = 0; member < members; member++) {
      const ticket = words[membersAt + member * MEMBER_WORDS + MEMBER_TICKET]
      const row = rowOfTicket(ticket)
      const place = this.#placeOf[row]
      const isListed = place >= start && place < start + count && list[place] === row
      const isTenant = words[layout.endpointsAt + row * ROW_WORDS + GENERATION] === generationOfTicket(ticket)
      this.#places[member] = isListed && isTenant ? place : -1
      this.#pulls[member] = pullOf(words[membersAt + member * MEMBER_WORDS + MEMBER_WEIGHT_Q8], FACTOR_WHOLE)
    }
  }

  /** The place of an entry's row in the list this was bound to, or −1. */
  placeOf(position: number): number {
    return this.#places[this.entries[position]]
  }

  /** How strongly an entry's member was drawn when the table was built, in the unit of `Candidates.pull`. */
  pullOf(position: number): number {
    return this.#pulls[this.entries[position]]
  }
}

const NO_ENTRIES = new Uint16Array(0)
const NO_POINTS = new Uint32Array(0)
const NO_WORDS = new Int32Array(0)
