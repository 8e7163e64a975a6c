import type { Router } from '../../router/router.ts'

/** Who waits in a line. */
export interface Waiter {
  /** How dear it is, see CLASS: the dearer ones go first. */
  readonly requestClass: number
  /** Room may be there now. False: there is none, and it keeps its place. */
  onTurn(): boolean
  /** Its time is over; it is in line no more. */
  onWaitedTooLong(): void
}

/** Other threads do not tell when they give up room: while somebody waits, this is how often it is looked for, in ms. */
const LOOK_MS = 5

/**
 * Requests of one thread that wait because a limit is reached, each for a while.
 *
 *   enter ──▶ critical-plus …│ critical …│ sheddable-plus …│ sheddable …      the dearer first, then who came first
 *                └── settled here, or a look every few ms ──▶ serve ──▶ onTurn
 *
 * One line for a service rather than one for each endpoint: whoever is first takes the first place that falls free
 * anywhere, and nobody stands behind a slow endpoint while another has room. How many may wait is counted over all
 * threads (`limits.pending`).
 */
export class Line {
  readonly #router: Router
  /** How long those wait who enter from now on, in ms. */
  waitMs: number
  readonly #byClass: Map<Waiter, NodeJS.Timeout>[] = []
  #length = 0
  #look: NodeJS.Timeout | undefined
  #isServing = false

  constructor(router: Router, waitMs: number) {
    this.#router = router
    this.waitMs = waitMs
  }

  /** Whether one of this class would have to stand behind somebody. */
  isBefore(requestClass: number): boolean {
    if (this.#length === 0) return false
    for (let dearer = 0; dearer <= requestClass; dearer++) if ((this.#byClass[dearer]?.size ?? 0) > 0) return true
    return false
  }

  /** Stands in line. False: so many wait already that no more may. */
  enter(waiter: Waiter): boolean {
    if (!this.#router.tryWait()) return false
    const timer = setTimeout(() => {
      this.leave(waiter)
      waiter.onWaitedTooLong()
    }, this.waitMs)
    const waiting = (this.#byClass[waiter.requestClass] ??= new Map())
    waiting.set(waiter, timer)
    if (++this.#length === 1) this.#look = setInterval(() => this.serve(), LOOK_MS)
    return true
  }

  /** Goes away, served or not. */
  leave(waiter: Waiter): void {
    const waiting = this.#byClass[waiter.requestClass]
    const timer = waiting?.get(waiter)
    if (waiting === undefined || timer === undefined) return
    clearTimeout(timer)
    waiting.delete(waiter)
    this.#router.endWait()
    if (--this.#length === 0) clearInterval(this.#look)
  }

  /** Lets those at the front have a try, as long as there is room. */
  serve(): void {
    if (this.#length === 0 || this.#isServing) return
    this.#isServing = true
    try {
      for (const waiting of this.#byClass) {
        for (const waiter of waiting?.keys() ?? []) {
          if (!waiter.onTurn()) return
          this.leave(waiter)
        }
      }
    } finally {
      this.#isServing = false
    }
  }
}
