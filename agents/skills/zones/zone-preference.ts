/** How good zones are taken for: relative to the best, by name. One that is not there is as good as the best. */
export type Goodness = ReadonlyMap<string, number>

/** What is preferred in a service, and how sure that is. */
export interface Preference {
  readonly inForce: Goodness
  /** How often in a row zones were found to be otherwise. */
  readonly found: number
  /** What was in force before the last change, and how slow the slow requests were then; undefined: that change is settled. */
  readonly before: { readonly goodness: Goodness; readonly p95Us: number | undefined } | undefined
  /** Looks since the last change. */
  readonly looks: number
  /** Looks for which nothing is changed any more: the last change was taken back. */
  readonly rest: number
  /** Somebody was told. */
  readonly isTold: boolean
}

export interface PreferenceRule {
  /** By how much a zone must be better or worse than it is taken for, 0 … 1. */
  readonly change: number
}

export type Turn = 'none' | 'first' | 'changed' | 'taken-back'

/** So often in a row it must be found. */
const FOUND_MIN = 2
/** By how much requests may be slower after a change before it is taken back. */
const WORSE = 1.1
/** And then it rests for so many looks: a minute. */
const REST_LOOKS = 4

export const NO_PREFERENCE: Preference = {
  ...{ inForce: new Map(), found: 0, before: undefined, looks: 0, rest: 0, isTold: false },
}

/**
 * One look: at most one change.
 *
 *   as it is ──another by more than `change`, twice in a row──▶ changed ──a look later──▶ slower than before? ──no──▶ as it is
 *      ▲                                                                                         │ yes
 *      └───────────────────── a minute's rest ◀── taken back ◀───────────────────────────────────┘
 *
 * The second look tells others in any case: they may know what an earlier incarnation said.
 */
export function prefer(
  before: Preference,
  seen: Goodness,
  p95Us: number | undefined,
  { change }: PreferenceRule,
): { readonly preference: Preference; readonly turn: Turn } {
  const looks = before.looks + 1
  const wasSlower = before.before?.p95Us !== undefined && p95Us !== undefined && p95Us > WORSE * before.before.p95Us
  if (before.before !== undefined && wasSlower) {
    const inForce = before.before.goodness
    return {
      preference: { ...before, inForce, before: undefined, found: 0, looks: 0, rest: REST_LOOKS },
      turn: 'taken-back',
    }
  }
  // Where nobody knew how slow they were, there is nothing to compare with.
  const settled = { ...before, before: undefined, looks }
  if (before.rest > 0) return { preference: { ...settled, found: 0, rest: before.rest - 1 }, turn: 'none' }
  const found = isOther(before.inForce, seen, change) ? before.found + 1 : 0
  if (found >= FOUND_MIN) {
    return {
      preference: {
        ...settled,
        ...{ inForce: seen, found: 0, looks: 0, isTold: true },
        before: { goodness: before.inForce, p95Us },
      },
      turn: 'changed',
    }
  }
  if (!before.isTold && looks >= FOUND_MIN && found === 0) {
    return { preference: { ...settled, found, isTold: true }, turn: 'first' }
  }
  return { preference: { ...settled, found }, turn: 'none' }
}

function isOther(inForce: Goodness, seen: Goodness, change: number): boolean {
  for (const [zone, goodness] of seen) {
    if (Math.abs(goodness / (inForce.get(zone) ?? 1) - 1) > change) return true
  }
  return false
}
