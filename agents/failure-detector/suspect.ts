import type { EjectionCause } from '../signals.ts'
import { follow, NO_STREAKS, type Streaks } from './consecutive.ts'
import type { Outlier } from './ejection.ts'
import type { Charge } from './judgement.ts'
import type { Drained } from './signals.ts'

/** An endpoint whose last requests failed. */
export interface Suspect {
  readonly generation: number
  readonly streaks: Streaks
  /** Set once a limit was reached, until that was dealt with or a success came after it. */
  readonly charge: Charge | undefined
}

/** What is known of an endpoint after these outcomes; undefined when nothing speaks against it. */
export function suspectAfter(
  before: Suspect | undefined,
  { row, generation, codes }: Drained,
  outlier: Outlier | undefined,
): Suspect | undefined {
  const known = before?.generation === generation ? before : undefined
  const { after, most } = follow(known?.streaks ?? NO_STREAKS, codes, outlier?.splitLocalOrigin ?? false)
  const charge = outlier === undefined ? undefined : chargeOf(row, outlier, known?.charge, after, most)
  const isQuiet = after.failures === 0 && after.gateway === 0 && after.local === 0
  return isQuiet && charge === undefined ? undefined : { generation, streaks: after, charge }
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
