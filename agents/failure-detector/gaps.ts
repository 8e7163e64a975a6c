import { elapsedMs } from '../../engine/writer.ts'

/** What is usual is that of this window and of the one before, in ms: as in silence.ts. */
const WINDOW_MS = 5000
/** Times between answers that it takes to know what is usual: the longest of a few is soon exceeded. */
const GAPS_MIN = 20

interface Window {
  longestMs: number
  gaps: number
}

/** The times between two answers of an endpoint, of late. */
export class Gaps {
  #window: Window = { longestMs: 0, gaps: 0 }
  #before: Window = { longestMs: 0, gaps: 0 }
  #sinceMs: number

  constructor(now: number) {
    this.#sinceMs = now
  }

  add(ms: number, now: number): void {
    if (elapsedMs(now, this.#sinceMs) > WINDOW_MS) {
      this.#before = this.#window
      this.#window = { longestMs: 0, gaps: 0 }
      this.#sinceMs = now
    }
    this.#window.gaps++
    this.#window.longestMs = Math.max(this.#window.longestMs, ms)
  }

  /** Infinity as long as too little is known. */
  get longestMs(): number {
    if (this.#window.gaps + this.#before.gaps < GAPS_MIN) return Number.POSITIVE_INFINITY
    return Math.max(this.#window.longestMs, this.#before.longestMs)
  }
}
