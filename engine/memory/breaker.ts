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
 * PROBE_TICKET, so that requests sent before the breaker opened are not mistaken for it. Who opens a closed one claims the
 * same word while it does: whoever it names is the only one to change the breaker. When that thread dies its seat is given
 * back, and the probe with it.
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

  /**
   * Whether a probe of the row may be claimed: its breaker is open and due, and nothing else that counts speaks against the
   * row. `heeds` are the bars that do.
   */
  isDue(row: number, heeds = ALL_BARS): boolean {
    const words = this.#words
    const at = this.#row(row)
    if ((words[at + BARS] & ALL_BARS & heeds) !== TRIPPED || words[at + BREAKER_PROBE] !== 0) return false
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
   * ordering  SeqCst adds, so that no failure is lost between threads but where a window begins; the bar after the words
   *           that belong to it, all of them between the claim and the release of BREAKER_PROBE
   * progress  wait-free
   * pairs     tryProbe; the bar with Candidates.pull
   */
  settle(row: number, isProbe: boolean, outcome: number): void {
    if (isProbe) {
      if (outcome === OK) this.#pass(row)
      else if (outcome !== ABANDONED) this.#trip(row, this.#words[this.#row(row) + BREAKER_TRIPS])
      this.withdraw(row)
      return
    }
    // What was sent before it opened says nothing new.
    if (outcome === ABANDONED || this.isTripped(row)) return
    const isFailure = outcome !== OK
    this.#countInRow(row, isFailure)
    if (this.#text.errorRate > 0) this.#countInWindow(row, isFailure)
    if (isFailure && this.#isFailing(row)) this.#open(row)
  }

  /**
   * Opens a closed one. Of threads that have reason to at one moment one does it: who finds it claimed leaves it to that
   * one, or to the next failure, should that one die.
   */
  #open(row: number): void {
    if (atomics.compareExchange(this.#words, this.#row(row) + BREAKER_PROBE, 0, this.#seat + 1) !== 0) return
    // Looked at again: meanwhile it may have been opened by another thread, and even closed by a probe.
    if (!this.isTripped(row) && this.#isFailing(row)) this.#trip(row, 0)
    this.withdraw(row)
  }

  #countInRow(row: number, isFailure: boolean): void {
    const at = this.#row(row) + FAILURES
    if (isFailure) atomics.add(this.#words, at, 1)
    else if (this.#words[at] !== 0) this.#words[at] = 0
  }

  #countInWindow(row: number, isFailure: boolean): void {
    const words = this.#words
    const at = this.#row(row)
    const now = readClock(this.#region)
    const began = words[at + WINDOW_AT_MS]
    // Far below zero: it began more than half the clock's circle ago, or never. A little: by a clock that was read later.
    const elapsed = (now - began) | 0
    const { windowMs } = this.#text
    if (elapsed >= windowMs || elapsed < -windowMs) {
      if (atomics.compareExchange(words, at + WINDOW_AT_MS, began, now) === began) this.#clearWindow(at)
    }
    atomics.add(words, at + WINDOW_SETTLED, 1)
    if (isFailure) atomics.add(words, at + WINDOW_FAILED, 1)
  }

  /** Failures first: who looks in between, or for good if this thread dies there, sees too small a share, never one too large. */
  #clearWindow(at: number): void {
    atomics.store(this.#words, at + WINDOW_FAILED, 0)
    atomics.store(this.#words, at + WINDOW_SETTLED, 0)
  }

  /** Whether there is reason to open it. */
  #isFailing(row: number): boolean {
    const words = this.#words
    const at = this.#row(row)
    const { consecutiveFailures, errorRate, errorRateVolume } = this.#text
    if (consecutiveFailures > 0 && words[at + FAILURES] >= consecutiveFailures) return true
    const settled = words[at + WINDOW_SETTLED]
    return errorRate > 0 && settled >= errorRateVolume && words[at + WINDOW_FAILED] >= errorRate * settled
  }

  /** Only while BREAKER_PROBE names this thread. FAILURES are forgotten when it closes: should this thread die here, the reason stays. */
  #trip(row: number, before: number): void {
    const words = this.#words
    const at = this.#row(row)
    const { openForMs, maxOpenForMs } = this.#text
    const trips = Math.min(TRIPS_MAX, before)
    const forMs = Math.min(openForMs * 2 ** trips, maxOpenForMs)
    atomics.store(words, at + BREAKER_UNTIL_MS, (readClock(this.#region) + forMs) | 0)
    words[at + BREAKER_PASSED] = 0
    words[at + BREAKER_TRIPS] = trips + 1
    this.#endpoints.setBar(row, TRIPPED, true)
  }

  /** Only while BREAKER_PROBE names this thread. */
  #pass(row: number): void {
    const words = this.#words
    const at = this.#row(row)
    const passed = words[at + BREAKER_PASSED] + 1
    words[at + BREAKER_PASSED] = passed
    if (passed < this.#text.probes) return
    words[at + BREAKER_TRIPS] = 0
    words[at + FAILURES] = 0
    this.#clearWindow(at)
    this.#endpoints.setBar(row, TRIPPED, false)
  }

  #row(row: number): number {
    return this.#region.layout.endpointsAt + row * ROW_WORDS
  }
}
