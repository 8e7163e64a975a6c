import type { QuarantineReason } from '../../signals.ts'

/** How long each reason keeps an endpoint out the first time, and what it is never longer than; in ms. */
export type QuarantineTimes = Readonly<Record<Exclude<QuarantineReason, 'repair'>, number>> & {
  readonly longest: number
}

/** While it is repaired, in ms: more than one attempt takes, each of which asks anew. It ends earlier, when whoever repairs it lets it back. */
const REPAIR_MS = 30_000

/** Times that lie further back are forgotten, in ms. */
export const TIMES_WITHIN_MS = 3_600_000
/** Who has to be kept out again so soon after it was let back was not well, in ms. */
export const RELAPSE_MS = 60_000
/** By so much of itself a quarantine is longer or shorter, so that those of one moment do not end together. */
const JITTER = 0.1

/** What has been of an endpoint within the last hour. */
export interface Before {
  /** How often it was kept out. */
  readonly times: number
  /** How long it was kept out before it was let back within the last minute; undefined: it was not. */
  readonly relapsedFromMs: number | undefined
}

/**
 * How long an endpoint is kept out, in ms; `die` is from 0 to 1.
 *
 *   min(base(reason) × 2^times, longest) × (0.9 … 1.1)       after a relapse twice as long as the last time, at least
 *
 * Never longer than `longest`, jitter included. While it is repaired: half a minute, however often.
 */
export function quarantineMs(
  times: QuarantineTimes,
  reason: QuarantineReason,
  { times: before, relapsedFromMs = 0 }: Before,
  die: number,
): number {
  if (reason === 'repair') return REPAIR_MS
  const doubled = Math.max(times[reason] * 2 ** Math.min(before, 30), 2 * relapsedFromMs)
  const whole = Math.min(doubled, times.longest)
  return Math.min(times.longest, Math.round(whole * (1 - JITTER + 2 * JITTER * die)))
}
