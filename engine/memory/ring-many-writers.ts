import { atomics } from './atomics.ts'
import {
  HEADER_BYTES,
  HOLD_CLAIM,
  HOLD_NOTHING,
  HOLD_TRYING,
  headerWord,
  PADDING,
  READ_CURSOR,
  type RingMemory,
  SEAT_CURSOR,
  SEAT_HOLD,
  SEAT_UNITS,
  seatWord,
  WRITE_CURSOR,
} from './ring-layout.ts'
import { wakeReader } from './ring-sleep.ts'
import { RING, RingWriter } from './ring-writer.ts'

/**
 * A writer of a ring with many writers. A claim goes through these steps, and the seat says how far it got:
 *
 *   seat cursor   seat hold   write cursor   length      if the writer ends here, recovery …
 *   T             nothing     T              0           finds nothing to do
 *   T             trying      T              0           finds nothing to do
 *   T             trying      T + units      0           must find out who moved the cursor: see ring-recovery.ts
 *   T             claim       T + units      0           turns the claim to padding
 *   T             claim       T + units      negative    turns the claim to padding
 *   T             claim       T + units      positive    finds nothing to do: the record is whole
 *   T             nothing     …              …           finds nothing to do
 *
 * Why the claim is a compareExchange of the write cursor: claimed by load and store, two writers get one place. Claimed
 * by compareExchange of the record's own length word there would be no step between claim and ownership at all, but a
 * writer that slept for a lap between its look and its claim would compare with a payload byte of another record, and
 * could hit. Only a word that never holds a payload may decide; and since the cursor does not repeat for 32 GiB, an old
 * value cannot win.
 */
export class ManyWriter extends RingWriter {
  readonly #seat: number

  constructor(memory: RingMemory, id: number) {
    super(memory, id)
    this.#seat = seatWord(id)
  }

  /**
   * See RingWriter.tryClaim.
   *
   * writes    own seat, WRITE_CURSOR, the length word of what it claimed
   * reads     WRITE_CURSOR, then READ_CURSOR: in this order a full ring is really full, and room that is only there for
   *           an old write cursor loses the compareExchange. A copy of the read cursor would not do: kept while others
   *           write, it would be believed again after a wrap
   * ordering  SeqCst store of SEAT_CURSOR before the SeqCst compareExchange of WRITE_CURSOR before the SeqCst store of
   *           the length: who sees a moved cursor and no length finds a living owner's seat pointing there
   * progress  lock-free: an attempt fails only because another writer's succeeded
   * pairs     drain (zeroes, then moves READ_CURSOR), recover (reads the seats)
   */
  tryClaim(type: number, bytes: number): number {
    const refusal = this.refusal(type, bytes)
    if (refusal < 0) return refusal
    const { memory, words } = this
    const { units } = memory
    const need = (bytes + HEADER_BYTES + 7) >> 3
    for (;;) {
      const cursor = atomics.load(words, WRITE_CURSOR)
      const readCursor = atomics.load(words, READ_CURSOR)
      const toEnd = units - (cursor & (units - 1))
      const padding = toEnd < need ? toEnd : 0
      if (units - ((cursor - readCursor) | 0) < padding + need) return RING.FULL
      if (!this.#claim(cursor, padding > 0 ? padding : need, readCursor)) continue
      const header = headerWord(memory, cursor)
      if (padding > 0) {
        this.#finish(header, PADDING, padding << 3)
        continue
      }
      atomics.store(words, header, -(bytes + HEADER_BYTES))
      this.openType = type
      this.openOffset = (header + 2) << 2
      return this.openOffset
    }
  }

  /**
   * See RingWriter.commit.
   *
   * writes    type, then length, then own seat
   * reads     length (own), SLEEPING
   * ordering  type and payload Unordered, then SeqCst store of the positive length, which publishes them
   * progress  wait-free
   * pairs     drain (loads the length), sleep
   */
  commit(offset: number): void {
    const header = this.endClaim('commit', offset)
    this.#finish(header, this.openType, -this.words[header]!)
    this.hasWoken = wakeReader(this.words)
  }

  /**
   * See RingWriter.abort. As commit, with the type of padding: the reader must step over the claim to reach what
   * follows.
   */
  abort(offset: number): void {
    const header = this.endClaim('abort', offset)
    this.#finish(header, PADDING, -this.words[header]!)
    this.hasWoken = wakeReader(this.words)
  }

  #claim(cursor: number, units: number, readCursor: number): boolean {
    const { words } = this
    const seat = this.#seat
    atomics.store(words, seat + SEAT_CURSOR, cursor)
    words[seat + SEAT_UNITS] = units
    words[seat + SEAT_HOLD] = HOLD_TRYING
    if (atomics.compareExchange(words, WRITE_CURSOR, cursor, (cursor + units) | 0) === cursor) {
      words[seat + SEAT_HOLD] = HOLD_CLAIM
      return true
    }
    // Step aside before anything else: if the ring is full because the winner died, nobody may go on mistaking us for
    // it.
    words[seat + SEAT_HOLD] = HOLD_NOTHING
    atomics.store(words, seat + SEAT_CURSOR, (readCursor - 1) | 0)
    return false
  }

  #finish(header: number, type: number, length: number): void {
    const { words } = this
    words[header + 1] = type
    atomics.store(words, header, length)
    words[this.#seat + SEAT_HOLD] = HOLD_NOTHING
  }
}
