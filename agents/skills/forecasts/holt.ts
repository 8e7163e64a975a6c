/** What is known of a series: where it is, and where it goes with each step. */
export interface Holt {
  readonly level: number
  readonly trend: number
  /** Values it rests on. */
  readonly count: number
}

/** How much a new value counts, for the level and for the trend, and which part of a trend is left after each step; from 0 to 1. */
export interface HoltRule {
  readonly alpha: number
  readonly beta: number
  readonly phi: number
}

export const NO_HOLT: Holt = { level: 0, trend: 0, count: 0 }

/** A trend of one minute is half gone after seven. */
export const HOLT_RULE: HoltRule = { alpha: 0.3, beta: 0.1, phi: 0.9 }

/**
 * Holt's linear smoothing with a damped trend, after one more value.
 *
 *   level' = α × value + (1 − α) × (level + φ × trend)
 *   trend' = β × (level' − level) + (1 − β) × φ × trend
 *
 * Intuition  most things that rise do not rise for ever: an undamped trend is right for a minute and absurd for an hour.
 * Source     Holt 1957; Gardner and McKenzie 1985 for the damping.
 */
export function nextHolt({ alpha, beta, phi }: HoltRule, before: Holt, value: number): Holt {
  if (before.count === 0) return { level: value, trend: 0, count: 1 }
  const level = alpha * value + (1 - alpha) * (before.level + phi * before.trend)
  const trend = beta * (level - before.level) + (1 - beta) * phi * before.trend
  return { level, trend, count: before.count + 1 }
}

/** What the series will be after so many steps: level + (φ + φ² + … + φ^steps) × trend. */
export function forecastHolt({ phi }: HoltRule, { level, trend }: Holt, steps: number): number {
  const damped = phi === 1 ? steps : (phi * (1 - phi ** steps)) / (1 - phi)
  return level + damped * trend
}
