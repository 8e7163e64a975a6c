/** A line through points, and how much of their spread it explains: r2 from 0 to 1. */
export interface Line {
  readonly slope: number
  readonly intercept: number
  readonly r2: number
}

/** Pairs grow with the square: 100 points have 4,950. */
const POINTS_MAX = 100

/**
 * The line that most pairs of points agree on.
 *
 *   slope     = median of (yⱼ − yᵢ) ÷ (xⱼ − xᵢ) over all pairs with different x
 *   intercept = median of y − slope × x
 *   r2        = 1 − Σ(y − line)² ÷ Σ(y − mean)²,  0 where that is below 0 or nothing varies
 *
 * Intuition  a quarter of the points may be anything at all, and the slope is still that of the others: one slow request does not
 *            make a trend.
 * Source     Theil 1950, Sen 1968. Exact up to 100 points; of more, the last 100 are taken.
 */
export function theilSen(xs: readonly number[], ys: readonly number[]): Line {
  const from = Math.max(0, xs.length - POINTS_MAX)
  const [x, y] = [xs.slice(from), ys.slice(from)]
  const slopes: number[] = []
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      if (x[i] !== x[j]) slopes.push((y[j]! - y[i]!) / (x[j]! - x[i]!))
    }
  }
  const slope = medianOf(slopes)
  const intercept = medianOf(y.map((value, i) => value - slope * x[i]!))
  const mean = y.reduce((sum, value) => sum + value, 0) / Math.max(1, y.length)
  const total = y.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const rest = y.reduce((sum, value, i) => sum + (value - intercept - slope * x[i]!) ** 2, 0)
  return { slope, intercept, r2: total === 0 ? 0 : Math.max(0, 1 - rest / total) }
}

/** The middle one, or the mean of the two in the middle; 0 of none. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) return 0
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
