/** The newest fence there is of two; a subject nobody acted on has 0. It only grows, in whatever order fences are seen. */
export function newest(seen: number, fence: number): number {
  return Math.max(seen, fence)
}

/**
 * Lets actions through that are not older than what was seen of their subject.
 *
 *   quarantine e1, fence 7 ──▶ lets it through        release e1, fence 9 ──▶ lets it through
 *                                                     quarantine e1, fence 7, said again or late ──▶ refuses
 *
 * Several steps on behalf of one decision have one fence, so an equal one passes.
 */
export class FenceGate {
  readonly #seen = new Map<string, number>()

  /** Whether it may be done; from then on nothing older may. 0, an outcome that is unknown, never may. */
  admit(subject: string, fence: number): boolean {
    const seen = this.seen(subject)
    if (!(fence > 0) || fence < seen) return false
    this.#seen.set(subject, newest(seen, fence))
    return true
  }

  /** The newest that was admitted; 0 where none was. */
  seen(subject: string): number {
    return this.#seen.get(subject) ?? 0
  }

  /** The subject is gone for good: the next one of its name begins anew. */
  forget(subject: string): void {
    this.#seen.delete(subject)
  }
}
