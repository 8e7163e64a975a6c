import type { Bridge } from '../../bridge/bridge.ts'
import type { Election, Leadership } from '../../bridge/election.ts'
import type { Edge } from '../../kit/grammar/action.ts'

/** A role that is led by one at a time, as one agent sees it: whether it stands, and what it holds. */
export class Office {
  readonly #bridge: Bridge
  readonly #role: string
  #election: Election | undefined
  #leadership: Leadership | undefined
  #waiting: ((leadership: Leadership | undefined) => void)[] = []

  constructor(bridge: Bridge, role: string) {
    this.#bridge = bridge
    this.#role = role
  }

  /** Who leads as far as is known here. */
  get leader(): string | undefined {
    return this.#election?.leader?.candidate
  }

  /** What is held now; undefined: nothing is. */
  get held(): Leadership | undefined {
    return this.#leadership?.isHeld ? this.#leadership : undefined
  }

  /** Stands, and resolves when it leads; with undefined when it stands no more. */
  stand(ttlMs: number): Promise<Leadership | undefined> {
    this.#election ??= this.#bridge.lead(this.#role, leadership => this.#take(leadership), ttlMs)
    if (this.held !== undefined) return Promise.resolve(this.held)
    return new Promise(resolve => void this.#waiting.push(resolve))
  }

  /** Stands no more, and holds nothing from now on. */
  async resign(): Promise<void> {
    const election = this.#election
    this.#election = undefined
    this.#take(undefined)
    await election?.close()
  }

  #take(leadership: Leadership | undefined): void {
    this.#leadership = leadership
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve(leadership)
  }
}

/** By bridge, and with it by incarnation of the agent: what an earlier life held is not held by a later one. */
const offices = new WeakMap<Bridge, Map<string, Office>>()

export function officeOf(bridge: Bridge, role: string): Office {
  let mine = offices.get(bridge)
  if (mine === undefined) offices.set(bridge, (mine = new Map()))
  let office = mine.get(role)
  if (office === undefined) mine.set(role, (office = new Office(bridge, role)))
  return office
}

/** The fence of who acts alone: there is nothing to agree through, and so nobody who could have a higher one. */
export const ALONE = 0

/**
 * Whether what was decided under this fence may still be done: to be asked at the edge, before each step. Not where the lease may have run
 * out since, nor where another term began.
 */
export function mayAct({ bridge }: Pick<Edge, 'bridge'>, role: string, fence: number): boolean {
  if (fence === ALONE) return bridge === undefined || officeOf(bridge, role).leader === undefined
  return bridge !== undefined && officeOf(bridge, role).held?.fence === fence
}
