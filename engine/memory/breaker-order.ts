import { atomics } from './atomics.ts'
import { TRIPPED } from './bars.ts'
import {
  BARS,
  BREAKER_PASSED,
  BREAKER_PROBE,
  BREAKER_TRIPS,
  BREAKER_UNTIL_MS,
  FAILURES,
  ROW_WORDS,
  SERVICE,
  WINDOW_FAILED,
  WINDOW_SETTLED,
} from './layout.ts'
import type { Region } from './region.ts'
import { touchService } from './service-table.ts'

/**
 * Opens the breaker of a row for `openForMs`, or closes it (0 ms), as somebody wishes who settles nothing. It goes on by itself from there, as
 * it does after failures: when its time is up it is probed. False: somebody is at it this very moment, a probe or who opens it.
 *
 * writes    UNTIL, TRIPS, PASSED, FAILURES and the window, then the bar; last BREAKER_PROBE
 * ordering  SeqCst, all of it between the claim and the release of BREAKER_PROBE
 * progress  wait-free
 * pairs     Breaker.settle, by the same claim; freeSeat for a thread that died
 */
export function orderBreaker(region: Region, seat: number, row: number, openForMs: number, nowMs: number): boolean {
  const { words, layout } = region
  const at = layout.endpointsAt + row * ROW_WORDS
  if (atomics.compareExchange(words, at + BREAKER_PROBE, 0, seat + 1) !== 0) return false
  const isOpen = openForMs > 0
  if (isOpen) atomics.store(words, at + BREAKER_UNTIL_MS, (nowMs + openForMs) | 0)
  else for (const word of [FAILURES, WINDOW_FAILED, WINDOW_SETTLED]) atomics.store(words, at + word, 0)
  atomics.store(words, at + BREAKER_PASSED, 0)
  atomics.store(words, at + BREAKER_TRIPS, isOpen ? 1 : 0)
  if (isOpen) atomics.or(words, at + BARS, TRIPPED)
  else atomics.and(words, at + BARS, ~TRIPPED)
  touchService(region, words[at + SERVICE]!)
  atomics.compareExchange(words, at + BREAKER_PROBE, seat + 1, 0)
  return true
}
