import { idOf } from '../../bridge/proposal.ts'

/** What became of a proposal, as far as it must be known to propose the same again. */
export interface Decided {
  readonly status: 'accepted' | 'rejected' | 'expired' | 'unknown'
  readonly fence: number
}

/** Decisions that are remembered. */
export const DECISIONS_MAX = 10_000
/** Subjects of which the last episode is remembered, so that it is not sought from the first one on. */
const EPISODES_MAX = 1_024

/**
 * Decisions that were heard of, the latest of them, and from which episode the same may be proposed again. Changed in place: ten thousand
 * of them are not copied for each.
 *
 *   episode 0 ──▶ decided, fence 7 ──▶ episode 7 ──▶ decided, fence 31 ──▶ episode 31: not decided, this one
 *
 * An episode is the fence of the decision before it: who has heard the same decisions comes to the same episode, and two who propose the
 * same thing at once propose one thing.
 */
export class Decisions {
  readonly #byId = new Map<string, Decided>()
  readonly #episodes = new Map<string, number>()

  get size(): number {
    return this.#byId.size
  }

  note(id: string, decided: Decided): void {
    this.#byId.set(id, decided)
    if (this.#byId.size > DECISIONS_MAX) this.#byId.delete(this.#byId.keys().next().value!)
  }

  of(id: string): Decided | undefined {
    return this.#byId.get(id)
  }

  /** The first episode of a subject that is not decided. */
  episodeOf(type: string, subject: string): number {
    const key = JSON.stringify([type, subject])
    let episode = this.#episodes.get(key) ?? 0
    for (;;) {
      const decided = this.of(idOf({ type, subject, episode }))
      // A fence only grows; one that does not would have this go round in circles.
      if (decided === undefined || decided.fence <= episode) break
      episode = decided.fence
    }
    this.#episodes.delete(key)
    this.#episodes.set(key, episode)
    if (this.#episodes.size > EPISODES_MAX) this.#episodes.delete(this.#episodes.keys().next().value!)
    return episode
  }
}
