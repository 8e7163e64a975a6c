import { elapsedMs } from '../../memory/clock.ts'

/** A body has this long to get going, in seconds: so much it may be behind at any time. */
const BEHIND_S = 5
/** What came faster counts for later, for this long in ms: a body that was quick may pause, but it has not bought itself hours. */
const AHEAD_MS = 60_000

/**
 * Whether a request body keeps a minimum of bytes per second. A pause is bounded elsewhere (limits.bodyIdle); this bounds the
 * downstream that sends a byte in each of them and could hold an endpoint for days.
 *
 *   owed = owed + rate × elapsed − bytes that came         never below −rate × AHEAD: nobody is further ahead
 *   too slow when owed > rate × BEHIND
 *
 * The rule of Kestrel's minimum rate with a bound on what an early burst is worth. Sampled by the sweep, so a body that comes within a
 * second or two costs nothing.
 */
export class Pace {
  readonly #bytesPerSecond: number
  readonly #aheadMs: number
  #owedBytes = 0
  #bytes = 0
  #sampledMs: number

  /** `idleMs` is the pause that is allowed: who was quick enough may always make it. `startedMs` on the clock of `sample`. */
  constructor(bytesPerSecond: number, idleMs: number, startedMs: number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#aheadMs = Math.max(AHEAD_MS, idleMs)
    this.#sampledMs = startedMs
  }

  /**
   * Looks at it again: `bytes` have come in all. Time in which the body `isPaused`, because its reader does not read on, is not the
   * sender's. False: it is too slow.
   */
  sample(nowMs: number, bytes: number, isPaused: boolean): boolean {
    const flowedMs = isPaused ? 0 : elapsedMs(nowMs, this.#sampledMs)
    const rate = this.#bytesPerSecond
    const owed = this.#owedBytes + (rate * flowedMs) / 1000 - (bytes - this.#bytes)
    this.#owedBytes = Math.max(owed, (-rate * this.#aheadMs) / 1000)
    this.#bytes = bytes
    this.#sampledMs = nowMs
    return this.#owedBytes <= rate * BEHIND_S
  }
}
