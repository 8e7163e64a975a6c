import type { HealthStanding } from '../../signals.ts'
import { medianOf, theilSen } from '../theil-sen.ts'

/** With fewer there is no saying. */
const VALUES_MIN = 5
/** By so much of the middle value it must have changed from the first to the last, or nothing has. */
const CHANGE_MIN = 0.1
/** So much of the ups and downs must be along the line. */
const R2_MIN = 0.3

/** Which way a figure goes, of which less is better: latencies, shares of what is used. The oldest value first. */
export function trendOf(values: readonly number[]): HealthStanding['trend'] {
  if (values.length < VALUES_MIN) return 'unknown'
  const { slope, r2 } = theilSen(
    values.map((_, i) => i),
    values,
  )
  const change = (slope * (values.length - 1)) / Math.max(medianOf(values), Number.MIN_VALUE)
  if (r2 < R2_MIN || Math.abs(change) < CHANGE_MIN) return 'stable'
  return change > 0 ? 'worsening' : 'improving'
}
