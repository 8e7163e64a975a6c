/**
 * One deadline that moves with every step. Moving it on costs a number: the timer behind it is left as it is, and looks at the number
 * when it goes off.
 *
 *   set ──▶ set ──▶ set …… the timer of the first goes off ──▶ too early for the last: a timer for what is left
 *
 * It rings only after what had arrived by then was read: a thread that was busy finds its timers due before it looks at its sockets.
 */
export class Alarm {
  readonly #onRing: () => void
  #timer: NodeJS.Timeout | undefined
  /** When the timer goes off, on the clock of performance.now. */
  #goesOffAtMs = Number.POSITIVE_INFINITY
  #dueAtMs = Number.POSITIVE_INFINITY

  constructor(onRing: () => void) {
    this.#onRing = onRing
  }

  /** It rings in `ms`, and not before; 0: never. */
  set(ms: number): void {
    if (ms === 0) {
      this.stop()
      return
    }
    this.#dueAtMs = performance.now() + ms
    if (this.#dueAtMs < this.#goesOffAtMs) this.#wind(ms)
  }

  stop(): void {
    this.#dueAtMs = Number.POSITIVE_INFINITY
  }

  /** It is not needed any more. */
  end(): void {
    this.stop()
    clearTimeout(this.#timer)
  }

  #wind(ms: number): void {
    clearTimeout(this.#timer)
    this.#goesOffAtMs = performance.now() + ms
    this.#timer = setTimeout(this.#onTimer, ms)
    this.#timer.unref()
  }

  readonly #onTimer = (): void => {
    this.#goesOffAtMs = Number.POSITIVE_INFINITY
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) return
    const leftMs = Math.ceil(this.#dueAtMs - performance.now())
    if (leftMs > 0) this.#wind(leftMs)
    else setImmediate(this.#onRead)
  }

  readonly #onRead = (): void => {
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) return
    const leftMs = Math.ceil(this.#dueAtMs - performance.now())
    if (leftMs > 0) {
      if (this.#dueAtMs < this.#goesOffAtMs) this.#wind(leftMs)
      return
    }
    this.stop()
    this.#onRing()
  }
}
