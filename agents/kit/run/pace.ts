import type { Clock } from '../clock.ts'
import { bucketOf, newHistogram, quantileOf } from './latency-buckets.ts'

/** How an agent has been doing since it was last asked. */
export interface Doing {
  readonly handled: number
  readonly handledPerSecond: number
  /** µs it takes to deal with a signal, at the 99th percentile; 0: none was. */
  readonly handlingUsP99: number
  /** Actions and looks of sensors that failed. */
  readonly failures: number
  /** Signals that wait in its mailbox now. */
  readonly queued: number
  /** Signals its mailbox had no room for. */
  readonly dropped: number
}

/** A decision that takes longer than a minute counts as one. */
const US_MAX = 60_000_000

/** Keeps count of what an agent deals with, and of the time it takes. */
export class Pace {
  handled = 0
  failures = 0
  readonly #clock: Clock
  readonly #us = newHistogram()
  #handledBefore = 0
  #failuresBefore = 0
  #sinceMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.preciseMs()
  }

  begin(): number {
    return this.#clock.preciseMs()
  }

  end(sinceMs: number): void {
    this.handled++
    this.#us[bucketOf(Math.min(US_MAX, Math.round((this.#clock.preciseMs() - sinceMs) * 1000)))]!++
  }

  /** What has been since the last time, which begins anew. */
  take(): Omit<Doing, 'queued' | 'dropped'> {
    const nowMs = this.#clock.preciseMs()
    const handled = this.handled - this.#handledBefore
    const doing = {
      handled,
      handledPerSecond: (handled * 1000) / Math.max(1, nowMs - this.#sinceMs),
      handlingUsP99: quantileOf(this.#us, 0.99),
      failures: this.failures - this.#failuresBefore,
    }
    this.#handledBefore = this.handled
    this.#failuresBefore = this.failures
    this.#sinceMs = nowMs
    this.#us.fill(0)
    return doing
  }
}
