import { newHistogram, quantileOf } from '../kit/run/latency-buckets.ts'
import type { LatencyCount, Metrics } from '../signals.ts'

/** How all requests went in the last 10 s. */
export interface Performance {
  readonly requests: number
  readonly perSecond: number
  readonly errorShare: number
  /** µs; 0: nothing is known. */
  readonly latencyUsP50: number
  readonly latencyUsP99: number
}

/** As many slices of 5 s as the windows of the metrics collector have. */
const SLICES = 2

/**
 * Latencies of all endpoints together, by the histograms that the failure detector tells: quantiles of services cannot be made into one of
 * all, and histograms can. Changed in place: it is added to with each signal.
 */
export class AllLatencies {
  readonly #slices: Uint32Array[] = [newHistogram()]

  add(rows: readonly LatencyCount[]): void {
    const open = this.#slices.at(-1)!
    for (const { bucket, count } of rows) if (bucket < open.length) open[bucket]! += count
  }

  /** A slice is over, as the metrics collector's are. */
  rotate(): void {
    this.#slices.push(newHistogram())
    if (this.#slices.length > SLICES + 1) this.#slices.shift()
  }

  /** Of the slices that are over. */
  quantiles(): { readonly p50: number; readonly p99: number } {
    const merged = newHistogram()
    for (const slice of this.#slices.slice(0, -1)) {
      for (const [bucket, count] of slice.entries()) merged[bucket]! += count
    }
    return { p50: quantileOf(merged, 0.5), p99: quantileOf(merged, 0.99) }
  }
}

/** Rates and failures add up over services; latencies come from the histograms. */
export function performanceOf({ services }: Metrics, latencies: AllLatencies): Performance {
  const requests = services.reduce((sum, { last10s }) => sum + last10s.requests, 0)
  const failed = services.reduce((sum, { last10s }) => sum + last10s.errorShare * last10s.requests, 0)
  const { p50, p99 } = latencies.quantiles()
  return {
    requests,
    perSecond: services.reduce((sum, { last10s }) => sum + last10s.perSecond, 0),
    errorShare: requests === 0 ? 0 : failed / requests,
    latencyUsP50: p50,
    latencyUsP99: p99,
  }
}
