import type { Clock } from '../clock.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Messages that wait for a node that stands still: what a socket would hold. What comes beyond is lost. */
const ARRIVED_MAX = 4096

/**
 * The clock of one node of several on one virtual clock, and whether that node runs at all.
 *
 *   runs ── stop(ms) ──▶ stands still: timers and messages wait ──▶ runs: first the timers that fell due, then the messages
 *     └──── end() ─────▶ over: nothing is called back any more
 *
 * Monotonic time goes on while it stands still, as that of a process does that was sent SIGSTOP. Its monotonic clock begins where no
 * other node's does: whoever compares two of them finds nonsense, as between machines.
 */
export class NodeClock implements Clock {
  /** Of the wall clock, against that of the others, in ms. */
  skewMs = 0
  readonly #time: VirtualClock
  readonly #offsetMs: number
  #standsUntilMs = 0
  #isOver = false
  #due: (() => void)[] = []
  #arrived: (() => void)[] = []
  #starving: (() => void) | undefined

  constructor(time: VirtualClock, offsetMs: number) {
    this.#time = time
    this.#offsetMs = offsetMs
  }

  now(): number {
    return this.preciseMs() | 0
  }

  preciseMs(): number {
    return this.#time.preciseMs() + this.#offsetMs
  }

  wallMs(): number {
    return this.#time.wallMs() + this.skewMs
  }

  later(delayMs: number, callback: () => void): () => void {
    let isOff = false
    const once = (): void => {
      if (isOff) return
      isOff = true
      callback()
    }
    const cancel = this.#time.later(delayMs, () => this.#run(once, this.#due))
    return () => {
      isOff = true
      cancel()
    }
  }

  /** A message is here: it is read when the node runs. False: there is no room for it, or the node is no more. */
  arrive(read: () => void): boolean {
    if (this.#isOver || this.#arrived.length >= ARRIVED_MAX) return false
    this.#run(read, this.#arrived)
    return true
  }

  /** Stands still for so many ms from now on; a longer stop that is under way stays. */
  stop(ms: number): void {
    const untilMs = this.#time.preciseMs() + ms
    if (ms <= 0 || untilMs <= this.#standsUntilMs) return
    this.#standsUntilMs = untilMs
    this.#time.later(ms, () => this.#goOn())
  }

  /** Gets one part in `factor` of its time, in turns of so many ms; 1: all of it again. */
  starve(factor: number, turnMs: number): void {
    this.#starving?.()
    this.#starving = undefined
    if (factor <= 1 || this.#isOver) return
    const turn = (): void => {
      this.stop(turnMs * (1 - 1 / factor))
      this.#starving = this.#time.later(turnMs, turn)
    }
    turn()
  }

  end(): void {
    this.#isOver = true
    this.#starving?.()
    this.#due = []
    this.#arrived = []
  }

  get #isStanding(): boolean {
    return this.#time.preciseMs() < this.#standsUntilMs
  }

  #run(what: () => void, waiting: (() => void)[]): void {
    if (this.#isOver) return
    // Behind what waits already: a node that wakes up reads in order.
    if (this.#isStanding || this.#due.length + this.#arrived.length > 0) waiting.push(what)
    else what()
  }

  #goOn(): void {
    if (this.#isOver || this.#isStanding) return
    for (const waiting of [this.#due, this.#arrived]) {
      for (const what of waiting.splice(0)) if (!this.#isOver) what()
    }
  }
}
