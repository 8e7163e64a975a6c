import { type BridgeClock, pauseAgain } from './clock.ts'
import type { Change, Entry, Store, Watch } from './store.ts'

export interface Follower {
  /** All that is there now, the oldest change first: at the beginning, and whenever something may have been missed. */
  onAnew(entries: readonly Entry[]): void
  /** What has changed since, in order. */
  onChanges(changes: readonly Change[]): void
}

/**
 * Follows the keys that begin so, as long as it is not closed.
 *
 *   list ──▶ onAnew ──▶ watch from there ──▶ onChanges … ──▶ lost ──▶ list ──▶ onAnew …
 */
export class Following {
  readonly #store: Store
  readonly #prefix: string
  readonly #follower: Follower
  readonly #clock: BridgeClock
  #watch: Watch | undefined
  #isClosed = false
  #isCurrent = false
  #waiting: (() => void)[] = []

  constructor(store: Store, prefix: string, follower: Follower, clock: BridgeClock) {
    this.#store = store
    this.#prefix = prefix
    this.#follower = follower
    this.#clock = clock
    void this.#look()
  }

  /** Whether nothing may have been missed. */
  get isCurrent(): boolean {
    return this.#isCurrent
  }

  /**
   * Resolves when nothing may have been missed: at once, or after the next `onAnew`. A sequencer that died may have forgotten everything;
   * what is written for what was known before must wait for this.
   */
  async current(): Promise<void> {
    while (!this.#isCurrent && !this.#isClosed) await new Promise<void>(resolve => void this.#waiting.push(resolve))
  }

  close(): void {
    this.#isClosed = true
    this.#watch?.close()
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #lose(): void {
    this.#isCurrent = false
    void this.#look()
  }

  async #look(): Promise<void> {
    while (!this.#isClosed) {
      // The store alone may fail here: a follower that throws is a broken promise, and not to be taken for a silence.
      const listed = await this.#store.list(this.#prefix).catch(() => undefined)
      if (this.#isClosed) return
      if (listed !== undefined) return this.#begin(listed.entries, listed.revision)
      await pauseAgain(this.#clock)
    }
  }

  #begin(entries: readonly Entry[], revision: number): void {
    const onChanges = (changes: readonly Change[]): void => {
      if (!this.#isClosed) this.#follower.onChanges(changes)
    }
    this.#follower.onAnew([...entries].sort((a, b) => a.revision - b.revision))
    if (this.#isClosed) return
    this.#watch = this.#store.watch(this.#prefix, revision, onChanges, () => this.#lose())
    this.#isCurrent = true
    this.#wake()
  }
}
