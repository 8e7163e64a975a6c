/** Suspect endpoints are looked at four times as often, but nobody more than some times a second for that. */
const SUSPECT_SHARE = 1 / 4
const SUSPECT_MS_MIN = 250

/** After so many intervals without anything amiss an endpoint is checked so many times less often. */
const CALM: readonly { readonly intervals: number; readonly factor: number }[] = [
  { intervals: 240, factor: 4 },
  { intervals: 60, factor: 2 },
]

/**
 * Time to the next check of an endpoint that is in, where its interval may be adapted, in ms.
 *
 *   suspect (a check failed, degraded, something is not as usual)   interval ÷ 4, 250 ms at least
 *   calm for 60, for 240 intervals                                  interval × 2, × 4
 *
 * `calmMs`: since when nothing was amiss; below 0 it is longer ago than the clock can tell. What it spares is paid for by the next failure:
 * that is seen up to four intervals late, and judged on at once.
 */
export function tunedMs(intervalMs: number, calmMs: number, isSuspect: boolean): number {
  if (isSuspect) return Math.min(intervalMs, Math.max(SUSPECT_MS_MIN, intervalMs * SUSPECT_SHARE))
  const calm = calmMs < 0 ? Number.POSITIVE_INFINITY : calmMs
  return intervalMs * (CALM.find(({ intervals }) => calm >= intervals * intervalMs)?.factor ?? 1)
}
