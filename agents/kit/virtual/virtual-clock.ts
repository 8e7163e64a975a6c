import type { Clock } from '../clock.ts'

/** Wall clock at the moment 0 of virtual time: any will do, as long as it is always the same. */
const EPOCH_MS = 1_700_000_000_000

/**
 * Time that passes only when somebody says so: what a whole day does is done in as long as it takes to compute.
 *
 * What is due is kept in a heap, by when and then by the order it was asked for, so that one run is like the other.
 */
export class VirtualClock implements Clock {
  #now: number
  #asked = 0
  readonly #heap: Timer[] = []
  readonly #onMove: (now: number) => void

  /**
   * Any start will do; this one is near the wrap of the region's clock, so that whoever lives on it crosses that sooner or later.
   * `onMove` is told each moment it comes to, before what is due then.
   */
  constructor(now = 0x7fffffff - 5_000, onMove: (now: number) => void = () => {}) {
    this.#now = now
    this.#onMove = onMove
  }

  now(): number {
    return this.#now | 0
  }

  preciseMs(): number {
    return this.#now
  }

  wallMs(): number {
    return EPOCH_MS + Math.floor(this.#now)
  }

  later(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.#now + delayMs, order: this.#asked++, callback }
    this.#push(timer)
    return () => {
      timer.callback = undefined
    }
  }

  /** When something is due next, in ms from now; undefined: never. */
  get nextMs(): number | undefined {
    this.#dropCalledOff()
    const first = this.#heap[0]
    return first && Math.max(0, first.dueMs - this.#now)
  }

  /** Lets so many ms pass, with all timers that fall due in the order they do. */
  advance(ms: number): void {
    const until = this.#now + ms
    while (this.step(until)) {
      // On to the next.
    }
    this.#moveTo(until)
  }

  /** Goes to the next timer that is due by then, if there is one, and calls it back. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    this.#dropCalledOff()
    const first = this.#heap[0]
    if (first === undefined || first.dueMs > untilMs) return false
    this.#pop()
    if (first.dueMs > this.#now) this.#moveTo(first.dueMs)
    first.callback!()
    return true
  }

  #moveTo(now: number): void {
    this.#now = now
    this.#onMove(this.now())
  }

  #dropCalledOff(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.callback === undefined) this.#pop()
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(heap[parent]!, timer)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

interface Timer {
  readonly dueMs: number
  readonly order: number
  /** Undefined: called off. */
  callback: (() => void) | undefined
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}
