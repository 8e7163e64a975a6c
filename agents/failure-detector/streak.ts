/**
 * The failures in a row within a stretch of outcomes, in a form that stretches can be joined by:
 *
 *   fail fail ok fail fail fail ok fail        lead 2 · longest 3 · tail 1 · broken by a success
 *
 * lead is what prolongs the row of failures before it, tail is what the next one prolongs.
 */
export interface Streak {
  readonly lead: number
  readonly longest: number
  readonly tail: number
  /** True when there was a success among them. */
  readonly isBroken: boolean
}

export const NO_STREAK: Streak = { lead: 0, longest: 0, tail: 0, isBroken: false }

/** The stretch prolonged by one failure. */
export function fail({ lead, longest, tail, isBroken }: Streak): Streak {
  const next = tail + 1
  return { lead: isBroken ? lead : lead + 1, longest: Math.max(longest, next), tail: next, isBroken }
}

/** The stretch prolonged by one success. */
export function succeed({ lead, longest }: Streak): Streak {
  return { lead, longest, tail: 0, isBroken: true }
}

/** Failures in a row after `before` of them and then this stretch, and the most there were at any moment of it. */
export function follow(before: number, { lead, longest, tail, isBroken }: Streak): { after: number; most: number } {
  return { after: isBroken ? tail : before + tail, most: Math.max(before + lead, longest) }
}
