import { GAUGE_INFLIGHT, GAUGE_PENDING, GAUGE_RETRIES, type Gauges } from '../memory/gauges.ts'
import type { RetryBudgetText } from '../memory/service-text.ts'

/**
 * How many second tries a service may have in flight: a share of its requests, so that retries cannot multiply the load
 * on endpoints that fail because of it.
 *
 *   retries < max(min, share × (in flight + waiting))        share 20 %, min 3
 *
 * Source  Envoy, retry budget.
 */
export function retriesAllowed({ share, min }: RetryBudgetText, gauges: Gauges): number {
  const active = gauges.sum(GAUGE_INFLIGHT) + gauges.sum(GAUGE_PENDING)
  return Math.max(min, Math.floor(share * active))
}

/** Takes a place for a second try; false when the budget is spent. Never more than allowed, see Gauges.tryEnter. */
export function tryRetry(budget: RetryBudgetText | undefined, limit: number, gauges: Gauges): boolean {
  const allowed = budget === undefined ? limit : retriesAllowed(budget, gauges)
  if (budget === undefined && limit === 0) {
    gauges.enter(GAUGE_RETRIES)
    return true
  }
  return gauges.tryEnter(GAUGE_RETRIES, allowed)
}
