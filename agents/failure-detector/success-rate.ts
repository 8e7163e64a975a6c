/** How one endpoint's requests ended in an interval. */
export interface Rate {
  readonly ok: number
  readonly total: number
}

/** Percent of the requests that were answered well. */
export function successRate({ ok, total }: Rate): number {
  return (ok * 100) / total
}

/**
 * Below which success rate an endpoint stands out, in percent.
 *
 *   mean − stdevs × σ          σ of the population: divided by n, not by n − 1
 *
 * Source  Envoy, success rate outlier detection; gRPC A50. {50, 100, 100, 100, 100} with 1.9 gives 90 − 1.9 × 20 = 52.
 */
export function successRateThreshold(rates: readonly number[], stdevs: number): number {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) * (rate - mean), 0) / rates.length
  return mean - stdevs * Math.sqrt(variance)
}

export interface SuccessRateRule {
  /** 0: no endpoint ever stands out. */
  readonly successRateStdev: number
  readonly successRateMinHosts: number
  readonly successRateVolume: number
}

/**
 * The endpoints whose success rate stands out, the worst first, and the threshold. Who has too few requests neither
 * counts for the mean nor is judged; with too few others nobody is.
 */
export function successRateOutliers<Each extends Rate>(
  { successRateStdev, successRateMinHosts, successRateVolume }: SuccessRateRule,
  all: readonly Each[],
): { threshold: number; outliers: Each[] } {
  const valid = all.filter(({ total }) => total >= successRateVolume)
  if (successRateStdev === 0 || valid.length < Math.max(1, successRateMinHosts)) return { threshold: 0, outliers: [] }
  const rates = valid.map(successRate)
  const threshold = successRateThreshold(rates, successRateStdev)
  // The best never stands out: asked for, because rounding may put the mean of equal rates a hair above them.
  const best = rates.reduce((most, rate) => Math.max(most, rate))
  const outliers = valid
    .filter((_, i) => rates[i]! < threshold && rates[i]! < best)
    .sort((a, b) => successRate(a) - successRate(b))
  return { threshold, outliers }
}
