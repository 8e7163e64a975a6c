/** A series that repeats itself: a level, where it goes, and how each place of the season differs from the level. */
export interface Seasonal {
  readonly level: number
  readonly trend: number
  /** By place in the season. */
  readonly season: readonly number[]
  /** Place of the next value. */
  readonly place: number
}

/** How much a new value counts: for the level, the trend and the season; and which part of a trend is left after each step. */
export interface SeasonalRule {
  readonly alpha: number
  readonly beta: number
  readonly gamma: number
  readonly phi: number
}

export const SEASONAL_RULE: SeasonalRule = { alpha: 0.2, beta: 0.05, gamma: 0.3, phi: 0.9 }

/**
 * Begins with the first seasons of a series, at least two, `period` values each; undefined for less.
 *
 *   level   mean of the last whole season          season[i]   mean of the i-th values less the means of their seasons
 */
export function beginSeasonal(values: readonly number[], period: number): Seasonal | undefined {
  const seasons = Math.floor(values.length / period)
  if (seasons < 2) return undefined
  const means = Array.from({ length: seasons }, (_, s) => meanOf(values.slice(s * period, (s + 1) * period)))
  const season = Array.from({ length: period }, (_, i) =>
    meanOf(means.map((mean, s) => values[s * period + i]! - mean)),
  )
  return { level: means[seasons - 1]!, trend: 0, season, place: 0 }
}

/**
 * Holt and Winters' additive smoothing with a damped trend, after one more value.
 *
 *   level'  = α × (value − season[i]) + (1 − α) × (level + φ × trend)
 *   trend'  = β × (level' − level) + (1 − β) × φ × trend
 *   season' = γ × (value − level') + (1 − γ) × season[i]              at its place i alone
 *
 * Source  Winters 1960. Additive, because rates of requests come down to 0 at night and factors would then be undefined.
 */
export function nextSeasonal({ alpha, beta, gamma, phi }: SeasonalRule, before: Seasonal, value: number): Seasonal {
  const { place } = before
  const usual = before.season[place]!
  const level = alpha * (value - usual) + (1 - alpha) * (before.level + phi * before.trend)
  const trend = beta * (level - before.level) + (1 - beta) * phi * before.trend
  const season = before.season.with(place, gamma * (value - level) + (1 - gamma) * usual)
  return { level, trend, season, place: (place + 1) % season.length }
}

/** What the series will be after so many steps, at least 1. */
export function forecastSeasonal({ phi }: SeasonalRule, { level, trend, season, place }: Seasonal, steps: number) {
  const damped = phi === 1 ? steps : (phi * (1 - phi ** steps)) / (1 - phi)
  return level + damped * trend + season[(place + steps - 1) % season.length]!
}

/** The share of a series' variance that its season explains, from 0 to 1: none of it is a pattern, or all. */
export function seasonality(values: readonly number[], period: number): number {
  const whole = values.slice(values.length - Math.floor(values.length / period) * period)
  const begun = beginSeasonal(whole, period)
  if (begun === undefined) return 0
  const mean = meanOf(whole)
  const total = meanOf(whole.map(value => (value - mean) ** 2))
  if (total === 0) return 0
  const rest = meanOf(
    whole.map((value, i) => {
      const from = Math.floor(i / period) * period
      return (value - meanOf(whole.slice(from, from + period)) - begun.season[i % period]!) ** 2
    }),
  )
  return Math.max(0, 1 - rest / total)
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
