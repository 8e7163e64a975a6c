import { atomics } from './atomics.ts'
import {
  CLOCK_MS_AT,
  DRAINER_AT,
  OUTCOME_LOST,
  OUTCOME_READ,
  OUTCOME_RECORDS,
  OUTCOME_WRITE,
  RECORD_WORDS,
  SEATS_HIGH_AT,
} from './layout.ts'
import type { Region } from './region.ts'

/**
 * How requests ended, from each thread to the one that drains: a ring per seat, one writer and one reader, records of
 * four words.
 *
 *   OUTCOME_READ ──▶ [ ticket │ outcome │ latency µs │ clock ms ] … ◀── OUTCOME_WRITE
 *
 * Both cursors count records and grow modulo 2^32; they are compared by difference, never by order. A full ring
 * refuses the new record and counts it: telemetry is lost and said to be lost, a request never waits for it.
 */
export class OutcomeWriter {
  readonly #words: Int32Array
  readonly #at: number
  readonly #mask: number
  #write: number
  #read: number

  constructor(region: Region, seat: number) {
    const { layout } = region
    this.#words = region.words
    this.#at = layout.outcomeRingsAt + seat * layout.outcomeRingWords
    this.#mask = layout.outcomes - 1
    // A former holder of the seat left its cursor here; its records are drained like any others.
    this.#write = atomics.load(this.#words, this.#at + OUTCOME_WRITE)
    this.#read = atomics.load(this.#words, this.#at + OUTCOME_READ)
  }

  /**
   * Reports one outcome, or counts it as lost when the ring is full. Does nothing while nobody drains.
   *
   * writes    one record, then OUTCOME_WRITE; or OUTCOME_LOST
   * reads     DRAINER; OUTCOME_READ only when the ring looks full
   * ordering  Unordered record, then a SeqCst store of the cursor; SeqCst load of the reader's cursor
   * progress  wait-free
   * pairs     drainOutcomes
   */
  report(ticket: number, outcome: number, latencyUs: number): void {
    const words = this.#words
    if (words[DRAINER_AT] === 0) return
    const write = this.#write
    if (((write - this.#read) | 0) > this.#mask) {
      this.#read = atomics.load(words, this.#at + OUTCOME_READ)
      if (((write - this.#read) | 0) > this.#mask) {
        words[this.#at + OUTCOME_LOST]++
        return
      }
    }
    const record = this.#at + OUTCOME_RECORDS + (write & this.#mask) * RECORD_WORDS
    words[record] = ticket
    words[record + 1] = outcome
    words[record + 2] = latencyUs
    words[record + 3] = words[CLOCK_MS_AT]
    this.#write = (write + 1) | 0
    atomics.store(words, this.#at + OUTCOME_WRITE, this.#write)
  }
}

/** Receives one outcome. The numbers are those of `settle`, with the router's ticket and the outcome's code. */
export type OnOutcome = (ticket: number, outcome: number, latencyUs: number, clockMs: number) => void

/**
 * Names this seat the one drainer of all outcome rings. False when a living thread is it already.
 *
 * writes    DRAINER
 * ordering  SeqCst compareExchange
 * progress  wait-free
 * pairs     freeSeat, which clears it when the drainer's thread has ended
 */
export function becomeDrainer(region: Region, seat: number): boolean {
  const before = atomics.compareExchange(region.words, DRAINER_AT, 0, seat + 1)
  return before === 0 || before === seat + 1
}

/**
 * Reads at most `limit` outcomes from each ring, oldest first per thread, and returns how many.
 *
 * writes    OUTCOME_READ of each ring, after the records were handed on
 * reads     OUTCOME_WRITE, records
 * ordering  SeqCst load of the write cursor, Unordered records, SeqCst store of the read cursor
 * progress  wait-free: at most `limit` per seat
 * pairs     OutcomeWriter.report
 */
export function drainOutcomes(region: Region, onOutcome: OnOutcome, limit: number): number {
  const { words, layout } = region
  const mask = layout.outcomes - 1
  let drained = 0
  const high = atomics.load(words, SEATS_HIGH_AT)
  for (let seat = 0; seat < high; seat++) {
    const at = layout.outcomeRingsAt + seat * layout.outcomeRingWords
    const write = atomics.load(words, at + OUTCOME_WRITE)
    let read = atomics.load(words, at + OUTCOME_READ)
    for (let left = limit; left > 0 && read !== write; left--) {
      const record = at + OUTCOME_RECORDS + (read & mask) * RECORD_WORDS
      onOutcome(words[record], words[record + 1], words[record + 2], words[record + 3])
      read = (read + 1) | 0
      drained++
    }
    atomics.store(words, at + OUTCOME_READ, read)
  }
  return drained
}

/** Outcomes that were never reported because a ring was full, all threads together, modulo 2^32. */
export function outcomesLost(region: Region): number {
  const { words, layout } = region
  let lost = 0
  for (let seat = 0; seat < words[SEATS_HIGH_AT]; seat++) {
    lost += words[layout.outcomeRingsAt + seat * layout.outcomeRingWords + OUTCOME_LOST] >>> 0
  }
  return lost
}
