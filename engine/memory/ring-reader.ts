import { atomics } from './atomics.ts'
import {
  FREEING_CURSOR,
  HEADER_BYTES,
  headerWord,
  invalid,
  PADDING,
  READ_CURSOR,
  READER,
  type RingMemory,
  WRITE_CURSOR,
} from './ring-layout.ts'
import { doze, sleep, sleepAsync } from './ring-sleep.ts'

/** Hears one record: its payload is `bytes[offset]` to `bytes[offset + length - 1]`, valid until it returns. */
export type OnRecord = (type: number, bytes: Uint8Array, offset: number, length: number) => void

/** The thread's way out of a ring. One at a time; nothing here allocates per record. */
export class RingReader {
  /** The whole ring as bytes, as given to every `onRecord`. */
  readonly bytes: Uint8Array
  /** The same memory as 32-bit words; a payload begins at `offset >> 2`. */
  readonly words: Int32Array
  readonly #memory: RingMemory
  readonly #isReadable = () => this.#hasRecord()
  #cursor: number
  #isOpen = true
  #isDraining = false

  /** Use `ring.reader()`, which makes sure that there is one. */
  constructor(memory: RingMemory) {
    this.#memory = memory
    this.bytes = memory.bytes
    this.words = memory.words
    this.#cursor = atomics.load(memory.words, READ_CURSOR)
  }

  /**
   * Hands the records that are there, oldest first and `limit` at most, to `onRecord`; returns how many. Stops before a
   * record that is claimed and not committed, however much lies behind it, and at what was there when it began, so it
   * ends even while writers go on. A record whose `onRecord` throws counts as consumed, and the error goes to the
   * caller. A drain within a drain gets nothing.
   *
   * writes    FREEING_CURSOR, zeroes over the consumed records, READ_CURSOR
   * reads     WRITE_CURSOR, and of each record length, type, payload
   * ordering  one writer: SeqCst load of WRITE_CURSOR, then the rest Unordered. Many writers: SeqCst load of each
   *           length, then its type and payload Unordered
   * progress  wait-free; never waits for a writer
   * pairs     commit, and tryClaim for the room given back
   */
  drain(onRecord: OnRecord, limit = 0x7fffffff): number {
    if (!this.#isOpen || this.#isDraining) return 0
    const { words, bytes } = this
    const { units, firstWord, hasManyWriters } = this.#memory
    const endCursor = atomics.load(words, WRITE_CURSOR)
    let from = this.#cursor
    let cursor = from
    let records = 0
    this.#isDraining = true
    try {
      while (this.#isOpen && records < limit && ((endCursor - cursor) | 0) > 0) {
        const header = firstWord + 2 * (cursor & (units - 1))
        const length = hasManyWriters ? atomics.load(words, header) : words[header]!
        if (length <= 0) break
        const type = words[header + 1]!
        cursor = (cursor + ((length + 7) >> 3)) | 0
        if (type !== PADDING) {
          records++
          onRecord(type, bytes, (header + 2) << 2, length - HEADER_BYTES)
        }
        // Giving back a quarter at a time lets the writers go on while a long batch is being read.
        if (((cursor - from) | 0) >= units >> 2) from = this.#giveBack(from, cursor)
      }
    } finally {
      this.#isDraining = false
      if (cursor !== from) this.#giveBack(from, cursor)
      if (!this.#isOpen) atomics.store(words, READER, 0)
    }
    return records
  }

  /**
   * Blocks this thread until there is something to drain, `timeoutMs` at most; says whether there is. Only for threads
   * without sockets and timers: the event loop stands still. What is there may turn out to be padding, so that `drain`
   * returns 0.
   *
   * @param timeoutMs from 0; not Infinity
   * @throws SignalboxError SBX_RING_INVALID for another timeout
   */
  wait(timeoutMs: number): boolean {
    return sleep(this.words, this.#isReadable, checkTimeout(timeoutMs))
  }

  /**
   * The same as a promise, for threads that have other work. Holds the thread's event loop open meanwhile.
   *
   * @param timeoutMs from 0; not Infinity
   * @throws SignalboxError SBX_RING_INVALID (as a rejection) for another timeout
   */
  async waitAsync(timeoutMs: number): Promise<boolean> {
    return sleepAsync(this.words, this.#isReadable, checkTimeout(timeoutMs))
  }

  /**
   * Says that this thread looks no more until it is sent word: the writer whose next commit finds it so has `hasWoken`, and reaches it
   * by a way of its own, such as a message. False: something is there already, drain again. Nothing is waited for.
   */
  doze(): boolean {
    return doze(this.words, this.#isReadable)
  }

  /**
   * Gives the reader's place back, so that another thread can read on from here. Called by a record's own listener, it
   * ends the drain after that record, and the place is free once what was read is given back. As often as you like.
   */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (!this.#isDraining) atomics.store(this.words, READER, 0)
  }

  #hasRecord(): boolean {
    const { words } = this
    if (atomics.load(words, WRITE_CURSOR) === this.#cursor) return false
    return !this.#memory.hasManyWriters || atomics.load(words, headerWord(this.#memory, this.#cursor)) > 0
  }

  #giveBack(from: number, to: number): number {
    this.#cursor = to
    giveBack(this.#memory, from, to)
    return to
  }
}

/**
 * Frees what was consumed from cursor `from` to `to`. For many writers it is zeroed first: the next claim of a place is
 * visible before its length is, and an old length there would be read as a record.
 *
 * writes    FREEING_CURSOR, the even words (where a length can be), READ_CURSOR
 * reads     nothing
 * ordering  SeqCst exchange of FREEING_CURSOR, then zeroes Unordered, then SeqCst store of READ_CURSOR. An exchange and
 *           not a store: a plain write may take effect before an earlier store, but recovery must not see a zero while
 *           it still sees the old cursor
 * progress  wait-free
 * pairs     tryClaim (loads READ_CURSOR), recover (adds 0 to FREEING_CURSOR), freeReader (finishes for a reader that
 *           died)
 */
function giveBack(memory: RingMemory, from: number, to: number): void {
  const { words, units, firstWord, hasManyWriters } = memory
  if (hasManyWriters) {
    atomics.exchange(words, FREEING_CURSOR, to)
    const first = from & (units - 1)
    const end = first + ((to - from) | 0)
    const wrap = end > units ? end - units : 0
    for (let word = firstWord + 2 * first, stop = firstWord + 2 * (end - wrap); word < stop; word += 2) words[word] = 0
    for (let word = firstWord, stop = firstWord + 2 * wrap; word < stop; word += 2) words[word] = 0
  }
  atomics.store(words, READ_CURSOR, to)
}

/**
 * Takes the reader's place.
 *
 * writes    READER
 * reads     READER
 * ordering  SeqCst compareExchange: of two readers one gets the place
 * progress  wait-free
 * pairs     close, freeReader
 * @throws SignalboxError SBX_RING_INVALID when a reader is open
 */
export function takeReader(memory: RingMemory): void {
  if (atomics.compareExchange(memory.words, READER, 0, 1) !== 0) {
    throw invalid('read', 'it has a reader, close that one, or call recoverReader if its thread is dead')
  }
}

/**
 * Frees the place of a reader whose thread is dead, and finishes giving back what that reader had consumed. Records
 * that it was handed in the batch it died in, and had not begun to give back, are handed out again.
 *
 * writes    zeroes, READ_CURSOR, READER
 * reads     READ_CURSOR, FREEING_CURSOR
 * ordering  SeqCst; the dead thread's plain zeroes are simply written again
 * progress  wait-free
 * pairs     giveBack (may have stopped half-way)
 */
export function freeReader(memory: RingMemory): void {
  const { words } = memory
  const from = atomics.load(words, READ_CURSOR)
  const to = atomics.load(words, FREEING_CURSOR)
  if (memory.hasManyWriters && from !== to) giveBack(memory, from, to)
  atomics.store(words, READER, 0)
}

function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs < Infinity) return timeoutMs
  throw invalid('wait at', `timeoutMs is ${timeoutMs}, give a number of milliseconds from 0`)
}
