/** The latencies of one second: how many, and the mean of their logarithms, which one slow request moves little. */
export interface LogWindow {
  readonly count: number
  readonly meanLog: number
}

/** What is usual of a latency, in logarithms. */
export interface Usual {
  readonly meanLog: number
  /** Of one request. */
  readonly variance: number
  /** How much more windows stray than by chance alone: 1 or more. */
  readonly overdispersion: number
  /** Variance of `meanLog` itself: it rests on so many windows only, and it wanders. */
  readonly uncertainty: number
}

/** A rise that goes on: how sure it is in standard deviations, and how many windows ago it began. */
export interface Ramp {
  readonly z: number
  readonly windows: number
  /** In logarithms, per window. */
  readonly slope: number
}

/** A rise is looked for that began within so many windows: one that is older is what is usual by now. */
export const RAMP_WINDOWS = 20

/** So much better may a step explain it, in units of log-likelihood × 2, before it is none: chance alone makes a ramp look like a step. */
const STEP_MARGIN = 4

/**
 * The rise that explains the last windows best, whenever it began; undefined where a single step up explains them better.
 *
 *   a ramp that began k windows ago:   y(j) = b × t(j)        y: mean of logarithms − what is usual,  t: windows since then
 *   b  = Σ w t y ÷ Σ w t²              w = count ÷ (variance × overdispersion)
 *   z  = Σ w t y ÷ √(Σ w t² + (Σ w t)² × uncertainty of what is usual)
 *
 *         ╱ now                        The whole of a window's latencies says more than its p95: of fifty requests, p95 strays
 *        ╱                             by 25 %, and the mean of their logarithms by 12 %.
 *   ────╱
 *       └ began
 *
 * Source  generalised likelihood ratio for a change of slope at an unknown time (Basseville and Nikiforov 1993, 2.4).
 */
export function findRamp(usual: Usual, windows: readonly LogWindow[]): Ramp | undefined {
  const unit = Math.max(1e-6, usual.variance) * Math.max(1, usual.overdispersion)
  const last = windows.slice(-RAMP_WINDOWS)
  let best: Ramp | undefined
  let bestStep = 0
  let [stepWeight, stepSum] = [0, 0]
  for (let began = last.length - 1; began >= 0; began--) {
    const { count, meanLog } = last[began]!
    const weight = count / unit
    stepWeight += weight
    stepSum += weight * (meanLog - usual.meanLog)
    if (stepSum > 0 && stepWeight > 0)
      bestStep = Math.max(bestStep, stepSum ** 2 / (stepWeight + stepWeight ** 2 * usual.uncertainty))
    const size = last.length - began
    if (size < 2) continue
    let [ty, tt, t1] = [0, 0, 0]
    for (let j = began; j < last.length; j++) {
      const t = j - began + 0.5
      const w = last[j]!.count / unit
      ty += w * t * (last[j]!.meanLog - usual.meanLog)
      tt += w * t * t
      t1 += w * t
    }
    if (tt === 0 || ty <= 0) continue
    const z = ty / Math.sqrt(tt + t1 ** 2 * usual.uncertainty)
    if (best === undefined || z > best.z) best = { z, windows: size, slope: ty / tt }
  }
  if (best === undefined || bestStep > best.z ** 2 + STEP_MARGIN) return undefined
  return best
}

/** Windows until the latency is `factor` times what is usual, if it goes on to rise by as much a window as it did since; 0: it is. */
export function windowsUntil(ramp: Ramp, factor: number): number {
  // In times of what is usual, straight on: what grows by a tenth of itself each second is underestimated, never overestimated.
  const now = Math.exp(ramp.slope * ramp.windows)
  if (now >= factor) return 0
  return (factor - now) / ((now - 1) / ramp.windows)
}
