import { atomics } from './atomics.ts'
import { elapsedMs } from './clock.ts'
import {
  GENERATION,
  ROW_WORDS,
  SEATS_HIGH_AT,
  TOTAL_LATENCY_HIGH,
  TOTAL_LATENCY_US,
  TOTAL_PICKED,
  TOTAL_SETTLED,
  TOTAL_WAITING_MS,
  TOTAL_WORDS,
} from './layout.ts'
import { OK, totalOf } from './outcomes.ts'
import type { Region } from './region.ts'
import { generationOfTicket, rowOfTicket, ticketOf } from './ticket.ts'

/** What all threads together did with one row since the region began. Counts are modulo 2^32, the latency sum is not. */
export interface RowTotals {
  picked: number
  ok: number
  error: number
  timeout: number
  abandoned: number
  latencyUsSum: number
}

/**
 * What one thread did, in a block that only this thread writes: in flight per row, and totals per row.
 *
 *              row 0   row 1   row 2  …
 *   seat 0   [   2   |   0   |   1    … ]   ← thread 0 counts here, plainly: it is the only writer
 *   seat 1   [   0   |   3   |   1    … ]   ← thread 1
 *                                 └── in flight of row 2 = 1 + 1: a pick sums the column
 *
 * So counting costs a plain increment (an atomic add costs ten times as much and is fought over), every thread still
 * sees all that is in flight as it is now, and when a thread dies its block is zeroed and nothing is left hanging. An
 * increment another thread has not seen yet is a few nanoseconds late, never lost.
 */
export class Tally {
  readonly #words: Int32Array
  readonly #rows: number
  readonly #endpointsAt: number
  readonly #inflightAt: number
  readonly #inflightStride: number
  readonly #ownInflightAt: number
  readonly #totalsAt: number
  readonly #totalsStride: number
  readonly #ownTotalsAt: number

  constructor(region: Region, seat: number) {
    const { words, layout } = region
    this.#words = words
    this.#rows = layout.rows
    this.#endpointsAt = layout.endpointsAt
    this.#inflightAt = layout.inflightAt
    this.#inflightStride = layout.inflightStride
    this.#ownInflightAt = layout.inflightAt + seat * layout.inflightStride
    this.#totalsAt = layout.totalsAt
    this.#totalsStride = layout.totalsStride
    this.#ownTotalsAt = layout.totalsAt + seat * layout.totalsStride
  }

  /**
   * This thread sends one more to the row. Returns the ticket: generation and row in one small integer ≥ 0.
   *
   * writes    this thread's in-flight and PICKED of the row
   * reads     GENERATION of the row
   * ordering  Unordered: this thread is the only writer of its block
   * progress  wait-free
   * pairs     leave; inflight and Candidates.inflight of every thread
   */
  enter(row: number): number {
    const words = this.#words
    words[this.#ownInflightAt + row]++
    words[this.#ownTotalsAt + row * TOTAL_WORDS + TOTAL_PICKED]++
    return ticketOf(row, words[this.#endpointsAt + row * ROW_WORDS + GENERATION])
  }

  /**
   * The same where the endpoint may have only so many: −1, and nothing has changed, when it has them already.
   *
   * writes    this thread's in-flight and PICKED of the row
   * reads     the row's in-flight word of every seat in use
   * ordering  SeqCst add of one's own, then SeqCst loads of the others: of two that enter at one moment at least one sees
   *           the other, so there are never more than `limit`. Both may, and then both withdraw
   * progress  wait-free: one load per seat
   * pairs     itself; leave, which is plain: a place that was given up is seen a little late
   */
  tryEnter(row: number, limit: number): number {
    const words = this.#words
    atomics.add(words, this.#ownInflightAt + row, 1)
    let sum = 0
    for (let seat = atomics.load(words, SEATS_HIGH_AT) - 1; seat >= 0; seat--) {
      sum += atomics.load(words, this.#inflightAt + seat * this.#inflightStride + row)
    }
    if (sum > limit) {
      atomics.sub(words, this.#ownInflightAt + row, 1)
      return -1
    }
    words[this.#ownTotalsAt + row * TOTAL_WORDS + TOTAL_PICKED]++
    return ticketOf(row, words[this.#endpointsAt + row * ROW_WORDS + GENERATION])
  }

  /** Whether a ticket can be settled: as long as it can, its row has no other tenant. */
  holds(ticket: number): boolean {
    const row = rowOfTicket(ticket)
    if (ticket < 0 || row >= this.#rows) return false
    const words = this.#words
    if (words[this.#endpointsAt + row * ROW_WORDS + GENERATION] !== generationOfTicket(ticket)) return false
    return words[this.#ownInflightAt + row] > 0
  }

  /**
   * What a ticket stands for has ended. False, and nothing is counted, when its row has another tenant by now, or this
   * thread has nothing in flight there (a ticket settled twice).
   *
   * writes    this thread's in-flight and totals of the row
   * reads     GENERATION of the row
   * ordering  Unordered: this thread is the only writer of its block
   * progress  wait-free
   * pairs     enter
   */
  leave(ticket: number, outcome: number, latencyUs: number): boolean {
    if (!this.holds(ticket)) return false
    const words = this.#words
    const row = rowOfTicket(ticket)
    words[this.#ownInflightAt + row]--
    const totals = this.#ownTotalsAt + row * TOTAL_WORDS
    words[totals + TOTAL_SETTLED + totalOf(outcome)]++
    if (outcome === OK) {
      const before = words[totals + TOTAL_LATENCY_US]
      const after = (before + latencyUs) | 0
      // The carry counts twice, before and after: while it is odd a reader waits for the low word to follow.
      const isCarry = after >>> 0 < before >>> 0
      if (isCarry) words[totals + TOTAL_LATENCY_HIGH]++
      words[totals + TOTAL_LATENCY_US] = after
      if (isCarry) words[totals + TOTAL_LATENCY_HIGH]++
    }
    return true
  }

  /** Requests in flight on a row, all threads together, as `Candidates.inflight` counts them for a pick. */
  inflight(row: number): number {
    const words = this.#words
    let sum = 0
    for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++)
      sum += words[this.#inflightAt + seat * this.#inflightStride + row]
    return sum
  }

  /** The totals of a row, summed over the seats that were ever taken. */
  totals(row: number): RowTotals {
    const words = this.#words
    const sum: RowTotals = { picked: 0, ok: 0, error: 0, timeout: 0, abandoned: 0, latencyUsSum: 0 }
    for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++) {
      const at = this.#totalsAt + seat * this.#totalsStride + row * TOTAL_WORDS
      sum.picked += words[at + TOTAL_PICKED] >>> 0
      sum.ok += words[at + TOTAL_SETTLED] >>> 0
      sum.error += words[at + TOTAL_SETTLED + 1] >>> 0
      sum.timeout += words[at + TOTAL_SETTLED + 2] >>> 0
      sum.abandoned += words[at + TOTAL_SETTLED + 3] >>> 0
      sum.latencyUsSum += readLatencySum(words, at)
    }
    return sum
  }

  /**
   * Says since when, on the region's clock, this thread's oldest request to a row waits for a response head; undefined: none does.
   * A settle tells it too late of a stream, which is answered long before it is over.
   */
  setWaiting(row: number, sinceMs: number | undefined): void {
    this.#words[this.#ownTotalsAt + row * TOTAL_WORDS + TOTAL_WAITING_MS] = sinceMs === undefined ? 0 : sinceMs | 0 || 1
  }

  /** For how long the oldest request of all threads to a row has waited, in ms; −1: none does. */
  waitedMs(row: number, nowMs: number): number {
    const words = this.#words
    let longest = -1
    for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++) {
      const sinceMs = words[this.#totalsAt + seat * this.#totalsStride + row * TOTAL_WORDS + TOTAL_WAITING_MS]
      if (sinceMs !== 0) longest = Math.max(longest, elapsedMs(nowMs, sinceMs))
    }
    return longest
  }

  /** Requests to a row that were answered, or failed in some other way than by being given up; modulo 2^32. */
  answered(row: number): number {
    const words = this.#words
    let sum = 0
    for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++) {
      const at = this.#totalsAt + seat * this.#totalsStride + row * TOTAL_WORDS + TOTAL_SETTLED
      sum += words[at] + words[at + 1] + words[at + 2]
    }
    return sum | 0
  }

  /** Requests sent to a row since it has its tenant; modulo 2^32. */
  picked(row: number): number {
    const words = this.#words
    let sum = 0
    for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++)
      sum += words[this.#totalsAt + seat * this.#totalsStride + row * TOTAL_WORDS + TOTAL_PICKED]
    return sum | 0
  }

  /** Requests to a row that ended so, by the code of an outcome, since it has its tenant; modulo 2^32. */
  settled(row: number, outcome: number): number {
    const words = this.#words
    const word = TOTAL_SETTLED + totalOf(outcome)
    let sum = 0
    for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++)
      sum += words[this.#totalsAt + seat * this.#totalsStride + row * TOTAL_WORDS + word]
    return sum | 0
  }

  /** Zeroes what is left of a row's former tenant. Only while nobody can see the row. */
  forget(row: number): void {
    for (let seat = 0; seat < this.#words[SEATS_HIGH_AT]; seat++) {
      const at = this.#totalsAt + seat * this.#totalsStride + row * TOTAL_WORDS
      this.#words.fill(0, at, at + TOTAL_WORDS)
    }
  }
}

/** Low word and carry belong together: read again, a few times at most, when the carry moved in between. */
function readLatencySum(words: Int32Array, at: number): number {
  for (let look = 0; ; look++) {
    const high = words[at + TOTAL_LATENCY_HIGH]
    const low = words[at + TOTAL_LATENCY_US] >>> 0
    const isStill = (high & 1) === 0 && words[at + TOTAL_LATENCY_HIGH] === high
    // A thread that died inside a carry leaves it odd: then the sum is taken as it stands.
    if (isStill || look === 3) return (high >>> 1) * 2 ** 32 + low
  }
}
