import { chance, type Dice } from '../kit/dice.ts'

/**
 * Time, as the bridge gets it: through this port and from nowhere else, so that all of it can run in virtual time. The clock of the
 * agents' kit is one.
 */
export interface BridgeClock {
  /** Monotonic, in ms. It may wrap at 32 bits: two readings are compared by `elapsedMs`, never with `<`. */
  now(): number
  /**
   * Calls back once, after so many ms; returns how to call it off. With `isLoose` nobody waits for it: it need not be exact, and does
   * not keep the process alive.
   */
  later(delayMs: number, callback: () => void, isLoose?: boolean): () => void
  /** By which those that failed at one moment do not try again at one. Left out: they do. */
  readonly dice?: Dice
}

/** The clock of this process. */
export const realClock: BridgeClock = {
  now: () => performance.now(),
  later(delayMs, callback, isLoose = false) {
    const timer = setTimeout(callback, delayMs)
    if (isLoose) timer.unref()
    return () => clearTimeout(timer)
  },
  dice: chance,
}

export function pause(clock: BridgeClock, ms: number): Promise<void> {
  return new Promise(resolve => void clock.later(ms, resolve))
}

/** After a silence of the store it is asked again so soon, in ms, give or take half of that. */
export const AGAIN_MS = 20

export function pauseAgain(clock: BridgeClock): Promise<void> {
  return pause(clock, AGAIN_MS * (0.5 + (clock.dice?.() ?? 0.5)))
}
