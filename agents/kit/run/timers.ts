import type { Clock } from '../clock.ts'

/** The timers of one agent: they end with it, and what one of them throws is its fault. */
export class Timers {
  readonly #clock: Clock
  readonly #onFault: (error: unknown) => void
  readonly #set = new Set<() => void>()

  constructor(clock: Clock, onFault: (error: unknown) => void) {
    this.#clock = clock
    this.#onFault = onFault
  }

  /** See Clock.later. */
  later(delayMs: number, callback: () => void, isLoose = false): () => void {
    const due = (): void => {
      this.#set.delete(cancel)
      try {
        callback()
      } catch (error) {
        this.#onFault(error)
      }
    }
    const cancel = this.#clock.later(delayMs, due, isLoose)
    this.#set.add(cancel)
    return () => {
      this.#set.delete(cancel)
      cancel()
    }
  }

  close(): void {
    for (const cancel of this.#set) cancel()
    this.#set.clear()
  }
}
