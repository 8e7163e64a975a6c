import { atomics } from './atomics.ts'
import { ALL_BARS, TRIPPED } from './bars.ts'
import { readClock } from './clock.ts'
import { EndpointTable } from './endpoint-table.ts'
import {
  BARS,
  BREAKER_PASSED,
  BREAKER_PROBE,
  BREAKER_TRIPS,
  BREAKER_UNTIL_MS,
  FAILURES,
  ROW_WORDS,
  WINDOW_AT_MS,
  WINDOW_FAILED,
  WINDOW_SETTLED,
} from './layout.ts'
import { ABANDONED, OK } from './outcomes.ts'
import type { Region } from './region.ts'
import type { BreakerText } from './service-text.ts'

/** Longest time a breaker stays open, as a power of two of the first: 2^16 × a millisecond is a minute. */
const TRIPS_MAX = 16

/**
 * The breakers of a service's endpoints, worked by the threads that pick and settle, without any agent.
 *
 *   closed ──failures in a row, or too large a share of a window──▶ open ──its time is up──▶ half-open: one probe at a time
 *     ▲                                                               ▲                            │
 *     └──────────────── enough probes in a row pass ──────────────────┼────────────────────────────┤
 *                                                                     └── a probe fails: twice as long
 *
 * Open is the bar TRIPPED, which every thread obeys on its next pick. Half-open is no state of its own: the bar stands,
 * its time is up, and BREAKER_PROBE is free. The next request probes it, whatever its policy would have picked: so an
 * endpoint is tried again also where others take all of its requests. Of all threads one claims the probe; its ticket carries
 * PROBE_TICKET, so that requests sent before the breaker opened are not mistaken for it. When that thread dies its seat is
 * given back, and the probe with it.
 */
export class Breaker {
  readonly #words: Int32Array
  readonly #region: Region
  readonly #endpoints: EndpointTable
  readonly #seat: number
  readonly #text: BreakerText

  constructor(region: Region, seat: number, text: BreakerText) {
    this.#words = region.words
    this.#region = region
    this.#endpoints = new EndpointTable(region)
    this.#seat = seat
    this.#text = text
  }

  isTripped(row: number): boolean {
    return (this.#words[this.#row(row) + BARS] & TRIPPED) !== 0
  }

  /** Whether a probe of the row may be claimed: its breaker is open and due, and nothing else speaks against the row. */
  isDue(row: number): boolean {
    const words = this.#words
    const at = this.#row(row)
    if ((words[at + BARS] & ALL_BARS) !== TRIPPED || words[at + BREAKER_PROBE] !== 0) return false
    return ((readClock(this.#region) - words[at + BREAKER_UNTIL_MS]) | 0) >= 0
  }

  /**
   * Claims the one probe of a row whose breaker is open and due. False: another thread has it, or it is not due any more.
   *
   * writes    BREAKER_PROBE
   * reads     BREAKER_PROBE, BREAKER_UNTIL_MS
   * ordering  SeqCst compareExchange: of many that try, one gets it; UNTIL is read after it, so that who was late sees the
   *           time set by the probe before
   * progress  wait-free
   * pairs     settle, withdraw; freeSeat for a thread that died
   */
  tryProbe(row: number): boolean {
    const at = this.#row(row)
    const words = this.#words
    if (atomics.compareExchange(words, at + BREAKER_PROBE, 0, this.#seat + 1) !== 0) return false
    const isDue = ((readClock(this.#region) - atomics.load(words, at + BREAKER_UNTIL_MS)) | 0) >= 0
    if (isDue && this.isTripped(row)) return true
    atomics.store(words, at + BREAKER_PROBE, 0)
    return false
  }

  /** Gives a probe back that was not sent. */
  withdraw(row: number): void {
    atomics.compareExchange(this.#words, this.#row(row) + BREAKER_PROBE, this.#seat + 1, 0)
  }

  /**
   * Learns how a request ended.
   *
   * writes    FAILURES and the window; when it trips or closes: UNTIL, TRIPS, PASSED, then the bar; last BREAKER_PROBE
   * ordering  SeqCst adds, so that no failure is lost between threads; the bar after the words that belong to it
   * progress  wait-free
   * pairs     tryProbe; the bar with Candidates.pull
   */
  settle(row: number, isProbe: boolean, outcome: number): void {
    if (isProbe) {
      if (outcome === OK) this.#pass(row)
      else if (outcome !== ABANDONED) this.#trip(row)
      this.withdraw(row)
      return
    }
    // What was sent before it opened says nothing new.
    if (outcome === ABANDONED || this.isTripped(row)) return
    const isFailure = outcome !== OK
    if (this.#countsInRow(row, isFailure) || this.#countsInWindow(row, isFailure)) this.#trip(row)
  }

  #countsInRow(row: number, isFailure: boolean): boolean {
    const at = this.#row(row) + FAILURES
    if (!isFailure) {
      if (this.#words[at] !== 0) this.#words[at] = 0
      return false
    }
    const inRow = atomics.add(this.#words, at, 1) + 1
    return this.#text.consecutiveFailures > 0 && inRow >= this.#text.consecutiveFailures
  }

  #countsInWindow(row: number, isFailure: boolean): boolean {
    const { errorRate, errorRateVolume, windowMs } = this.#text
    if (errorRate === 0) return false
    const words = this.#words
    const at = this.#row(row)
    const now = readClock(this.#region)
    const began = words[at + WINDOW_AT_MS]
    if (((now - began) | 0) >= windowMs && atomics.compareExchange(words, at + WINDOW_AT_MS, began, now) === began) {
      atomics.store(words, at + WINDOW_SETTLED, 0)
      atomics.store(words, at + WINDOW_FAILED, 0)
    }
    const settled = atomics.add(words, at + WINDOW_SETTLED, 1) + 1
    const failed = isFailure ? atomics.add(words, at + WINDOW_FAILED, 1) + 1 : words[at + WINDOW_FAILED]
    return isFailure && settled >= errorRateVolume && failed >= errorRate * settled
  }

  #trip(row: number): void {
    const words = this.#words
    const at = this.#row(row)
    const { openForMs, maxOpenForMs } = this.#text
    const trips = Math.min(TRIPS_MAX, words[at + BREAKER_TRIPS])
    const forMs = Math.min(openForMs * 2 ** trips, maxOpenForMs)
    atomics.store(words, at + BREAKER_UNTIL_MS, (readClock(this.#region) + forMs) | 0)
    words[at + BREAKER_PASSED] = 0
    words[at + FAILURES] = 0
    words[at + BREAKER_TRIPS] = trips + 1
    this.#endpoints.setBar(row, TRIPPED, true)
  }

  #pass(row: number): void {
    const words = this.#words
    const at = this.#row(row)
    const passed = words[at + BREAKER_PASSED] + 1
    words[at + BREAKER_PASSED] = passed
    if (passed < this.#text.probes) return
    words[at + BREAKER_TRIPS] = 0
    words[at + FAILURES] = 0
    atomics.store(words, at + WINDOW_SETTLED, 0)
    atomics.store(words, at + WINDOW_FAILED, 0)
    this.#endpoints.setBar(row, TRIPPED, false)
  }

  #row(row: number): number {
    return this.#region.layout.endpointsAt + row * ROW_WORDS
  }
}
