import { atomics } from './atomics.ts'
import { LINE_WORDS } from './layout.ts'

/**
 * How whoever supervises threads sees that they turn: one line a thread, in a block of shared memory of its own.
 *
 *   word                                                          owner (writes)
 *    0 BEATS     how often its event loop came round, mod 2^32    the thread
 *    1 BEAT_MS   the region's clock at that moment                the thread
 *    2 HANDLED   signals it has dealt with, mod 2^32              the thread
 *    3 DROPPED   signals it had no room for, mod 2^32             the thread
 *
 * A word that stands still says only that the thread did not run: whether it hangs or the machine starves is for the
 * reader to tell apart.
 */
const BEATS = 0
const BEAT_MS = 1
const HANDLED = 2
const DROPPED = 3

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

  /** Readies a line for a thread that is about to start. Only while none writes it. */
  begin(line: number, nowMs: number): void {
    const at = line * LINE_WORDS
    this.#words.fill(0, at, at + LINE_WORDS)
    this.#words[at + BEAT_MS] = nowMs
  }
}

/** Room for the heartbeats of so many threads. */
export function createHeartbeats(lines: number): Heartbeats {
  return new Heartbeats(new SharedArrayBuffer(Math.max(1, lines) * LINE_WORDS * 4))
}
