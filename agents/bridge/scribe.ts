import { type BridgeClock, pauseAgain } from './clock.ts'
import type { Following } from './following.ts'
import type { Store } from './store.ts'

/**
 * Writes records that are written once: each is said again after a silence, until it is known that it, or another in its place, is
 * there. However many there are, while the store is silent one question is asked for all of them. Nothing is written as long as something
 * may have been missed: a store that has forgotten what a record is about must not be told it.
 *
 *   all is seen ──▶ create ──▶ answered: known
 *        ▲             └─▶ silence ──▶ status, every 20 ms ──▶ answered ─┐
 *        └───────────────────────────────────────────────────────────────┘
 */
export class Scribe {
  readonly #store: Store
  readonly #following: Following
  readonly #clock: BridgeClock
  #answering: Promise<void> | undefined
  #isClosed = false

  constructor(store: Store, following: Following, clock: BridgeClock) {
    this.#store = store
    this.#following = following
    this.#clock = clock
  }

  /** Resolves when a record is known to be there: this one, as it was when it was said last, or another; or when it is not wanted any more. */
  async make(key: string, record: () => unknown, isWanted: () => boolean): Promise<void> {
    for (;;) {
      if (!this.#following.isCurrent) await this.#following.current()
      if (this.#isClosed || !isWanted()) return
      try {
        await this.#store.create(key, JSON.stringify(record()))
        return
      } catch {
        await this.#untilItAnswers()
      }
    }
  }

  close(): void {
    this.#isClosed = true
  }

  #untilItAnswers(): Promise<void> {
    this.#answering ??= this.#ask().finally(() => {
      this.#answering = undefined
    })
    return this.#answering
  }

  async #ask(): Promise<void> {
    let isAnswered = false
    while (!isAnswered && !this.#isClosed) {
      await pauseAgain(this.#clock)
      isAnswered = await this.#store.status().then(
        () => true,
        () => false,
      )
    }
  }
}

/** What others wrote is looked at before it is believed: an object, or undefined. */
export function readRecord(value: string): object | undefined {
  try {
    const record: unknown = JSON.parse(value)
    return typeof record === 'object' && record !== null ? record : undefined
  } catch {
    return undefined
  }
}
