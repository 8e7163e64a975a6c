import { elapsedMs, TICK_MS, tickClock } from './clock.ts'
import { SEAT_LATE, SEAT_LATE_WORDS } from './layout.ts'
import type { Region } from './region.ts'
import { seatWord } from './seats.ts'

/**
 * How late the event loops come round, told by the ticks of the clock: who ticks every TICK_MS and comes later than that had its loop
 * held up. Each thread that ticks counts its ticks by lateness, in words of its seat that ever grow, modulo 2^32:
 *
 *   word of SEAT_LATE    0     1     2       3       4        …   11
 *   late by, in ms       < 1   1     2 … 3   4 … 7   8 … 15   …   1,024 and more
 *
 * It costs one addition a tick. Who wants to know reads all words now and then, and takes the difference.
 */
export class Ticker {
  readonly #region: Region
  readonly #at: number
  #lastMs: number

  constructor(region: Region, seat: number) {
    this.#region = region
    this.#at = seatWord(region, seat, SEAT_LATE)
    this.#lastMs = tickClock(region)
  }

  /**
   * Ticks the clock, and counts how late it does. To be called every TICK_MS.
   *
   * writes    SEAT_LATE words of the seat, and what tickClock writes
   * ordering  Unordered: this thread is their only writer, and a reader may miss a tick until the next look
   * progress  wait-free
   * pairs     latenessCounts
   */
  tick(): number {
    const now = tickClock(this.#region)
    this.#region.words[this.#at + bucketOfLateness(elapsedMs(now, this.#lastMs) - TICK_MS)]++
    this.#lastMs = now
    return now
  }
}

/** Which word counts a tick that is so many ms late. */
export function bucketOfLateness(ms: number): number {
  return ms < 1 ? 0 : Math.min(SEAT_LATE_WORDS - 1, 32 - Math.clz32(ms))
}

/** The longest lateness a bucket stands for, in ms; the last has no end, and says where it begins. */
export function topOfLateness(bucket: number): number {
  return bucket === SEAT_LATE_WORDS - 1 ? 1 << (bucket - 1) : (1 << bucket) - 1
}

/** Ticks by lateness, all threads together, modulo 2^32. */
export function latenessCounts(region: Region): Int32Array {
  const counts = new Int32Array(SEAT_LATE_WORDS)
  for (let seat = 0; seat < region.layout.seats; seat++) {
    const at = seatWord(region, seat, SEAT_LATE)
    for (let bucket = 0; bucket < SEAT_LATE_WORDS; bucket++) counts[bucket] += region.words[at + bucket]
  }
  return counts
}
