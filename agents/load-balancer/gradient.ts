import type { ServiceConfig } from '../../engine/writer.ts'

export type GradientRule = NonNullable<ServiceConfig['adaptiveConcurrency']>

/** What is known of one endpoint's concurrency. */
export interface Gradient {
  /** Requests in flight it may have; the whole part counts. */
  readonly limit: number
  /** Long average of its latency, µs; 0 while nothing is known. */
  readonly longUs: number
  /** Windows in the average, as far as they are counted. */
  readonly windows: number
}

/** So many windows the long average is a plain mean, so that it does not hang on the first one. Netflix's. */
const WARMUP_WINDOWS = 10

/** At least half of the limit stays in one window: a single outlier shall not shed a whole load. Netflix's. */
const GRADIENT_MIN = 0.5

/** A limit for an endpoint of which nothing is known, or which had this one. */
export function beginGradient({ initial, min, max }: GradientRule, known = 0): Gradient {
  return { limit: known === 0 ? initial : Math.max(min, Math.min(max, known)), longUs: 0, windows: 0 }
}

/**
 * The limit after one more window: `shortUs` the mean latency in it, `inflight` the requests in flight at its end.
 *
 *   long      moving average of latencies over longWindow; × 0.95 in a window where it is more than twice the short one
 *   gradient  tolerance × long ÷ short, from 0.5 to 1
 *   limit     smoothing × (limit × gradient + queue) + (1 − smoothing) × limit, from min to max
 *
 * and as it was while inflight < limit ÷ 2: what is not used teaches nothing.
 *
 * Intuition  while latency stays what it was, the limit grows by what may queue; when requests wait for each other,
 *            latency rises above what it was and the limit shrinks by the same factor.
 * Source     Netflix concurrency-limits, Gradient2. It never lowers concurrency to measure an idle latency, so that there
 *            are no dips as in Envoy's gradient filter. Deviation: one for each endpoint; a long average that was shortened
 *            within its first ten windows stays so.
 */
export function adjust(rule: GradientRule, before: Gradient, shortUs: number, inflight: number): Gradient {
  const { min, max, queue, tolerance, smoothing } = rule
  const { longUs: average, windows } = remember(rule, before, shortUs)
  const longUs = average / shortUs > 2 ? average * 0.95 : average
  if (inflight < before.limit / 2) return { limit: before.limit, longUs, windows }
  const gradient = Math.max(GRADIENT_MIN, Math.min(1, (tolerance * average) / shortUs))
  const wanted = before.limit * gradient + queue
  const limit = before.limit * (1 - smoothing) + wanted * smoothing
  return { limit: Math.max(min, Math.min(max, limit)), longUs, windows }
}

/** The long average with one more window: first the mean of all, then by 2 ÷ (longWindow + 1) of the way. */
function remember({ longWindow }: GradientRule, { longUs, windows }: Gradient, shortUs: number) {
  if (windows >= WARMUP_WINDOWS) return { longUs: longUs + ((shortUs - longUs) * 2) / (longWindow + 1), windows }
  return { longUs: longUs + (shortUs - longUs) / (windows + 1), windows: windows + 1 }
}
