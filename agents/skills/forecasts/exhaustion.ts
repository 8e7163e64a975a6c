import { elapsedMs } from '../../../engine/writer.ts'
import { appended } from '../../kit/run/bounded.ts'
import { theilSen } from '../theil-sen.ts'

/** A used share of something at a moment, from 0 to 1. */
export interface Use {
  readonly atMs: number
  readonly used: number
}

/** How something grows: the line that most pairs of reports agree on. */
interface Growth {
  /** Where the line stood at the last report it was laid through. */
  readonly atMs: number
  readonly used: number
  /** Used share a second. */
  readonly perSecond: number
  /** How straight it grows, from 0 to 1. */
  readonly r2: number
}

/** What is known of how something is used up. Changed in place. */
export interface Usage {
  /** Reports, the oldest first. */
  uses: readonly Use[]
  /** As last fitted; undefined: it does not grow, or not straight. */
  growth: Growth | undefined
}

/** When something will be used up. */
export interface Exhaustion extends Pick<Growth, 'perSecond' | 'r2'> {
  readonly etaMs: number
}

/** Reports that are kept: with one every ten seconds, those of ten minutes. */
const USES_MAX = 60
/** Who has not reported for so many times the usual interval, or this time where that is longer, reports no more. */
const SILENT_INTERVALS = 3
const SILENT_MS = 5_000
/** What wavers more than it grows is no leak. */
const R2_MIN = 0.8
/** Less than this from the first report to the last is noise of the measure: a percent of memory. */
const GROWTH_MIN = 0.01

export function noUsage(): Usage {
  return { uses: [], growth: undefined }
}

/** Forgets what nobody reports any more: a line that is not measured leads anywhere. */
export function forgetSilent(usage: Usage, now: number): void {
  const [first, last] = [usage.uses[0], usage.uses.at(-1)]
  // Of one report it is not known yet when the next is due.
  if (first === undefined || last === undefined || first === last) return
  const intervalMs = elapsedMs(last.atMs, first.atMs) / (usage.uses.length - 1)
  if (elapsedMs(now, last.atMs) <= Math.max(SILENT_MS, SILENT_INTERVALS * intervalMs)) return
  usage.uses = []
  usage.growth = undefined
}

/**
 * Takes in a report, and says whether its line is worth to be laid anew (`fitGrowth`). Nearly always it is not: what stands still, shrinks or
 * wavers is known by one pass over the reports, and the line goes over all pairs of them.
 */
export function addUse(usage: Usage, use: Use): boolean {
  usage.uses = appended(usage.uses, use, USES_MAX)
  const mayGrow = isStraightUp(usage.uses)
  if (!mayGrow) usage.growth = undefined
  return mayGrow
}

/** Lays the line through all reports anew. */
export function fitGrowth(usage: Usage): void {
  const [first, last] = [usage.uses[0], usage.uses.at(-1)]
  usage.growth = undefined
  if (first === undefined || last === undefined) return
  const { slope, intercept, r2 } = theilSen(
    usage.uses.map(({ atMs }) => -elapsedMs(last.atMs, atMs) / 1000),
    usage.uses.map(({ used }) => used),
  )
  if (slope <= 0 || r2 < R2_MIN || (slope * elapsedMs(last.atMs, first.atMs)) / 1000 < GROWTH_MIN) return
  usage.growth = { atMs: last.atMs, used: intercept, perSecond: slope, r2 }
}

/**
 * When a share that grows will reach 1; undefined where it does not grow, or not straight.
 *
 *   eta = (1 − line(now)) ÷ slope
 */
export function exhaustionOf({ growth }: Usage, now: number): Exhaustion | undefined {
  if (growth === undefined) return undefined
  const { atMs, used, perSecond, r2 } = growth
  return { etaMs: Math.max(0, ((1 - used) / perSecond) * 1000 - elapsedMs(now, atMs)), perSecond, r2 }
}

/** By least squares, which no line explains better: where that is no growth, no line through the reports is one. */
function isStraightUp(uses: readonly Use[]): boolean {
  const last = uses.at(-1)!
  let [sumX, sumY, least, most] = [0, 0, last.used, last.used]
  for (const { atMs, used } of uses) {
    sumX -= elapsedMs(last.atMs, atMs)
    sumY += used
    least = Math.min(least, used)
    most = Math.max(most, used)
  }
  if (most - least < GROWTH_MIN) return false
  const [meanX, meanY] = [sumX / uses.length, sumY / uses.length]
  let [xx, xy, yy] = [0, 0, 0]
  for (const { atMs, used } of uses) {
    const x = -elapsedMs(last.atMs, atMs) - meanX
    const y = used - meanY
    xx += x * x
    xy += x * y
    yy += y * y
  }
  return xy > 0 && xy * xy >= R2_MIN * xx * yy
}
