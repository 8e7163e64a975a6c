import { type Config, elapsedMs } from '../../engine/writer.ts'

export type CanaryRule = Config['agents']['load-balancer']['canary']

/**
 * The share of its weight that an endpoint gets `sinceMs` after it was let back from quarantine.
 *
 *   1 ┤                          ╭────────
 *     │                     ╭────╯              share                          for `hold`
 *     │                ╭────╯                   share … 1, evenly              for `ramp`
 *   s ┤────────────────╯                        1                              from then on
 *     └────────────────┬─────────┬────────▶ t
 *                     hold   hold + ramp
 */
export function canaryShare({ share, hold, ramp }: CanaryRule, sinceMs: number): number {
  if (sinceMs < hold) return share
  if (sinceMs >= hold + ramp) return 1
  return share + ((1 - share) * (sinceMs - hold)) / ramp
}

/** Whether it is still a canary: below zero it came so long ago that the clock has wrapped in between. */
export function isCanary({ hold, ramp }: CanaryRule, releasedMs: number, now: number): boolean {
  const sinceMs = elapsedMs(now, releasedMs)
  return sinceMs >= 0 && sinceMs < hold + ramp
}
