import { Affinity } from './affinity.ts'
import { FORECAST_OFF, factorWord, heeded, LIMIT_OFF, UTILISATION_OFF } from './agent-switches.ts'
import { atomics } from './atomics.ts'
import { DEGRADED, TIER_BITS } from './bars.ts'
import { ChoiceView } from './choice-view.ts'
import { pullOf } from './endpoint-table.ts'
import {
  BARS,
  CLOCK_MS_AT,
  FORECAST_AT_MS,
  FORECAST_US,
  GAUGE_INFLIGHT,
  GAUGE_WORDS,
  HEARS_OTHERS,
  KEY_HASH,
  LEVELS,
  LEVELS_AT,
  LIMIT_ADAPTIVE,
  PEAK_AT_MS,
  PEAK_US,
  PULL_MAX,
  REVISION,
  ROW_WORDS,
  SEATS_HIGH_AT,
  SEQUENCE,
  SEQUENCES,
  SERVICE_WORDS,
  SETTLED_AT_MS,
  TRUST_Q12,
  UTILISATION_Q12,
  WEIGHT_Q8,
} from './layout.ts'
import { OpenWeights } from './open-weights.ts'
import { othersInflight } from './others-inflight.ts'
import type { Region } from './region.ts'
import type { Tried } from './tried.ts'

/**
 * What a policy may see: the rows of one service that this pick may choose from, as they are at this instant, and how
 * strongly each is drawn.
 *
 *   at(0) at(1) … at(count − 1)      a window of rows: all of the service, or those of one tier of it
 *   pull(row)                        weight × factor; 0 when a bar that counts holds it back, it is full, or it was tried before
 *   entryRow(position)               the row an entry of the choice table leads to, if it is in the window
 *   inflight(row)                    what all threads have in flight on it
 *   inside(row)                      … and routers in other processes, where endpoints tell
 *   peakUs, settledAtMs, levelUs     how long it takes of late; written by who settles, read by who picks
 *   affinity                         where the sessions of the service are, whichever tier has its turn
 *
 * Whose turn a tier is, the router decides before it asks the policy: it aims the window and says which bars a row must
 * have, `(bars & mask) === want`. A policy is handed the same object on every pick; nothing is copied and nothing
 * allocated. It reads the words itself instead of asking the tables: one object between the policy and the memory
 * instead of three made a scan of sixteen rows a third faster.
 */
export class Candidates {
  count = 0
  /** Bits of the bars that count on this pick, and how they must be. */
  mask = TIER_BITS
  want = 0
  /** Rows this request has tried; undefined on a first try. */
  tried: Tried | undefined = undefined
  /** Requests in flight that an endpoint may have, the same for each; 0: no such limit. */
  limit = 0
  /** Which bars count at all: those of agents that are switched off do not, see agent-switches.ts. */
  heeds = TIER_BITS
  /** True where endpoints have limits, this one or one that was learned for each. */
  isLimited = false
  /** True once an endpoint of the service has told how many requests it has. */
  hearsOthers = false
  /** Becomes true when a row was passed over for being full: then it is not for want of endpoints. */
  sawFull = false
  /** 1 while the request that is picked for is not yet among those in flight on the service, 0 when it is. */
  uncounted = 1
  /** The choice table of the service, where its policy reads one. */
  readonly table: ChoiceView
  /** Where the sessions of the service are. */
  readonly affinity: Affinity
  readonly #words: Int32Array
  readonly #endpointsAt: number
  readonly #serviceAt: number
  readonly #inflightAt: number
  readonly #inflightStride: number
  readonly #gaugeAt: number
  readonly #gaugesStride: number
  readonly #openWeights = new OpenWeights()
  /** Whose words do not count, as of the last change of a fact, and what of a row is read because of that. */
  #off = 0
  #factorWord = factorWord(0)
  /** Where the rows are listed: the words of a slot, or a list of this thread's own. */
  #list: Int32Array
  #start = 0
  #sequence = 0

  /** `scope` tells apart the sessions of routers that pick from different subsets, see Affinity. */
  constructor(region: Region, service: number, scope = 0) {
    const { words, layout } = region
    this.affinity = new Affinity(region, service, scope)
    this.table = new ChoiceView(region)
    this.#words = words
    this.#list = words
    this.#endpointsAt = layout.endpointsAt
    this.#serviceAt = layout.servicesAt + service * SERVICE_WORDS
    this.#inflightAt = layout.inflightAt
    this.#inflightStride = layout.inflightStride
    this.#gaugeAt = layout.gaugesAt + service * GAUGE_WORDS + GAUGE_INFLIGHT
    this.#gaugesStride = layout.gaugesStride
  }

  /** Points at rows: `count` of them from an index on, in the region's words or in a list of one's own. */
  bind(start: number, count: number, list: Int32Array = this.#words): void {
    this.#list = list
    this.#start = start
    this.count = count
  }

  /**
   * Follows the structure: all rows this thread chooses from, of which `bind` then makes windows, and the choice table of
   * the service by its word index; 0: none. May allocate.
   */
  follow(start: number, count: number, list: Int32Array, table: number): void {
    this.#openWeights.clear()
    this.table.bind(table, list, start, count)
    this.bind(start, count, list)
  }

  /** Begins a pick. */
  begin(tried: Tried | undefined): void {
    this.tried = tried
    this.sawFull = false
    this.uncounted = 1
  }

  /** Changes whenever bars, health, weights or what is shed of the service do; modulo 2^32. */
  revision(): number {
    return this.#words[this.#serviceAt + REVISION]
  }

  /** Goes by what counts from now on. Aim anew after it. */
  heed(off: number): void {
    this.#off = off
    this.hearsOthers = this.#words[this.#serviceAt + HEARS_OTHERS] !== 0
    this.heeds = heeded(TIER_BITS, off)
    this.#factorWord = factorWord(off)
  }

  /** Says how the bars of a row must be, and which sequence turns are taken from. */
  aim(mask: number, want: number, tier: number): void {
    this.mask = mask & this.heeds
    this.want = want
    this.#sequence = tier & (SEQUENCES - 1)
  }

  at(position: number): number {
    return this.#list[this.#start + position]
  }

  /** The row an entry of the table leads to; −1 where that is not among those this pick may choose from. */
  entryRow(position: number): number {
    const place = this.table.placeOf(position)
    return place >= this.#start && place < this.#start + this.count ? this.#list[place] : -1
  }

  /** How strongly the row is drawn, in units that only compare, at most 2^30; 0 when it may not be picked on this pick. */
  pull(row: number): number {
    const words = this.#words
    const at = this.#endpointsAt + row * ROW_WORDS
    if (!this.#isIn(row, at)) return 0
    return pullOf(words[at + WEIGHT_Q8], words[at + this.#factorWord])
  }

  /** Whether the row may be picked on this pick at all: its pull is above 0. For who does not ask by how much. */
  isOpen(row: number): boolean {
    const words = this.#words
    const at = this.#endpointsAt + row * ROW_WORDS
    return this.#isIn(row, at) && words[at + WEIGHT_Q8] > 0 && words[at + this.#factorWord] > 0
  }

  /** Whether nothing but its weight is in the way of a row. */
  #isIn(row: number, at: number): boolean {
    if (this.tried?.has(row)) return false
    if ((this.#words[at + BARS] & this.mask) !== this.want) return false
    if (!this.isLimited || !this.#isFull(row, at)) return true
    this.sawFull = true
    return false
  }

  /**
   * Whether a row is barred for good, whichever tier has its turn: a session that is there has to move. A degraded one is
   * not, nor in panic a soft-barred one.
   */
  isBarred(row: number): boolean {
    return (this.#words[this.#line(row) + BARS] & this.mask & ~DEGRADED) !== 0 || !this.hasWeight(row)
  }

  /** Whether only this pick may not have a row: its request has tried it, or the row is full. */
  isTaken(row: number): boolean {
    if (this.tried?.has(row)) return true
    if (!this.isLimited || !this.#isFull(row, this.#line(row))) return false
    this.sawFull = true
    return true
  }

  /** Whether the row would be drawn at all, its bars aside. */
  hasWeight(row: number): boolean {
    const at = this.#line(row)
    return pullOf(this.#words[at + WEIGHT_Q8], this.#words[at + this.#factorWord]) > 0
  }

  #isFull(row: number, at: number): boolean {
    const limit = this.limitOf(row, at)
    return limit > 0 && this.inflight(row) >= limit
  }

  /** Requests in flight the endpoint may have: the stricter of its service's limit and its own; 0: no limit. */
  limitOf(row: number, at = this.#endpointsAt + row * ROW_WORDS): number {
    return stricterLimit(this.limit, (this.#off & LIMIT_OFF) === 0 ? this.#words[at + LIMIT_ADAPTIVE] : 0)
  }

  /** Whether any row may be picked now. Takes no turn. */
  hasOpen(): boolean {
    for (let position = 0; position < this.count; position++) if (this.isOpen(this.at(position))) return true
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

  /** Requests on a row as far as is known, by which policies compare: in flight from here, and others'. Limits go by the former. */
  inside(row: number): number {
    return this.inflight(row) + this.others(row)
  }

  /** Of those what routers in other processes have there, see others-inflight.ts. */
  others(row: number): number {
    return this.hearsOthers ? othersInflight(this.#words, this.#line(row), this.#serviceAt) : 0
  }

  /** Requests in flight on the service, all threads together; as `inflight`, one load per seat. */
  inflightOfService(): number {
    const words = this.#words
    let at = this.#gaugeAt
    let sum = words[at]
    for (let seat = words[SEATS_HIGH_AT]; seat > 1; seat--) {
      at += this.#gaugesStride
      sum += words[at]
    }
    return sum
  }

  /**
   * How many of the service's requests the row may have in flight, so that none has more than `balance` percent of its
   * share; one at least.
   *
   *   slots(e) = max(1, ⌈ ⌊((in flight of the service + 1) × balance + 99) ÷ 100⌋ × weight(e) ÷ sum of weights ⌉)
   *
   * The one more is the request itself, where it is not counted already (a service with limits counts it first).
   * The sum is over the rows of the window whose bars are as this pick wants them, see open-weights.ts.
   */
  slotsOf(row: number, balance: number): number {
    const words = this.#words
    const total = Math.floor(((this.inflightOfService() + this.uncounted) * balance + 99) / 100)
    const sum = this.#openWeights.sums[this.#openWeightAt()]
    const slots = Math.ceil((total * words[this.#endpointsAt + row * ROW_WORDS + WEIGHT_Q8]) / sum)
    // Beyond 2^30 requests nothing is full. A number this small is never boxed.
    return slots < 1 ? 1 : Math.min(slots, 0x3fffffff) | 0
  }

  #openWeightAt(): number {
    const words = this.#words
    const revision = words[this.#serviceAt + REVISION]
    const known = this.#openWeights.find(revision, this.#start, this.count, this.mask, this.want)
    if (known >= 0) return known
    let sum = 0
    for (let position = 0; position < this.count; position++) {
      const at = this.#line(this.at(position))
      if ((words[at + BARS] & this.mask) === this.want) sum += words[at + WEIGHT_Q8]
    }
    const index = this.#openWeights.take(revision, this.#start, this.count, this.mask, this.want)
    this.#openWeights.sums[index] = sum
    return index
  }

  /** What the endpoint is called in hash policies: the same for its id in every process. */
  keyHash(row: number): number {
    return this.#words[this.#endpointsAt + row * ROW_WORDS + KEY_HASH]
  }

  /** The latency that is forecast for a row, µs, 0 when none is; and the clock when that was. */
  forecastUs(row: number): number {
    return (this.#off & FORECAST_OFF) === 0 ? this.#words[this.#line(row) + FORECAST_US] : 0
  }

  forecastAtMs(row: number): number {
    return this.#words[this.#line(row) + FORECAST_AT_MS]
  }

  /** How far forecasts are to be believed, 0…1; below 0 when nobody has said. */
  trust(): number {
    return (this.#words[this.#serviceAt + TRUST_Q12] - 1) / 4096
  }

  /** The used share of an endpoint's capacity as it was reported, 1 + 0…4096; 0 when none was. */
  utilisationQ12(row: number): number {
    return (this.#off & UTILISATION_OFF) === 0 ? this.#words[this.#line(row) + UTILISATION_Q12] : 0
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
   * The next turn of the tier, one sequence for all threads: with a counter each, n threads would all begin with the
   * same endpoints and drift apart.
   *
   * writes    SEQUENCE
   * reads     SEQUENCE
   * ordering  SeqCst add: no two picks get one turn
   * progress  wait-free
   * pairs     itself. Wraps at 2^31, within which V8 boxes no number; the turn after 2^31 − 1 is 0
   */
  nextTurn(): number {
    return atomics.add(this.#words, this.#serviceAt + SEQUENCE + this.#sequence, 1) & 0x7fffffff
  }

  /** The turn that comes after `ahead` others; takes none. */
  turnAhead(ahead: number): number {
    return (this.#words[this.#serviceAt + SEQUENCE + this.#sequence] + ahead) & 0x7fffffff
  }
}

/** 0, 1 → 0 · 2 → 1 · 3, 4 → 2 · 5 … 8 → 3 · … each level twice as wide as the one before. */
function levelOf(inflight: number): number {
  return inflight <= 1 ? 0 : Math.min(LEVELS - 1, 32 - Math.clz32(inflight - 1))
}

/** Of two limits, where 0 is none, the one that is reached first. */
export function stricterLimit(fixed: number, learned: number): number {
  return learned > 0 && (fixed === 0 || learned < fixed) ? learned : fixed
}
