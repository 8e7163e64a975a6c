import {
  SEATS_HIGH_AT,
  TRAFFIC_RECEIVED,
  TRAFFIC_SENT,
  TRAFFIC_TIMED_BYTES,
  TRAFFIC_TIMED_US,
  TRAFFIC_WORDS,
} from './layout.ts'
import type { Region } from './region.ts'

/** What went to and from a row since the region began, all threads together; each modulo 2^32, so that differences are what counts. */
export interface RowTraffic {
  /** Bytes of bodies. */
  sent: number
  received: number
  /** Of the received those of bodies that were timed, and how long these took, in µs. */
  timedBytes: number
  timedUs: number
}

/**
 * What one thread carried, in a block that only this thread writes: four words a row, see layout.ts. Of answers that came whole; one
 * that breaks off, or a connection that goes on in another protocol, is not in it.
 */
export class Traffic {
  readonly #words: Int32Array
  readonly #at: number

  constructor({ words, layout }: Region, seat: number) {
    this.#words = words
    this.#at = layout.trafficAt + seat * layout.trafficStride
  }

  /**
   * An exchange with the row is over: bytes of both bodies, and how long the answer's took, in µs; 0: nobody can say, for it was short. Call it before the ticket is settled: until then the row has this tenant.
   *
   * writes    this thread's words of the row
   * ordering  Unordered: this thread is the only writer of its block, and each word is true on its own
   * progress  wait-free
   * pairs     trafficOf
   */
  carry(row: number, sent: number, received: number, tookUs: number): void {
    const words = this.#words
    const at = this.#at + row * TRAFFIC_WORDS
    words[at + TRAFFIC_SENT] += sent
    words[at + TRAFFIC_RECEIVED] += received
    if (tookUs <= 0) return
    words[at + TRAFFIC_TIMED_BYTES] += received
    words[at + TRAFFIC_TIMED_US] += tookUs
  }
}

/** Sums over the seats that were ever taken. What a former tenant of the row had is in it: compare with what it was before. */
export function trafficOf({ words, layout }: Region, row: number): RowTraffic {
  const sum: RowTraffic = { sent: 0, received: 0, timedBytes: 0, timedUs: 0 }
  for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++) {
    const at = layout.trafficAt + seat * layout.trafficStride + row * TRAFFIC_WORDS
    sum.sent += words[at + TRAFFIC_SENT]
    sum.received += words[at + TRAFFIC_RECEIVED]
    sum.timedBytes += words[at + TRAFFIC_TIMED_BYTES]
    sum.timedUs += words[at + TRAFFIC_TIMED_US]
  }
  return {
    sent: sum.sent >>> 0,
    received: sum.received >>> 0,
    timedBytes: sum.timedBytes >>> 0,
    timedUs: sum.timedUs >>> 0,
  }
}
