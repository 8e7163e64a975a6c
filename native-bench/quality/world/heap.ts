/** Takes out what is least first. */
export class Heap<Each> {
  readonly #all: Each[] = []
  readonly #isBefore: (a: Each, b: Each) => boolean

  constructor(isBefore: (a: Each, b: Each) => boolean) {
    this.#isBefore = isBefore
  }

  get first(): Each | undefined {
    return this.#all[0]
  }

  get size(): number {
    return this.#all.length
  }

  /** In no order. */
  [Symbol.iterator](): IterableIterator<Each> {
    return this.#all.values()
  }

  add(each: Each): void {
    const all = this.#all
    let at = all.push(each) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(each, all[parent]!)) break
      all[at] = all[parent]!
      at = parent
    }
    all[at] = each
  }

  take(): Each | undefined {
    const all = this.#all
    const first = all[0]
    const last = all.pop()
    if (last === undefined || all.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= all.length) break
      if (child + 1 < all.length && this.#isBefore(all[child + 1]!, all[child]!)) child++
      if (!this.#isBefore(all[child]!, last)) break
      all[at] = all[child]!
      at = child
    }
    all[at] = last
    return first
  }
}
