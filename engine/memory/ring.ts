import { atomics } from './atomics.ts'
import {
  LOSS,
  layRing,
  READ_CURSOR,
  type RingMemory,
  type RingOptions,
  ringMemory,
  WRITE_CURSOR,
} from './ring-layout.ts'
import { ManyWriter } from './ring-many-writers.ts'
import { OneWriter } from './ring-one-writer.ts'
import { freeReader, RingReader, takeReader } from './ring-reader.ts'
import { recoverSeat } from './ring-recovery.ts'
import { type RingWriter, takeSeat } from './ring-writer.ts'

export type { RingOptions } from './ring-layout.ts'
export type { OnRecord, RingReader } from './ring-reader.ts'
export { RING, type RingWriter } from './ring-writer.ts'

/**
 * Makes a ring: variable-length records from one thread, or from many, to one reader, through shared memory. Hand
 * `ring.buffer` to the other threads (`workerData`, `postMessage`) and `attachRing` it there.
 *
 * ```ts
 * const ring = createRing({ bytes: 64 * 1024, writers: 'many' })
 * const writer = ring.writer()
 * const offset = writer.tryClaim(1, 8)
 * if (offset >= 0) {
 *   writer.words[offset >> 2] = 42
 *   writer.commit(offset)
 * }
 * ring.reader().drain((type, bytes, offset, length) => console.log(type, bytes.subarray(offset, offset + length)))
 * ```
 *
 * A record that was accepted is delivered once, whole, and in the order of its writer; a full ring refuses and
 * overwrites nothing.
 *
 * @throws SignalboxError SBX_RING_INVALID for options out of range
 */
export function createRing(options: RingOptions): Ring {
  return new Ring(layRing(options))
}

/**
 * Opens a ring that another thread created, from its `ring.buffer`.
 *
 * @throws SignalboxError SBX_RING_INVALID when the buffer is not a ring of this layout
 */
export function attachRing(buffer: SharedArrayBuffer): Ring {
  return new Ring(ringMemory(buffer))
}

/** A ring as one thread sees it: who may write, who may read, and what to do when one of them has died. */
export class Ring {
  readonly buffer: SharedArrayBuffer
  readonly writers: 'one' | 'many'
  /** Size of the record area in bytes. */
  readonly capacityBytes: number
  /** Longest payload in bytes that a record may have: an eighth of the capacity. */
  readonly longestBytes: number
  readonly #memory: RingMemory

  /** Use `createRing` or `attachRing`. */
  constructor(memory: RingMemory) {
    this.#memory = memory
    this.buffer = memory.buffer
    this.writers = memory.hasManyWriters ? 'many' : 'one'
    this.capacityBytes = memory.units * 8
    this.longestBytes = memory.longestBytes
  }

  /**
   * Opens a writer for this thread, on seat `id` or on any free one. Whoever watches over the thread needs the number
   * for `recover`: give it here, or tell it from `writer.id`.
   *
   * @throws SignalboxError SBX_RING_INVALID for a seat that does not exist, SBX_RING_SEATS_TAKEN when it is taken
   */
  writer(options: { id?: number } = {}): RingWriter {
    const id = takeSeat(this.#memory, options.id)
    return this.#memory.hasManyWriters ? new ManyWriter(this.#memory, id) : new OneWriter(this.#memory, id)
  }

  /**
   * Opens the reader for this thread.
   *
   * @throws SignalboxError SBX_RING_INVALID when another is open
   */
  reader(): RingReader {
    takeReader(this.#memory)
    return new RingReader(this.#memory)
  }

  /**
   * After the thread of writer `id` has ended: turns its claimed record, if any, to padding, so that the reader goes
   * on, and frees its seat. Returns 1 or 0, the claims turned; or RING.AGAIN, when a living writer has to take a step
   * first: call again soon. Never for a writer that may be alive, and from one thread at a time.
   *
   * @throws SignalboxError SBX_RING_INVALID for a seat that does not exist
   */
  recover(id: number): number {
    return recoverSeat(this.#memory, id)
  }

  /**
   * After the thread of the reader has ended: frees its place. The next reader begins where it stopped; records of the
   * batch it was handling come again. Never for a reader that may be alive.
   */
  recoverReader(): void {
    freeReader(this.#memory)
  }

  /**
   * Records that writers gave up and counted by `lose`, modulo 2^32: take differences.
   *
   * writes    nothing
   * reads     LOSS
   * ordering  SeqCst load
   * progress  wait-free
   * pairs     lose
   */
  get loss(): number {
    return atomics.load(this.#memory.words, LOSS) >>> 0
  }

  /**
   * Bytes claimed and not yet given back by the reader, headers and padding included: from 0 to `capacityBytes`. For
   * gauges; it is old when you have it.
   *
   * writes    nothing
   * reads     READ_CURSOR, WRITE_CURSOR
   * ordering  SeqCst loads, the reader's first: the difference is not negative, and bounded for the writers that
   *           overtake it
   * progress  wait-free
   * pairs     tryClaim, drain
   */
  get backlogBytes(): number {
    const { words, units } = this.#memory
    const readCursor = atomics.load(words, READ_CURSOR)
    return 8 * Math.min((atomics.load(words, WRITE_CURSOR) - readCursor) >>> 0, units)
  }
}
