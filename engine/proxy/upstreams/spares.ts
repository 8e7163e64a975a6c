import type { Dice } from '../../policies/dice.ts'

/** What is to be opened is opened within this time, and not all at one moment: other threads and nodes do the same, in ms. */
const SPREAD_MS = 500

/** Sees to it that connections are open before they are needed, and opens them anew when they have closed. */
export class Spares {
  readonly #openOne: () => Promise<void> | undefined
  readonly #count: number
  readonly #roll: Dice
  readonly #timers = new Set<NodeJS.Timeout>()
  #opening = 0

  /** `openOne` begins with one more, and says when it stands or does not; undefined where there may be no more. */
  constructor(openOne: () => Promise<void> | undefined, count: number, roll: Dice) {
    this.#openOne = openOne
    this.#count = count
    this.#roll = roll
  }

  /** Opens as many as are missing beside those that are there. */
  open(there: number): void {
    const missing = this.#count - there - this.#timers.size - this.#opening
    for (let i = 0; i < missing; i++) {
      const timer = setTimeout(
        () => {
          this.#timers.delete(timer)
          void this.#open()
        },
        (this.#roll() / 2 ** 31) * SPREAD_MS,
      )
      timer.unref()
      this.#timers.add(timer)
    }
  }

  async #open(): Promise<void> {
    this.#opening++
    await this.#openOne()
    this.#opening--
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }
}
