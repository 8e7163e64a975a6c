/** Looks in a row before the core is given away: 20 µs or so, in which the other side frees or fills some kilobytes. */
const LOOKS = 2000
/** How long the core is given away, in ms; Linux adds some 50 µs of its own. */
const NAP_MS = 0.01
/** After so many naps in vain, seconds, whoever is waited for is gone. */
const NAPS_MOST = 100_000

/**
 * How whoever finds a ring full, or empty, waits: it looks again at once, and after some thousand looks in vain lets others have the core.
 * JavaScript has no yield; a sleep of microseconds on a word that nobody wakes is the nearest thing to it. All sides that share memory
 * wait like this, so what one of them is ahead by is not its waiting. Pauses of a microsecond between looks were tried, so that the cursor's
 * line is left to who writes it: all sides took longer.
 */
export class Patience {
  readonly #word = new Int32Array(new SharedArrayBuffer(4))
  #looks = 0
  #naps = 0

  /** In vain. @throws when it has been in vain for seconds */
  wait(): void {
    if (++this.#looks < LOOKS) return
    this.#looks = 0
    if (++this.#naps > NAPS_MOST) throw new Error('Cannot measure: the other side of the ring is gone')
    Atomics.wait(this.#word, 0, 0, NAP_MS)
  }

  /** Not in vain. */
  begin(): void {
    this.#looks = 0
    this.#naps = 0
  }
}
