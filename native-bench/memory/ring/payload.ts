/**
 * What is in a record of a contest, the same for all sides and in native/ring.cc: words that depend on its number, and are all read.
 *
 *   word   0            1           2 … count − 1
 *        | number n   | writer    | n × 0x9e3779b1 + word, mod 2^32 |
 *
 * Where it can be it is written in place, and read there.
 */
const GOLDEN = 0x9e3779b1 | 0

type Words = Int32Array | number[]

export function fill(words: Words, at: number, count: number, writer: number, n: number): void {
  const seed = Math.imul(n, GOLDEN)
  words[at] = n
  words[at + 1] = writer
  for (let word = 2; word < count; word++) words[at + word] = (seed + word) | 0
}

/** What a reader has read: how many, the sum of all their words mod 2^32, and how many were not the next of their writer. */
export class Audit {
  records = 0
  sum = 0
  faults = 0
  readonly #next: Int32Array

  constructor(writers: number) {
    this.#next = new Int32Array(writers)
  }

  take(words: Words, at: number, count: number): void {
    let sum = this.sum
    for (let word = at, end = at + count; word < end; word++) sum = (sum + words[word]) | 0
    this.sum = sum
    const writer = words[at + 1]
    if (words[at] !== this.#next[writer]++) this.faults++
    this.records++
  }

  /** From the first record on, again. */
  begin(): void {
    this.records = 0
    this.sum = 0
    this.faults = 0
    this.#next.fill(0)
  }
}

/** The sum of so many records of each writer. */
export function expectedSum(writers: number, recordsEach: number, bytes: number): number {
  const audit = new Audit(writers)
  const words = new Int32Array(bytes >> 2)
  for (let writer = 0; writer < writers; writer++) {
    for (let n = 0; n < recordsEach; n++) {
      fill(words, 0, words.length, writer, n)
      audit.take(words, 0, words.length)
    }
  }
  return audit.sum
}
