/**
 * A queue before a few slots, first come first served. What a request takes is known when it comes, so its end is known at once, and no timer
 * that fires late takes anything from what a server can do.
 *
 *     slot 0   ▇▇▇▇▇▇▇▇▇▇▇▇▇░░░░░        a request begins where a slot is free first,
 *     slot 1   ▇▇▇▇▇▇░░░░░▇▇▇▇▇          and makes no headway while the server stands still (from ─ until)
 */
export class Slots {
  readonly #freeAtMs: number[]
  readonly #stalls: readonly (readonly [from: number, until: number])[]

  constructor(count: number, stalls: readonly (readonly [from: number, until: number])[] = []) {
    this.#freeAtMs = new Array<number>(count).fill(0)
    this.#stalls = stalls
  }

  /** When it is done. */
  take(nowMs: number, workMs: number): number {
    const freeAtMs = Math.min(...this.#freeAtMs)
    const slot = this.#freeAtMs.indexOf(freeAtMs)
    const endMs = this.#endOf(Math.max(nowMs, freeAtMs), workMs)
    this.#freeAtMs[slot] = endMs
    return endMs
  }

  #endOf(beginMs: number, workMs: number): number {
    let endMs = beginMs + workMs
    for (const [from, until] of this.#stalls) {
      if (from >= endMs) break
      if (until > beginMs) endMs += until - Math.max(from, beginMs)
    }
    return endMs
  }
}
