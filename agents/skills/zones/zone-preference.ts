/** How good zones are taken for: relative to the best, by name. One that is not there is as good as the best. */
export type Goodness = ReadonlyMap<string, number>

/** What is preferred in a service, and how sure that is. */
export interface Preference {
  readonly inForce: Goodness
  /** How often in a row zones were found to be otherwise. */
  readonly found: number
  /** µs at the 95th percentile at the last look; undefined: not known. */
  readonly p95Us: number | undefined
  /** The last change while it is judged; undefined: it is settled. */
  readonly trial: Trial | undefined
  /** Looks since the last change. */
  readonly looks: number
  /** The way that was last taken back, how often in a row, and the looks for which it is not gone again. */
  readonly refused: { readonly way: string; readonly times: number; readonly rest: number } | undefined
  /** Somebody was told. */
  readonly isTold: boolean
}

/** A change that may have to be taken back. */
interface Trial {
  /** What was in force before, and how slow the slow requests were then: in the worse one of two looks. */
  readonly goodness: Goodness
  readonly p95Us: number | undefined
  /** Looks in a row that found them slower. */
  readonly slower: number
}

export interface PreferenceRule {
  /** By how much a zone must be better or worse than it is taken for, 0 … 1. */
  readonly change: number
}

export type Turn = 'none' | 'first' | 'changed' | 'taken-back'

/** So often in a row it must be found. */
const FOUND_MIN = 2
/** By how much requests may be slower after a change, and in how many looks, before it is taken back. */
const WORSE = 1.1
const SLOWER_LOOKS = 2
/** And then it rests for so many looks: a minute. */
const REST_LOOKS = 4
/** … and the same way is rested from twice as long each time it is taken back: up to an hour. */
const REST_LOOKS_MAX = 256

export const NO_PREFERENCE: Preference = {
  ...{ inForce: new Map(), found: 0, p95Us: undefined, trial: undefined, looks: 0, refused: undefined, isTold: false },
}

/**
 * One look: at most one change.
 *
 *   as it is ──another by more than `change`, twice in a row──▶ changed ──slower than before in both looks after it?──no──▶ as it is
 *      ▲                                                                                         │ yes
 *      └──── a minute's rest, and 2, 4, 8 … of the same way ◀── taken back ◀─────────────────────┘
 *
 * What the measures say of zones may be true and a change by them wrong all the same, for as long as the near one cannot carry all: without a
 * longer rest each time, half of the requests would move there and back every other minute for ever. The second look tells others in any case:
 * they may know what an earlier incarnation said.
 */
export function prefer(
  before: Preference,
  seen: Goodness,
  p95Us: number | undefined,
  { change }: PreferenceRule,
): { readonly preference: Preference; readonly turn: Turn } {
  const { inForce } = before
  const looks = before.looks + 1
  const trial = judged(before.trial, p95Us)
  if (trial !== undefined && trial.slower >= SLOWER_LOOKS) {
    const way = wayOf(trial.goodness, inForce)
    const times = before.refused?.way === way ? before.refused.times + 1 : 1
    const rest = Math.min(REST_LOOKS_MAX, REST_LOOKS * 2 ** (times - 1))
    const back = { inForce: trial.goodness, trial: undefined, found: 0, p95Us, looks: 0, refused: { way, times, rest } }
    return { preference: { ...before, ...back }, turn: 'taken-back' }
  }
  // A change that made nothing slower: what was refused before it was of another day.
  const hasPassed = before.trial !== undefined && trial === undefined
  const refused = hasPassed ? undefined : rested(before.refused)
  const next = { ...before, trial, p95Us, looks, refused }
  const isWanted = isOther(inForce, seen, change) && !isResting(before, looks, () => wayOf(inForce, seen))
  const found = isWanted ? before.found + 1 : 0
  if (found >= FOUND_MIN) {
    const begun = { goodness: inForce, p95Us: worseOf(before.p95Us, p95Us), slower: 0 }
    return {
      preference: { ...next, inForce: seen, found: 0, looks: 0, isTold: true, trial: begun },
      turn: 'changed',
    }
  }
  if (!before.isTold && looks >= FOUND_MIN && found === 0) {
    return { preference: { ...next, found, isTold: true }, turn: 'first' }
  }
  return { preference: { ...next, found }, turn: 'none' }
}

/** After another look at a change; undefined: it stays. Where nobody knew how slow requests were, there is nothing to compare with. */
function judged(trial: Trial | undefined, p95Us: number | undefined): Trial | undefined {
  if (trial?.p95Us === undefined || p95Us === undefined || p95Us <= WORSE * trial.p95Us) return undefined
  return { ...trial, slower: trial.slower + 1 }
}

function rested(refused: Preference['refused']): Preference['refused'] {
  return refused === undefined ? undefined : { ...refused, rest: Math.max(0, refused.rest - 1) }
}

/** After a change was taken back: any way for a minute, and the one that was taken back for its rest. */
function isResting({ refused }: Preference, looks: number, wanted: () => string): boolean {
  if (refused === undefined || refused.rest === 0) return false
  return looks <= REST_LOOKS || wanted() === refused.way
}

/** Which way a change goes: the zone that it changes most, and up or down. */
function wayOf(from: Goodness, to: Goodness): string {
  let [way, most] = ['', 0]
  for (const [zone, goodness] of to) {
    const step = Math.log(goodness / (from.get(zone) ?? 1))
    if (Math.abs(step) > Math.abs(most)) [way, most] = [`${step > 0 ? '+' : '-'}${zone}`, step]
  }
  return way
}

function worseOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

function isOther(inForce: Goodness, seen: Goodness, change: number): boolean {
  for (const [zone, goodness] of seen) {
    if (Math.abs(goodness / (inForce.get(zone) ?? 1) - 1) > change) return true
  }
  return false
}
