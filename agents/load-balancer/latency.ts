/** Time constant of the smoothing in ms: after it, what was before counts for a bit more than a third. */
const TAU_MS = 1000

/**
 * Smoothed latency after a batch of requests, in µs.
 *
 *   next = before + α × (mean − before)      α = 1 − e^(−Δt ÷ τ)
 *
 * Δt is the time since the batch before, so that the result does not depend on how requests are cut into batches, and
 * a seldom used endpoint is judged by its last answers. `before` 0: nothing is known, the mean is taken as it is.
 */
export function smooth(beforeUs: number, meanUs: number, sinceMs: number): number {
  if (beforeUs === 0) return meanUs
  return beforeUs + (1 - Math.exp(-Math.max(0, sinceMs) / TAU_MS)) * (meanUs - beforeUs)
}
