import { elapsedMs } from '../../../engine/writer.ts'
import { theilSen } from '../theil-sen.ts'

/** A used share of something at a moment, from 0 to 1. */
export interface Use {
  readonly atMs: number
  readonly used: number
}

/** When something will be used up. */
export interface Exhaustion {
  readonly etaMs: number
  /** Used share a second. */
  readonly perSecond: number
  /** How straight it grows, from 0 to 1. */
  readonly r2: number
}

/** Reports that are kept: with one every ten seconds, those of ten minutes. */
export const USES_MAX = 60
/** What wavers more than it grows is no leak. */
const R2_MIN = 0.8
/** Less than this from the first report to the last is noise of the measure: a percent of memory. */
const GROWTH_MIN = 0.01

/**
 * When a share that grows will reach 1, by the line that most pairs of reports agree on; undefined where it does not grow, or not
 * straight.
 *
 *   eta = (1 − line(now)) ÷ slope
 */
export function exhaustionOf(uses: readonly Use[], now: number): Exhaustion | undefined {
  const line = theilSen(
    uses.map(({ atMs }) => -elapsedMs(now, atMs) / 1000),
    uses.map(({ used }) => used),
  )
  const first = uses[0]
  if (first === undefined || line.slope <= 0 || line.r2 < R2_MIN) return undefined
  if ((line.slope * elapsedMs(now, first.atMs)) / 1000 < GROWTH_MIN) return undefined
  return { etaMs: Math.max(0, (1 - line.intercept) / line.slope) * 1000, perSecond: line.slope, r2: line.r2 }
}
