import { atomics } from './atomics.ts'
import { ALL_BARS } from './bars.ts'
import { pullOf } from './endpoint-table.ts'
import {
  BAR_MASK,
  BARS,
  CLOCK_MS_AT,
  FACTOR_Q12,
  KEY_HASH,
  LEVELS,
  LEVELS_AT,
  PEAK_AT_MS,
  PEAK_US,
  PULL_MAX,
  ROW_WORDS,
  SEATS_HIGH_AT,
  SEQUENCE,
  SERVICE_WORDS,
  SETTLED_AT_MS,
  WEIGHT_Q8,
} from './layout.ts'
import type { Region } from './region.ts'

/**
 * What a policy may see: the rows of one service as they are at this instant, and how strongly each is drawn.
 *
 *   at(0) at(1) … at(count − 1)      rows in the order of the pinned slot
 *   pull(row)                        weight × factor; 0 when a bar that counts holds it back, or it was tried before
 *   inflight(row)                    what all threads have in flight on it
 *   peakUs, settledAtMs, levelUs     how long it takes of late; written by who settles, read by who picks
 *
 * A policy is handed the same object on every pick; nothing is copied and nothing allocated. It reads the words itself
 * instead of asking the tables: one object between the policy and the memory instead of three made a scan of sixteen
 * rows a third faster.
 */
export class Candidates {
  count = 0
  /** Bars that count on this pick; the router narrows it when only opinions are left. */
  mask = ALL_BARS
  /** Rows this request has tried; undefined on a first try. */
  tried: Tried | undefined = undefined
  readonly #words: Int32Array
  readonly #endpointsAt: number
  readonly #serviceAt: number
  readonly #inflightAt: number
  readonly #inflightStride: number
  #start = 0

  constructor({ words, layout }: Region, service: number) {
    this.#words = words
    this.#endpointsAt = layout.endpointsAt
    this.#serviceAt = layout.servicesAt + service * SERVICE_WORDS
    this.#inflightAt = layout.inflightAt
    this.#inflightStride = layout.inflightStride
  }

  /** Points at the rows of another slot. `start` is a word index. */
  bind(start: number, count: number): void {
    this.#start = start
    this.count = count
  }

  /** Begins a pick: which bars count now, which rows were tried. */
  begin(tried: Tried | undefined): void {
    this.tried = tried
    this.mask = this.#words[this.#serviceAt + BAR_MASK]
  }

  at(position: number): number {
    return this.#words[this.#start + position]
  }

  /** How strongly the row is drawn, in units that only compare, at most 2^30; 0 when it may not be picked on this pick. */
  pull(row: number): number {
    if (this.tried?.has(row)) return 0
    const words = this.#words
    const at = this.#endpointsAt + row * ROW_WORDS
    return (words[at + BARS] & this.mask) === 0 ? pullOf(words[at + WEIGHT_Q8], words[at + FACTOR_Q12]) : 0
  }

  /** Whether any row may be picked now. Takes no turn. */
  hasOpen(): boolean {
    for (let position = 0; position < this.count; position++) if (this.pull(this.at(position)) > 0) return true
    return false
  }

  /** The largest pull among the rows; while weights change it may be too small for a moment, so compare with ≥. */
  pullMax(): number {
    return this.#words[this.#serviceAt + PULL_MAX]
  }

  /**
   * Requests in flight on a row, all threads together.
   *
   * writes    nothing
   * reads     the row's word in the block of every seat in use
   * ordering  Unordered: each word is true on its own; another thread's may be a few nanoseconds old
   * progress  wait-free: one load per seat
   * pairs     Tally.enter, Tally.leave
   */
  inflight(row: number): number {
    const words = this.#words
    const stride = this.#inflightStride
    let at = this.#inflightAt + row
    let sum = words[at]
    for (let seat = words[SEATS_HIGH_AT]; seat > 1; seat--) {
      at += stride
      sum += words[at]
    }
    return sum
  }

  /** What the endpoint is called in hash policies: the same for its id in every process. */
  keyHash(row: number): number {
    return this.#words[this.#endpointsAt + row * ROW_WORDS + KEY_HASH]
  }

  /** The region's clock, ms, at most one tick old. Compare two readings by their difference as an int32. */
  nowMs(): number {
    return this.#words[CLOCK_MS_AT]
  }

  // The line of a row that settles write: each word is true on its own, and of two threads that write at one moment one
  // wins. Every later settle mends what that lost.
  peakUs(row: number): number {
    return this.#words[this.#line(row) + PEAK_US]
  }

  peakAtMs(row: number): number {
    return this.#words[this.#line(row) + PEAK_AT_MS]
  }

  setPeak(row: number, us: number, atMs: number): void {
    const at = this.#line(row)
    this.#words[at + PEAK_US] = us
    this.#words[at + PEAK_AT_MS] = atMs
  }

  settledAtMs(row: number): number {
    return this.#words[this.#line(row) + SETTLED_AT_MS]
  }

  setSettledAt(row: number, ms: number): void {
    this.#words[this.#line(row) + SETTLED_AT_MS] = ms
  }

  /** Smoothed latency, µs, of requests that met `inflight` others of the same magnitude; 0 when none did yet. */
  levelUs(row: number, inflight: number): number {
    return this.#words[this.#line(row) + LEVELS_AT + levelOf(inflight)]
  }

  setLevelUs(row: number, inflight: number, us: number): void {
    this.#words[this.#line(row) + LEVELS_AT + levelOf(inflight)] = us
  }

  #line(row: number): number {
    return this.#endpointsAt + row * ROW_WORDS
  }

  /**
   * The next turn of the service, one sequence for all threads: with a counter each, n threads would all begin with
   * the same endpoints and drift apart.
   *
   * writes    SEQUENCE
   * reads     SEQUENCE
   * ordering  SeqCst add: no two picks get one turn
   * progress  wait-free
   * pairs     itself. Wraps at 2^31, within which V8 boxes no number; the turn after 2^31 − 1 is 0
   */
  nextTurn(): number {
    return atomics.add(this.#words, this.#serviceAt + SEQUENCE, 1) & 0x7fffffff
  }
}

/** 0, 1 → 0 · 2 → 1 · 3, 4 → 2 · 5 … 8 → 3 · … each level twice as wide as the one before. */
function levelOf(inflight: number): number {
  return inflight <= 1 ? 0 : Math.min(LEVELS - 1, 32 - Math.clz32(inflight - 1))
}

/** The endpoints one request has tried, so that the next try goes elsewhere. Sixteen tries are remembered. */
export class Tried {
  readonly #rows = new Int32Array(16)
  #count = 0

  add(row: number): void {
    this.#rows[this.#count++ & 15] = row
  }

  has(row: number): boolean {
    const count = Math.min(this.#count, 16)
    for (let i = 0; i < count; i++) if (this.#rows[i] === row) return true
    return false
  }
}
