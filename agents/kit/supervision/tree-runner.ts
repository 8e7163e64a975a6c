import type { Dice } from '../dice.ts'
import { nextDueMs, plant, type Supervision, step, type TreeEvent, type TreeOrder } from './supervision.ts'
import type { SupervisorSpec } from './supervision-tree.ts'

export interface TreePorts {
  /** A clock that never goes back. */
  nowMs(): number
  readonly dice: Dice
  /** Calls back once, and returns how to call it off. `isAwaited`: somebody waits for the tree to boot or close. */
  later(delayMs: number, callback: () => void, isAwaited: boolean): () => void
  /** Does what was decided. */
  perform(order: TreeOrder): void
}

/** Keeps a tree of supervisors going: takes what happens, has done what follows, and comes back when something is due. */
export class TreeRunner {
  state: Supervision
  readonly #ports: TreePorts
  readonly #events: TreeEvent[] = []
  #isTaking = false
  #steppedMs = 0
  #callOff = (): void => {}

  constructor(root: SupervisorSpec, ports: TreePorts) {
    this.#ports = ports
    this.state = plant(root)
  }

  /** Events that come of doing what one event ordered wait until that is done. */
  take(event: TreeEvent): void {
    this.#events.push(event)
    if (this.#isTaking) return
    this.#isTaking = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#step(next)
    } finally {
      // Whatever was thrown: the next event is to be taken, and what falls due.
      this.#isTaking = false
      this.#wait()
    }
  }

  #step(event: TreeEvent): void {
    this.#steppedMs = this.#ports.nowMs()
    const { state, orders } = step(this.state, event, this.#steppedMs, this.#ports.dice())
    this.state = state
    for (const order of orders) this.#ports.perform(order)
  }

  #wait(): void {
    this.#callOff()
    // Asked as of the last step: what has fallen due since then has not been done.
    const dueMs = nextDueMs(this.state, this.#steppedMs)
    if (dueMs === undefined || this.state.stage === 'closed') return
    const onDue = (): void => this.take({ event: 'due' })
    this.#callOff = this.#ports.later(Math.max(0, dueMs - this.#ports.nowMs()), onDue, this.state.stage !== 'up')
  }
}
