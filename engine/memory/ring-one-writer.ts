import { atomics } from './atomics.ts'
import { HEADER_BYTES, headerWord, PADDING, READ_CURSOR, type RingMemory, WRITE_CURSOR } from './ring-layout.ts'
import { wakeReader } from './ring-sleep.ts'
import { RING, RingWriter } from './ring-writer.ts'

/**
 * The writer of a ring with one writer. Nobody else moves the write cursor, so it moves at commit: what is not
 * committed does not exist for anyone, and a writer that dies at any step leaves nothing to repair.
 */
export class OneWriter extends RingWriter {
  #writeCursor: number
  /**
   * The read cursor as last looked up: the room it promises is there, perhaps more. Never older than one ring of own
   * records.
   */
  #readCursor: number
  #endCursor = 0

  constructor(memory: RingMemory, id: number) {
    super(memory, id)
    this.#writeCursor = atomics.load(memory.words, WRITE_CURSOR)
    this.#readCursor = atomics.load(memory.words, READ_CURSOR)
  }

  /**
   * See RingWriter.tryClaim.
   *
   * writes    padding before a wrap, beyond the write cursor, where the reader does not look
   * reads     READ_CURSOR, only when the room known of does not do
   * ordering  SeqCst load of READ_CURSOR: the reader is done with everything before it
   * progress  wait-free
   * pairs     drain (moves READ_CURSOR)
   */
  tryClaim(type: number, bytes: number): number {
    const refusal = this.refusal(type, bytes)
    if (refusal < 0) return refusal
    const { memory, words } = this
    const { units } = memory
    const cursor = this.#writeCursor
    const need = (bytes + HEADER_BYTES + 7) >> 3
    const toEnd = units - (cursor & (units - 1))
    const padding = toEnd < need ? toEnd : 0
    if (units - ((cursor - this.#readCursor) | 0) < padding + need) {
      this.#readCursor = atomics.load(words, READ_CURSOR)
      if (units - ((cursor - this.#readCursor) | 0) < padding + need) return RING.FULL
    }
    if (padding > 0) {
      const header = headerWord(memory, cursor)
      words[header] = padding << 3
      words[header + 1] = PADDING
    }
    const header = headerWord(memory, cursor + padding)
    words[header] = -(bytes + HEADER_BYTES)
    this.#endCursor = (cursor + padding + need) | 0
    this.openType = type
    this.openOffset = (header + 2) << 2
    return this.openOffset
  }

  /**
   * See RingWriter.commit.
   *
   * writes    length and type, then WRITE_CURSOR
   * reads     SLEEPING
   * ordering  header and payload Unordered, then SeqCst store of WRITE_CURSOR, which publishes them
   * progress  wait-free
   * pairs     drain (loads WRITE_CURSOR), sleep
   */
  commit(offset: number): void {
    const { words } = this
    const header = this.endClaim('commit', offset)
    words[header] = -words[header]!
    words[header + 1] = this.openType
    this.#writeCursor = this.#endCursor
    atomics.store(words, WRITE_CURSOR, this.#endCursor)
    this.hasWoken = wakeReader(words)
  }

  /** See RingWriter.abort. The claim was never visible: the next one takes its place. */
  abort(offset: number): void {
    this.endClaim('abort', offset)
  }
}
