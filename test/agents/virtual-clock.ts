import type { Clock } from '../../agents/kit/clock.ts'

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  #now: number
  #timers: { dueMs: number; callback: () => void }[] = []

  /** Any start will do; this one is near the wrap of the region's clock, so that every test crosses it sooner or later. */
  constructor(now = 0x7fffffff - 5_000) {
    this.#now = now
  }

  now(): number {
    return this.#now | 0
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#now
  }

  later(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#now + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Lets so many ms pass, with all timers that fall due in the order they do. */
  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const due = this.#timers.filter(({ dueMs }) => dueMs <= until)
      if (due.length === 0) break
      const next = due.reduce((first, timer) => (timer.dueMs < first.dueMs ? timer : first))
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#now = Math.max(this.#now, next.dueMs)
      next.callback()
    }
    this.#now = until
  }
}
