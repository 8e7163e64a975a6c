import { elapsedMs } from '../../engine/writer.ts'
import type { BridgeClock } from './clock.ts'
import type { Lease } from './store.ts'

/** A lease is said to be lost so much of its time before it runs out: whoever holds it stops before anybody else begins. */
const LEASE_SHARE = 0.8

/** What a lease asks of the sequencer. */
export interface LeaseCalls {
  /** False: it has run out. */
  keep(): Promise<boolean>
  end(): Promise<undefined>
  /** It is over, in whichever way. */
  onOver(): void
}

/**
 * A lease that is kept alive, three times within its time.
 *
 *   granted ──▶ kept at ⅓ ──▶ kept at ⅔ … ──▶ not heard since 0.8 of its time: lost, before the sequencer gives it to another
 */
export class HeldLease implements Lease {
  readonly id: string
  readonly #ttlMs: number
  readonly #clock: BridgeClock
  readonly #calls: LeaseCalls
  readonly #lost = new AbortController()
  #callOff = () => {}
  #keptAtMs: number
  #isOver = false

  /** `keptAtMs`: when it was asked for, not when it was answered: the sequencer may have begun to count then. */
  constructor(id: string, ttlMs: number, keptAtMs: number, clock: BridgeClock, calls: LeaseCalls) {
    this.id = id
    this.#ttlMs = ttlMs
    this.#keptAtMs = keptAtMs
    this.#clock = clock
    this.#calls = calls
    this.#beatLater()
  }

  get isHeld(): boolean {
    return !this.#isOver && elapsedMs(this.#clock.now(), this.#keptAtMs) < this.#ttlMs * LEASE_SHARE
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  lose(): void {
    if (this.#isOver) return
    this.#over()
    this.#lost.abort()
  }

  async end(): Promise<void> {
    if (this.#isOver) return
    this.#over()
    this.#lost.abort()
    await this.#calls.end()
  }

  #over(): void {
    this.#isOver = true
    this.#callOff()
    this.#calls.onOver()
  }

  #beatLater(): void {
    const beat = (): void => {
      void this.#keep()
      if (!this.#isOver) this.#beatLater()
    }
    this.#callOff = this.#clock.later(Math.max(1, this.#ttlMs / 12), beat, true)
  }

  async #keep(): Promise<void> {
    if (!this.isHeld) {
      this.lose()
      return
    }
    const nowMs = this.#clock.now()
    if (elapsedMs(nowMs, this.#keptAtMs) < this.#ttlMs / 3) return
    try {
      if (await this.#calls.keep()) this.#keptAtMs = nowMs
      else this.lose()
    } catch {
      // Silence: it is asked again, as long as there is time.
    }
  }
}
