import type { EjectionCause } from '../signals.ts'
import type { Outlier } from './ejection.ts'
import { failurePercentageOutliers } from './failure-percentage.ts'
import { latencyOutliers } from './latency-quantile.ts'
import { answeredRateOf, rateOf, reachedRateOf, type Sum, type Wanted } from './ledger.ts'
import { type Rate, successRate, successRateOutliers } from './success-rate.ts'

/** What speaks against an endpoint. */
export interface Charge {
  readonly row: number
  readonly because: EjectionCause
  /** Failed requests that it rests on; 0 where it is about latency. */
  readonly failures: number
  /** What was found, and the limit it is beyond: failures in a row, percent, or µs. */
  readonly found: number
  readonly limit: number
}

/** What an interval's sums must hold for this service. */
export function wantedBy({ successRateStdev, failurePercentage, latencyQuantile }: Outlier): Wanted {
  if (latencyQuantile > 0) return 'latencies'
  return successRateStdev > 0 || failurePercentage > 0 ? 'counts' : 'none'
}

/**
 * Compares the endpoints of one service over an interval, those left out that are ejected already. The charges come by
 * kind, and within a kind the worst first, since not all may be ejected.
 *
 * Source  Envoy: success rate, then failure percentage, then both once more for local origin where it is split off.
 */
export function judgeInterval(outlier: Outlier, sums: readonly Sum[]): Charge[] {
  const rated = (rate: (sum: Sum) => Rate) => sums.map(sum => ({ row: sum.row, ...rate(sum) }))
  const slow = latencyOutliers(outlier, sums).map(
    ({ endpoint: { row }, latencyUs, limitUs }): Charge => ({
      row,
      because: 'latency',
      failures: 0,
      found: latencyUs,
      limit: limitUs,
    }),
  )
  if (!outlier.splitLocalOrigin) {
    return [...judgeRates(outlier, rated(rateOf), 'success-rate', 'failure-percentage'), ...slow]
  }
  return [
    ...judgeRates(outlier, rated(answeredRateOf), 'success-rate', 'failure-percentage'),
    ...judgeRates(outlier, rated(reachedRateOf), 'success-rate-local-origin', 'failure-percentage-local-origin'),
    ...slow,
  ]
}

function judgeRates(
  outlier: Outlier,
  all: readonly (Rate & { row: number })[],
  bySuccessRate: EjectionCause,
  byFailurePercentage: EjectionCause,
): Charge[] {
  const rates = all.filter(({ total }) => total > 0)
  const { threshold, outliers } = successRateOutliers(outlier, rates)
  return [
    ...outliers.map(rate => charge(rate, bySuccessRate, successRate(rate), threshold)),
    ...failurePercentageOutliers(outlier, rates).map(rate =>
      charge(rate, byFailurePercentage, 100 - successRate(rate), outlier.failurePercentage * 100),
    ),
  ]
}

function charge(
  { row, ok, total }: Rate & { row: number },
  because: EjectionCause,
  found: number,
  limit: number,
): Charge {
  return { row, because, failures: total - ok, found, limit }
}
