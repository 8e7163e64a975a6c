/** Taken places that are kept before the rest is moved up: half of the array at most, so a take costs one step on average. */
const TAKEN_MIN = 32

/** First in, first out, each in constant time on average; `shift` of an array takes time by its length. */
export class Fifo<T> implements Iterable<T> {
  #places: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#places.length - this.#head
  }

  push(what: T): void {
    this.#places.push(what)
  }

  /** The oldest; undefined when there is none. */
  peek(): T | undefined {
    return this.#places[this.#head]
  }

  take(): T | undefined {
    if (this.length === 0) return undefined
    const first = this.#places[this.#head]
    this.#places[this.#head++] = undefined
    if (this.#head >= TAKEN_MIN && this.#head * 2 >= this.#places.length) {
      this.#places = this.#places.slice(this.#head)
      this.#head = 0
    }
    return first
  }

  /** From the oldest to the newest. */
  *[Symbol.iterator](): Iterator<T> {
    for (let at = this.#head; at < this.#places.length; at++) yield this.#places[at]!
  }
}
