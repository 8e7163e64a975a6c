import { SignalboxError } from '../../engine/writer.ts'

/**
 * Whether this node may decide anything for the cluster: asked before each proposal, tender, candidature and vote, in this one place.
 *
 *   may ── in the lesser part of a partition ──▶ may not: proposals are refused, leaders resign, votes abstain ── healed ──▶ may
 *
 * Routing does not ask.
 */
export class Rights {
  #because: string | undefined
  readonly #listeners = new Set<() => void>()

  get mayDecide(): boolean {
    return this.#because === undefined
  }

  /** `because`: why it may not, for people. */
  set(mayDecide: boolean, because: string): void {
    const before = this.mayDecide
    this.#because = mayDecide ? undefined : because
    if (before !== mayDecide) for (const listener of [...this.#listeners]) listener()
  }

  /** Throws SBX_NO_QUORUM where it may not. */
  claim(wish: string): void {
    if (this.#because === undefined) return
    throw new SignalboxError('SBX_NO_QUORUM', `Cannot ${wish}: this node has no quorum, ${this.#because}`)
  }

  /** Calls when it is otherwise than before; returns how to call it off. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
