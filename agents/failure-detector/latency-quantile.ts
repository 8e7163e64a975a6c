import { quantileOf, volumeOf } from '../kit/run/latency-buckets.ts'

export interface LatencyRule {
  /** From 0 to 1; 0: no endpoint ever stands out. */
  readonly latencyQuantile: number
  readonly latencyFactor: number
  readonly latencyVolume: number
}

/** An endpoint that is too slow: its latency at the quantile, and what it may be at most, in µs. */
export interface Slow<Each> {
  readonly endpoint: Each
  readonly latencyUs: number
  readonly limitUs: number
}

/**
 * The endpoints that are slow beside the others, the slowest first.
 *
 *   quantile(e) > latencyFactor × median of the others' quantiles
 *
 * The others without itself, so that of two endpoints the slow one does not raise its own bar; their median, so that one
 * more slow one does not raise it either. Who has too few requests neither counts nor is judged.
 *
 * Source  none; Envoy, gRPC, HAProxy and nginx eject by failures alone. Mean and σ, as for rates, would be carried away by
 *         the very outlier that is looked for: latencies have no upper end.
 */
export function latencyOutliers<Each extends { readonly latencies: Uint32Array | undefined }>(
  { latencyQuantile, latencyFactor, latencyVolume }: LatencyRule,
  all: readonly Each[],
): Slow<Each>[] {
  if (latencyQuantile === 0) return []
  const ranked = all
    .flatMap(endpoint => {
      const { latencies } = endpoint
      if (latencies === undefined || volumeOf(latencies) < latencyVolume) return []
      return [{ endpoint, latencyUs: quantileOf(latencies, latencyQuantile) }]
    })
    .sort((a, b) => a.latencyUs - b.latencyUs)
  if (ranked.length < 2) return []
  const sorted = ranked.map(({ latencyUs }) => latencyUs)
  return ranked
    .map((each, place) => ({ ...each, limitUs: latencyFactor * medianWithout(sorted, place) }))
    .filter(({ latencyUs, limitUs }) => latencyUs > limitUs)
    .reverse()
}

/** The median of sorted numbers without the one at `place`; of an even number of them, half-way between the middle two. */
export function medianWithout(sorted: readonly number[], place: number): number {
  const rest = sorted.length - 1
  const at = (i: number): number => sorted[i < place ? i : i + 1]!
  return rest % 2 === 1 ? at((rest - 1) / 2) : (at(rest / 2 - 1) + at(rest / 2)) / 2
}
