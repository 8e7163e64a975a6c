import { elapsedMs } from '../../../engine/writer.ts'

/** How much is turned away of all services. */
export interface Admission {
  /** Classes that are turned away, the cheapest first: 0 none, 1 sheddable, 2 sheddable-plus too, 3 critical too. */
  readonly level: number
  /** Of the most requests that were in flight before it got tight, the share that is let in; undefined: any number. */
  readonly share: number | undefined
  /** When the last step was made; undefined: none was. */
  readonly steppedMs: number | undefined
}

/** How it stands with what this process uses. */
export interface Strain {
  /** Something is short, or was a moment ago. */
  readonly isOver: boolean
  /** Something that is short is beyond its limit now, and memory or sockets are. */
  readonly isBeyond: boolean
  readonly isFilling: boolean
}

export interface AdmissionRule {
  readonly stepMs: number
  /** No more classes than these are turned away. */
  readonly levelMax: number
}

export const ALL_ADMITTED: Admission = { level: 0, share: undefined, steppedMs: undefined }

/** With each step a quarter less is let in, and on the way back a half more. */
const LESS = 0.75
const MORE = 1.5
/** There is something to be let in however tight it is: what is not tried is not known to work again. */
const SHARE_MIN = 0.1
/** Beyond it nobody is held back any more by what was in flight once. */
const SHARE_MAX = 2

/**
 * One step, where one is due: the first at once, each further one `stepMs` later.
 *
 *   beyond   level + 1, up to levelMax; where memory or sockets run out, also what is in flight is let in, and then a quarter less each time
 *   over     nothing: what was done is enough, as it seems
 *   not      the other way round: a half more until nobody is held back, then level − 1
 */
export function stepped(
  before: Admission,
  { isOver, isBeyond, isFilling }: Strain,
  { stepMs, levelMax }: AdmissionRule,
  now: number,
): Admission {
  const { level, share, steppedMs } = before
  if (steppedMs !== undefined && elapsedMs(now, steppedMs) < stepMs) return before
  if (isBeyond) {
    const next = {
      level: Math.min(levelMax, level + 1),
      share: isFilling ? (share === undefined ? 1 : Math.max(SHARE_MIN, share * LESS)) : share,
    }
    return next.level === level && next.share === share ? before : { ...next, steppedMs: now }
  }
  if (isOver) return before
  if (share !== undefined) {
    return { level, share: share * MORE > SHARE_MAX ? undefined : share * MORE, steppedMs: now }
  }
  if (level > 0) return { level: level - 1, share, steppedMs: now }
  return ALL_ADMITTED
}

/** The class from which on requests are turned away at a level, as the table has it; 0: none. */
export function classOfLevel(level: number): number {
  return level === 0 ? 0 : 4 - level
}

export function levelOfClass(from: number): number {
  return from === 0 ? 0 : 4 - from
}
