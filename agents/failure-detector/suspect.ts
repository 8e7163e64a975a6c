import { elapsedMs } from '../../engine/writer.ts'
import type { EjectionCause } from '../signals.ts'
import { follow, NO_STREAKS, type Streaks } from './consecutive.ts'
import type { Outlier } from './ejection.ts'
import type { Charge } from './judgement.ts'
import type { Drained } from './signals.ts'

/** An endpoint whose last requests failed. */
export interface Suspect {
  readonly generation: number
  readonly streaks: Streaks
  /** Set once a limit was reached, until that was dealt with, a success came after it, or it is CHARGE_MS old. */
  readonly charge: Charge | undefined
  /** When its last outcomes came, or the charge. */
  readonly heardMs: number
}

/**
 * So long an endpoint may be ejected for what it did, in ms. Where it may not be ejected at once, because too many others are out, and nothing more
 * is heard of it, it may have recovered by the time when it could be. Another failure brings the charge again.
 */
const CHARGE_MS = 1000

/** What is known of an endpoint after these outcomes; undefined when nothing speaks against it. */
export function suspectAfter(
  before: Suspect | undefined,
  { row, generation, codes }: Drained,
  outlier: Outlier | undefined,
  now: number,
): Suspect | undefined {
  const known = before?.generation === generation ? before : undefined
  const { after, most } = follow(known?.streaks ?? NO_STREAKS, codes, outlier?.splitLocalOrigin ?? false)
  const charge = outlier === undefined ? undefined : chargeOf(row, outlier, known?.charge, after, most)
  const isQuiet = after.failures === 0 && after.gateway === 0 && after.local === 0
  return isQuiet && charge === undefined ? undefined : { generation, streaks: after, charge, heardMs: now }
}

/** With charges that rest on more than failures in a row. */
export function withCharges(
  before: ReadonlyMap<number, Suspect>,
  charged: readonly { readonly generation: number; readonly charge: Charge }[],
  now: number,
): ReadonlyMap<number, Suspect> {
  if (charged.length === 0) return before
  const suspects = new Map(before)
  for (const { generation, charge } of charged) {
    const streaks = suspects.get(charge.row)?.streaks ?? NO_STREAKS
    suspects.set(charge.row, { generation, streaks, charge, heardMs: now })
  }
  return suspects
}

/** Without charges that could not be acted on in time; failures in a row stay counted. */
export function withoutStale(before: ReadonlyMap<number, Suspect>, now: number): ReadonlyMap<number, Suspect> {
  const isStale = ({ charge, heardMs }: Suspect): boolean => charge !== undefined && elapsedMs(now, heardMs) > CHARGE_MS
  if (![...before.values()].some(isStale)) return before
  return new Map([...before].map(([row, each]) => [row, isStale(each) ? { ...each, charge: undefined } : each]))
}

/**
 * Whether a streak has reached its limit, be it only for a moment: five failures and then a success within one drain
 * eject as they would have if the success had come a drain later.
 */
function chargeOf(
  row: number,
  { consecutive5xx, consecutiveGateway, splitLocalOrigin, consecutiveLocalOrigin }: Outlier,
  before: Charge | undefined,
  after: Streaks,
  most: Streaks,
): Charge | undefined {
  const reached = (because: EjectionCause, limit: number, streak: keyof Streaks): Charge | undefined => {
    if (limit === 0) return undefined
    const failures = Math.max(most[streak], before?.because === because ? after[streak] : 0)
    return failures >= limit ? { row, because, failures, found: failures, limit } : undefined
  }
  return (
    reached('consecutive-gateway', consecutiveGateway, 'gateway') ??
    reached('consecutive-5xx', consecutive5xx, 'failures') ??
    (splitLocalOrigin ? reached('consecutive-local-origin', consecutiveLocalOrigin, 'local') : undefined)
  )
}
