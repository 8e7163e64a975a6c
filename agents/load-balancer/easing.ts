import { ALL_BARS, elapsedMs, SOFT_BARS } from '../../engine/writer.ts'
import type { EndpointView } from '../kit/tables.ts'
import type { Panic } from './panic.ts'
import { type SlowStart, sinceOfShare, slowStartShare } from './slow-start.ts'

/**
 * How far an endpoint is eased in. It begins anew each time it comes: it joins while the control plane runs, active
 * checks let it back, an ejection ends, or a panic ends during which nobody knew whether it works.
 */
export interface Easing {
  /** The clock when it came last; undefined when it is not eased in, or not any more. */
  readonly cameMs: number | undefined
  /** When active checks let it back, as last seen. */
  readonly healthySinceMs: number
  /** True when opinion spoke against it at some moment of the panic under way. */
  readonly wasDoubtful: boolean
}

/** A factor of the table is a 4096th off at most. */
const STEP = 1 / 4096

/**
 * What is known of an endpoint that is seen for the first time: by this incarnation, if not by its predecessors. When it
 * joined or recovered is in the table; a share that is smaller than that explains is from a later return, and tells when.
 */
export function firstEasing(
  slowStart: SlowStart,
  { joinedMs, healthySinceMs }: EndpointView,
  share: number,
  bootMs: number,
  now: number,
): Easing {
  // The table gives a new tenant the same moment for both, so they differ only after a return. Endpoints that are there
  // when everything starts are not eased in.
  const isNew = elapsedMs(joinedMs, bootMs) > 0
  const byTable = healthySinceMs !== joinedMs ? healthySinceMs : isNew ? joinedMs : undefined
  const easing = { cameMs: byTable, healthySinceMs, wasDoubtful: false }
  if (share >= easedShare(slowStart, easing, now) - STEP) return easing
  return { ...easing, cameMs: (now - sinceOfShare(slowStart, share)) | 0 }
}

/** Goes on with the table as it is now: has it recovered, is it eased in, did a panic end that it was doubtful in? */
export function nextEasing(
  slowStart: SlowStart,
  before: Easing,
  { healthySinceMs, bars }: EndpointView,
  panic: Panic,
  now: number,
): Easing {
  const hasRecovered = healthySinceMs !== before.healthySinceMs
  let cameMs = hasRecovered ? healthySinceMs : before.cameMs
  if (panic === 'over' && before.wasDoubtful && (bars & ALL_BARS) === 0) cameMs = now
  if (cameMs !== undefined && !isWithin(slowStart, cameMs, now)) cameMs = undefined
  const wasDoubtful = panic === 'on' && (before.wasDoubtful || (bars & SOFT_BARS) !== 0)
  // Most endpoints are not eased in most of the time: nothing is made anew for them.
  if (!hasRecovered && cameMs === before.cameMs && wasDoubtful === before.wasDoubtful) return before
  return { cameMs, healthySinceMs, wasDoubtful }
}

/** The share of its weight that it gets by itself, from minWeight to 1. */
export function easedShare(slowStart: SlowStart, { cameMs }: Easing, now: number): number {
  if (cameMs === undefined || !isWithin(slowStart, cameMs, now)) return 1
  return slowStartShare(slowStart, elapsedMs(now, cameMs))
}

/**
 * Shares as they are used: in proportion to the largest among those that can be picked. One that came before the others
 * carries more, but where all are newcomers (a service that comes back from zero) they share evenly, and nobody is held
 * back for want of somebody to carry the load meanwhile. One step at least: nobody is kept out by a factor.
 */
export function evenOut(shares: readonly number[], isOpen: readonly boolean[]): number[] {
  let most = 0
  for (let i = 0; i < shares.length; i++) if (isOpen[i] && shares[i]! > most) most = shares[i]!
  return shares.map(share => Math.max(STEP, Math.min(1, most === 0 ? share : share / most)))
}

/** Below zero it came so long ago that the clock has wrapped in between. */
function isWithin({ window }: SlowStart, cameMs: number, now: number): boolean {
  const sinceMs = elapsedMs(now, cameMs)
  return sinceMs >= 0 && sinceMs < window
}
