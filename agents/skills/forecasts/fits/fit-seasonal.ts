import { forecastHolt, HOLT_RULE, NO_HOLT, nextHolt } from '../holt.ts'
import { beginSeasonal, forecastSeasonal, nextSeasonal, SEASONAL_RULE, type SeasonalRule } from '../seasonal.ts'

/** A series whose season is looked for. */
export interface Series {
  readonly service: string
  readonly period: number
  readonly values: readonly number[]
}

/** The rule that would have forecast a series best, one step ahead, and how well: mean of squared errors. */
export interface SeasonalFit {
  readonly service: string
  readonly period: number
  readonly rule: SeasonalRule
  readonly error: number
  /** That of Holt's smoothing without a season. */
  readonly plainError: number
}

const GRID = { alpha: [0.05, 0.1, 0.2, 0.4], beta: [0, 0.05, 0.1], gamma: [0.05, 0.1, 0.3, 0.5] }

/** How many steps a fit of these takes; a million of them some ten ms. */
export function stepsOf(series: readonly Series[]): number {
  const rules = GRID.alpha.length * GRID.beta.length * GRID.gamma.length
  return series.reduce((sum, { values }) => sum + values.length * (rules + 1), 0)
}

/** Tries every rule of the grid on each series: the first two seasons begin it, the rest judges. A series without more is left out. */
export function fitSeasonal(series: readonly Series[]): SeasonalFit[] {
  return series.flatMap(({ service, period, values }) => {
    const from = 2 * period
    if (values.length <= from) return []
    let best: { rule: SeasonalRule; error: number } | undefined
    for (const alpha of GRID.alpha) {
      for (const beta of GRID.beta) {
        for (const gamma of GRID.gamma) {
          const rule = { alpha, beta, gamma, phi: SEASONAL_RULE.phi }
          const error = seasonalError(rule, values, period)
          if (best === undefined || error < best.error) best = { rule, error }
        }
      }
    }
    return [{ service, period, ...best!, plainError: plainError(values, from) }]
  })
}

function seasonalError(rule: SeasonalRule, values: readonly number[], period: number): number {
  const from = 2 * period
  let seasonal = beginSeasonal(values.slice(0, from), period)!
  let sum = 0
  for (const value of values.slice(from)) {
    sum += (forecastSeasonal(rule, seasonal, 1) - value) ** 2
    seasonal = nextSeasonal(rule, seasonal, value)
  }
  return sum / (values.length - from)
}

function plainError(values: readonly number[], from: number): number {
  let holt = NO_HOLT
  let sum = 0
  values.forEach((value, i) => {
    if (i >= from) sum += (forecastHolt(HOLT_RULE, holt, 1) - value) ** 2
    holt = nextHolt(HOLT_RULE, holt, value)
  })
  return sum / (values.length - from)
}
