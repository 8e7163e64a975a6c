import { atomics } from './atomics.ts'
import { GAUGE_WORDS, SEATS_HIGH_AT } from './layout.ts'
import type { Region } from './region.ts'

export { GAUGE_CONNECTIONS, GAUGE_INFLIGHT, GAUGE_PENDING, GAUGE_RETRIES } from './layout.ts'

/**
 * What one service has of something at this moment, over all threads: requests in flight, second tries, connections,
 * requests that wait. As in tally.ts each thread counts in words that only it writes, a reader sums them, and when a
 * thread dies its words are zeroed and nothing is left hanging.
 */
export class Gauges {
  readonly #words: Int32Array
  readonly #at: number
  readonly #ownAt: number
  readonly #stride: number

  constructor({ words, layout }: Region, seat: number, service: number) {
    this.#words = words
    this.#at = layout.gaugesAt + service * GAUGE_WORDS
    this.#stride = layout.gaugesStride
    this.#ownAt = this.#at + seat * layout.gaugesStride
  }

  /** One more of it. Plain: this thread is the only writer of its words. */
  enter(gauge: number): void {
    this.#words[this.#ownAt + gauge]++
  }

  /** One fewer. Never below zero: what a thread gives back it has taken. */
  leave(gauge: number): void {
    const at = this.#ownAt + gauge
    if (this.#words[at] > 0) this.#words[at]--
  }

  /** How many there are, all threads together; another thread's may be a few nanoseconds old. */
  sum(gauge: number): number {
    const words = this.#words
    let at = this.#at + gauge
    let sum = words[at]
    for (let seat = words[SEATS_HIGH_AT]; seat > 1; seat--) {
      at += this.#stride
      sum += words[at]
    }
    return sum
  }

  /** This thread's share of it. */
  own(gauge: number): number {
    return this.#words[this.#ownAt + gauge]
  }

  /**
   * One more of it unless there are `limit` already; false then, and nothing has changed.
   *
   * writes    this thread's word
   * reads     the words of all seats in use
   * ordering  SeqCst add of one's own, then SeqCst loads of the others: of two that enter at one moment at least one sees
   *           the other, so there are never more than `limit`. Both may, and then both withdraw
   * progress  wait-free: one load per seat
   * pairs     itself; leave, which is plain: a place that was given up is seen a little late
   */
  tryEnter(gauge: number, limit: number): boolean {
    if (this.sum(gauge) >= limit) return false
    const words = this.#words
    atomics.add(words, this.#ownAt + gauge, 1)
    let sum = 0
    for (let seat = atomics.load(words, SEATS_HIGH_AT) - 1; seat >= 0; seat--) {
      sum += atomics.load(words, this.#at + gauge + seat * this.#stride)
    }
    if (sum <= limit) return true
    atomics.sub(words, this.#ownAt + gauge, 1)
    return false
  }
}
