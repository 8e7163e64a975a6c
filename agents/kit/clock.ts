import { type Attachment, elapsedMs, tickClock } from '../../engine/writer.ts'

/** The time, as agents get it: through this port and from nowhere else, so that a test can put a virtual one here. */
export interface Clock {
  /** The region's monotonic clock in ms, the one that words of the tables are in. Wraps: compare with `elapsedMs`. */
  now(): number
  /** Monotonic, in ms with fractions: to measure how long something takes, never to decide by. */
  preciseMs(): number
  /** Wall clock in ms since 1970, for signals' `time` alone. */
  wallMs(): number
  /**
   * Calls back once, after so many ms; returns how to call it off. With `isLoose` it may come half a beat early or late,
   * so as not to wake the thread for it alone.
   */
  later(delayMs: number, callback: () => void, isLoose?: boolean): () => void
}

/**
 * How often a thread shows that it turns, in ms: ten times within the supervisor's deadline of a second. It is also the
 * pace at which agents look at the tables, and at which their attachment rests, so that one wake-up serves all three.
 */
export const BEAT_MS = 100

/** The clock of a region, in whichever thread; every reading of it also ticks the region's. */
export class RegionClock implements Clock {
  readonly #attachment: Attachment

  constructor(attachment: Attachment) {
    this.#attachment = attachment
  }

  now(): number {
    return tickClock(this.#attachment.region)
  }

  preciseMs(): number {
    return performance.now()
  }

  wallMs(): number {
    return Date.now()
  }

  later(delayMs: number, callback: () => void, _isLoose = false): () => void {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  }
}

/**
 * The clock of a thread of agents. It beats every BEAT_MS, and what need not be exact is called back with a beat: waking up is most of
 * what an idle agent costs.
 */
export class ThreadClock extends RegionClock {
  readonly #beating: NodeJS.Timeout
  readonly #loose = new Set<Loose>()

  constructor(attachment: Attachment, onBeat: (nowMs: number) => void) {
    super(attachment)
    this.#beating = setInterval(() => {
      const now = this.now()
      onBeat(now)
      for (const loose of this.#loose) {
        if (elapsedMs(loose.dueMs, now) > BEAT_MS / 2) continue
        this.#loose.delete(loose)
        loose.callback()
      }
    }, BEAT_MS)
  }

  override later(delayMs: number, callback: () => void, isLoose = false): () => void {
    if (!isLoose || delayMs < BEAT_MS) return super.later(delayMs, callback)
    const loose = { dueMs: (this.now() + Math.round(delayMs)) | 0, callback }
    this.#loose.add(loose)
    return () => this.#loose.delete(loose)
  }

  close(): void {
    clearInterval(this.#beating)
    this.#loose.clear()
  }
}

interface Loose {
  readonly dueMs: number
  readonly callback: () => void
}

/** Wall clock in ms since 1970, for what others date by it: certificates. */
export function wallMs(): number {
  return Date.now()
}

/** The monotonic clock of whoever supervises, and of what times the world outside, in ms with fractions. */
export function steadyMs(): number {
  return performance.now()
}
