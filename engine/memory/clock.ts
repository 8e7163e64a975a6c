import { CLOCK_MS_AT, ORIGIN_MS_AT, ORIGIN_S_AT } from './layout.ts'
import type { Region } from './region.ts'

/**
 * Writes the monotonic clock into the region, so that nobody on the hot path has to ask for the time (a clock read
 * costs some 50 ns, a word 1 ns). Any thread may tick, as often as it likes: all read the same monotonic clock, and a
 * tick that was overtaken by a later one changes nothing.
 *
 * writes    CLOCK_MS
 * reads     CLOCK_MS, the origin
 * ordering  Unordered: the word is true on its own, and a reader may see it one tick late
 * progress  wait-free
 * pairs     readClock
 */
export function tickClock(region: Region): number {
  const words = region.words
  const [seconds, nanos] = process.hrtime()
  const now = ((seconds - words[ORIGIN_S_AT]) * 1000 + Math.floor(nanos / 1e6) - words[ORIGIN_MS_AT]) | 0
  if (((now - words[CLOCK_MS_AT]) | 0) > 0) words[CLOCK_MS_AT] = now
  return now
}

/**
 * Puts the clock of a region forward, for who lets its time pass by itself: threads that tick by the real clock change nothing as long as
 * that is behind.
 *
 * writes    CLOCK_MS
 * ordering  Unordered, as tickClock
 * progress  wait-free
 * pairs     readClock
 */
export function putClockForward(region: Region, now: number): void {
  const words = region.words
  if (((now - words[CLOCK_MS_AT]) | 0) > 0) words[CLOCK_MS_AT] = now
}

/** Milliseconds since the region was made, at most one tick old. Compare two readings with `elapsedMs`, never with `<`. */
export function readClock(region: Region): number {
  return region.words[CLOCK_MS_AT]
}

/** Milliseconds from `since` to `now`, right across the wrap after 24 days as long as both are within 24 days. */
export function elapsedMs(now: number, since: number): number {
  return (now - since) | 0
}

/** How often a thread that keeps the clock ticks it, in ms: fine enough for ejections, cheap enough to forget. */
export const TICK_MS = 10
