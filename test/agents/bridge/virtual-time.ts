import type { BridgeClock } from '../../../agents/bridge/clock.ts'

interface Timer {
  readonly dueMs: number
  readonly callback: () => void
}

/** Time that passes when nothing else is left to be done, and jumps to the next thing that was put off. */
export class VirtualTime implements BridgeClock {
  #nowMs: number
  readonly #timers = new Set<Timer>()
  /** Timers that were called, each with its moment: two runs of one seed have the same. */
  readonly trace: number[] = []

  /** Any start will do; this one is near the wrap of a clock of 32 bits. */
  constructor(nowMs = 0x7fffffff - 5_000) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs | 0
  }

  later(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets time pass until some work is done; fails where it waits for nothing that is to come. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    work.then(
      () => (isDone = true),
      () => (isDone = true),
    )
    for (;;) {
      await turnsDone()
      if (isDone) return work
      const next = this.#next()
      if (next === undefined) throw new Error('It waits for nothing that is to come')
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.trace.push(this.#nowMs)
      next.callback()
    }
  }

  #next(): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) if (next === undefined || timer.dueMs < next.dueMs) next = timer
    return next
  }
}

/** When all that could be done at once is done: what is put off by this port alone comes later. */
function turnsDone(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
