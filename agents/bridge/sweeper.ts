import { elapsedMs } from '../../engine/writer.ts'
import type { BridgeClock } from './clock.ts'
import type { Store } from './store.ts'

/** A record, as it was made. */
export interface Written {
  readonly key: string
  readonly revision: number
}

interface Heap {
  readonly records: () => readonly Written[]
  readonly sinceMs: number
  readonly afterMs: number
}

/**
 * Takes records away when they have lain there for long enough: one look from time to time for all of them. A record that was made
 * anew meanwhile is another one, and stays.
 */
export class Sweeper {
  readonly #store: Store
  readonly #clock: BridgeClock
  readonly #everyMs: number
  #heaps: Heap[] = []
  #callOff: (() => void) | undefined
  #isClosed = false

  constructor(store: Store, clock: BridgeClock, everyMs: number) {
    this.#store = store
    this.#clock = clock
    this.#everyMs = everyMs
  }

  /** From now on they lie there for so many ms; what they are by then is taken away in that order. */
  sweepLater(records: () => readonly Written[], afterMs: number): void {
    this.#heaps.push({ records, sinceMs: this.#clock.now(), afterMs })
    this.#lookLater()
  }

  close(): void {
    this.#isClosed = true
    this.#callOff?.()
  }

  #lookLater(): void {
    if (this.#isClosed) return
    this.#callOff ??= this.#clock.later(
      this.#everyMs,
      () => {
        this.#callOff = undefined
        void this.#sweep()
      },
      true,
    )
  }

  async #sweep(): Promise<void> {
    const nowMs = this.#clock.now()
    const isDue = ({ sinceMs, afterMs }: Heap): boolean => elapsedMs(nowMs, sinceMs) >= afterMs
    const due = this.#heaps.filter(isDue)
    this.#heaps = this.#heaps.filter(heap => !isDue(heap))
    if (this.#heaps.length > 0) this.#lookLater()
    try {
      for (const { records } of due) {
        for (const { key, revision } of records()) {
          if (this.#isClosed) return
          await this.#store.cas(key, undefined, revision)
        }
      }
    } catch {
      // Somebody else will.
    }
  }
}
