import { Heap } from './heap.ts'

interface Entry {
  readonly atMs: number
  /** Of two at one moment the one that was noted first. */
  readonly order: number
  readonly happen: (atMs: number) => void
}

/** What is to happen, and when: time passes from one entry to the next. */
export class Agenda {
  nowMs = 0
  #order = 0
  readonly #entries = new Heap<Entry>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order))

  at(atMs: number, happen: (atMs: number) => void): void {
    this.#entries.add({ atMs, order: this.#order++, happen })
  }

  /** Lets all happen that does before then, in its order. */
  moveTo(untilMs: number): void {
    for (;;) {
      const first = this.#entries.first
      if (first === undefined || first.atMs >= untilMs) break
      this.#entries.take()
      this.nowMs = first.atMs
      first.happen(first.atMs)
    }
    this.nowMs = untilMs
  }
}
