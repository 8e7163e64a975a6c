import { atomics } from './atomics.ts'
import { LINE_WORDS } from './layout.ts'

/**
 * How whoever supervises threads sees that they turn, and tells them that they may no longer write: lines in a block of
 * shared memory of its own.
 *
 *   word                                                                 owner (writes)
 *    0 BEATS        how often its event loop came round, mod 2^32        the thread
 *    1 BEAT_MS      the region's clock at that moment                    the thread
 *    2 HANDLED      signals it has dealt with, mod 2^32                  the thread
 *    3 DROPPED      signals it had no room for, mod 2^32                 the thread
 *    4 MEMORY_KIB   what it holds: heap and buffers outside of it        the thread
 *    5 LIMIT_KIB    how large its heap may become                        the thread
 *    6 REFUSED      writes to the tables that came too late, mod 2^32    the thread
 *    7 INCARNATION  the one that may write to the tables                 the supervisor
 *    8 KERNEL_ID    what the kernel calls the thread; 0: unknown          the thread
 *
 * A word that stands still says only that the thread did not run: whether it hangs or the machine starves is for the
 * reader to tell apart.
 */
const BEATS = 0
const BEAT_MS = 1
const HANDLED = 2
const DROPPED = 3
const MEMORY_KIB = 4
const LIMIT_KIB = 5
const REFUSED = 6
const INCARNATION = 7
const KERNEL_ID = 8

export class Heartbeats {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array

  /** Over a buffer of `createHeartbeats`, in any thread. */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  /**
   * Shows that the thread of this line turns.
   *
   * writes    its line
   * reads     BEATS
   * ordering  Unordered, then a SeqCst store of BEATS: who sees the new beat sees the words that belong to it
   * progress  wait-free
   * pairs     beats
   */
  beat(line: number, nowMs: number, handled: number, dropped: number): void {
    const words = this.#words
    const at = line * LINE_WORDS
    words[at + BEAT_MS] = nowMs
    words[at + HANDLED] = handled
    words[at + DROPPED] = dropped
    atomics.store(words, at + BEATS, (words[at + BEATS] + 1) | 0)
  }

  /** Notes what the thread holds and how large its heap may become, in KiB. The next beat makes it seen. */
  weigh(line: number, memoryKib: number, limitKib: number): void {
    const at = line * LINE_WORDS
    this.#words[at + MEMORY_KIB] = memoryKib
    this.#words[at + LIMIT_KIB] = limitKib
  }

  /** Says what the kernel calls the thread. */
  nameThread(line: number, kernelId: number): void {
    this.#words[line * LINE_WORDS + KERNEL_ID] = kernelId
  }

  /**
   * How often the thread has shown that it turns; only whether it changed means something.
   *
   * reads     BEATS
   * ordering  SeqCst
   * progress  wait-free
   * pairs     beat
   */
  beats(line: number): number {
    return atomics.load(this.#words, line * LINE_WORDS + BEATS)
  }

  beatMs = (line: number): number => this.#words[line * LINE_WORDS + BEAT_MS]
  handled = (line: number): number => this.#words[line * LINE_WORDS + HANDLED] >>> 0
  dropped = (line: number): number => this.#words[line * LINE_WORDS + DROPPED] >>> 0
  memoryKib = (line: number): number => this.#words[line * LINE_WORDS + MEMORY_KIB]
  limitKib = (line: number): number => this.#words[line * LINE_WORDS + LIMIT_KIB]
  kernelId = (line: number): number => this.#words[line * LINE_WORDS + KERNEL_ID]
  refused = (line: number): number => this.#words[line * LINE_WORDS + REFUSED] >>> 0

  /** Readies a line for a thread that is about to start as this incarnation, 1 or more. Only while none writes it. */
  begin(line: number, nowMs: number, incarnation = 1): void {
    const at = line * LINE_WORDS
    this.#words.fill(0, at, at + INCARNATION)
    this.#words[at + KERNEL_ID] = 0
    this.#words[at + BEAT_MS] = nowMs
    atomics.store(this.#words, at + INCARNATION, incarnation)
  }

  /**
   * From here on the thread of this line may write no more, whether it knows yet or not: another is to follow it.
   *
   * writes    INCARNATION
   * ordering  SeqCst add: a write that asked before may still be on its way, one word at most, and none that asks after it is done
   * progress  wait-free
   * pairs     mayWrite
   */
  revoke(line: number): void {
    atomics.add(this.#words, line * LINE_WORDS + INCARNATION, 1)
  }

  /**
   * Whether this incarnation may write to the tables. A refusal is counted.
   *
   * writes    REFUSED, where it may not
   * reads     INCARNATION
   * ordering  SeqCst
   * progress  wait-free
   * pairs     revoke
   */
  mayWrite(line: number, incarnation: number): boolean {
    const at = line * LINE_WORDS
    if (atomics.load(this.#words, at + INCARNATION) === incarnation) return true
    this.#words[at + REFUSED] = (this.#words[at + REFUSED] + 1) | 0
    return false
  }
}

/** Room for the heartbeats of so many threads. */
export function createHeartbeats(lines: number): Heartbeats {
  return new Heartbeats(new SharedArrayBuffer(Math.max(1, lines) * LINE_WORDS * 4))
}
