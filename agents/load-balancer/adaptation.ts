/** How the requests of an endpoint went of late, as far as it is known. */
export interface Performance {
  /** µs, 99th percentile; 0: not known. */
  readonly latencyUsP99: number
  /** From 0 to 1; 0 where it is not known. */
  readonly errorShare: number
}

/** However slow it is: what gets nothing cannot show that it is well again. */
const SHARE_MIN = 0.1

/**
 * The share of its weight that an endpoint keeps for how its requests went, by the thresholds of its service.
 *
 *   min(1, threshold ÷ p99) × min(1, threshold ÷ error share), 0.1 at least
 *
 * An endpoint that is within both keeps all of it; one that is twice as slow as it may be, half.
 */
export function adaptedShare(
  { latencyUsP99, errorShare }: Performance,
  thresholds: { readonly responseTimeUs: number; readonly errorRate: number },
): number {
  const byLatency = latencyUsP99 > thresholds.responseTimeUs ? thresholds.responseTimeUs / latencyUsP99 : 1
  const byErrors = errorShare > thresholds.errorRate ? thresholds.errorRate / errorShare : 1
  return Math.max(SHARE_MIN, byLatency * byErrors)
}
