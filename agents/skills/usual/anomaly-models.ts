import type { Anomaly, BaselineView, MetricName, Severity } from '../../signals.ts'
import { theilSen } from '../theil-sen.ts'

/** How a figure is held against what is usual. */
export interface Model {
  readonly metric: MetricName
  readonly model: Anomaly['model']
  /** Values it looks back on; with fewer it says nothing. */
  readonly window: number
  /** Deviations, relative change, or times the 95th percentile: beyond that it is an anomaly. */
  readonly threshold: number
  /** So many values in a row must be one before it is told: how easily noise looks like one decides. */
  readonly inARow: number
  /** Of times: what is above the usual by less is none of the endpoint's, in µs. Left out: 0. */
  readonly leastUs?: number
}

/** The thread that times checks has other things to do: how much later it may come to an answer is no word on who gave it. */
const OWN_US = 10_000

/**
 * The models, and where their numbers come from: the windows and thresholds are those the monitor was specified with. A value beyond
 * 2.5 deviations is one in a hundred by chance alone, so three in a row are asked for; a line through thirty values, and a percentile of
 * sixty, are no chance.
 */
export const MODELS: readonly Model[] = [
  { metric: 'cpu', model: 'statistical', window: 20, threshold: 2.5, inARow: 3 },
  { metric: 'memory', model: 'statistical', window: 15, threshold: 2, inARow: 3 },
  { metric: 'network-latency', model: 'trend', window: 30, threshold: 0.3, inARow: 1, leastUs: OWN_US },
  { metric: 'response-time', model: 'percentile', window: 1, threshold: 2, inARow: 2 },
  { metric: 'check-time', model: 'percentile', window: 60, threshold: 2, inARow: 1, leastUs: OWN_US },
]

const PLACES: ReadonlyMap<MetricName, number> = new Map(MODELS.map(({ metric }, i) => [metric, i]))

/** Where the model of a metric is among them; undefined: there is none. */
export function placeOf(metric: MetricName): number | undefined {
  return PLACES.get(metric)
}

/** What a model finds of a value. `score`: how many times beyond the threshold, 1 is just at it. */
export interface Verdict {
  /** What was held against the usual: the value, or what the window comes to. */
  readonly value: number
  readonly isAnomalous: boolean
  /** It is half-way there: said of many endpoints at once, they are on one way. One that is anomalous is. */
  readonly isNear: boolean
  readonly expected: number
  readonly score: number
  readonly hasLeak: boolean
}

/** Nothing deviates by less than a hundredth of a resource: where a share hardly moves, any move would stand out. */
const DEVIATION_MIN = 0.01

/**
 * z = (value − mean) ÷ max(deviation, 0.01) over the window before the value; beyond the threshold, upwards, it stands out. Undefined: the
 * window is not full.
 */
export function statistical(
  value: number,
  before: readonly number[],
  { window, threshold }: Model,
): Verdict | undefined {
  if (before.length < window) return undefined
  const mean = before.reduce((sum, each) => sum + each, 0) / before.length
  const variance = before.reduce((sum, each) => sum + (each - mean) ** 2, 0) / before.length
  const z = (value - mean) / Math.max(Math.sqrt(variance), DEVIATION_MIN)
  const score = Math.max(0, z / threshold)
  return { value, isAnomalous: z > threshold, isNear: z > threshold / 2, expected: mean, score, hasLeak: false }
}

/** A line that explains less is none. */
const LEAK_R2 = 0.8
/** In a window a leak fills so much of all there is, at least: less is how memory breathes. */
const LEAK_RISE = 0.05

/**
 * The same for memory, and whether it leaks: a straight way up. A line never stands out from its own window (15 values of one have a
 * deviation of 4.3 steps, the next is 8 from their mean: z = 1.9), so a leak is an anomaly by itself.
 */
export function memory(value: number, before: readonly number[], model: Model): Verdict | undefined {
  const verdict = statistical(value, before, model)
  if (verdict === undefined) return undefined
  const hasLeak = isLeak([...before.slice(1 - model.window), value])
  return {
    ...verdict,
    isAnomalous: verdict.isAnomalous || hasLeak,
    isNear: verdict.isNear || hasLeak,
    score: hasLeak ? Math.max(1, verdict.score) : verdict.score,
    hasLeak,
  }
}

function isLeak(values: readonly number[]): boolean {
  // The line is dear, and most values are nowhere near one.
  if (Math.max(...values) - Math.min(...values) < LEAK_RISE / 2) return false
  const { slope, r2 } = theilSen(
    values.map((_, i) => i),
    values,
  )
  return slope > 0 && r2 > LEAK_R2 && slope * values.length >= LEAK_RISE
}

/** Where the line through the window leads next, relative to the baseline; `recent` has the value as its last. */
export function trend(
  recent: readonly number[],
  { mean }: BaselineView,
  { window, threshold, leastUs = 0 }: Model,
): Verdict | undefined {
  if (recent.length < window || mean <= 0) return undefined
  const [value, limit] = [recent.at(-1)!, Math.max(threshold, leastUs / mean)]
  // The line is dear: where not even the last third lies half as high as it would have to, it leads nowhere.
  const third = recent.slice(-Math.ceil(window / 3))
  const lately = third.reduce((sum, each) => sum + each, 0) / third.length / mean - 1
  const isNear = lately > limit / 2
  if (!isNear) {
    return { value, isAnomalous: false, isNear, expected: mean, score: Math.max(0, lately / limit), hasLeak: false }
  }
  const { slope, intercept } = theilSen(
    recent.map((_, i) => i),
    recent,
  )
  const change = (intercept + slope * recent.length - mean) / mean
  const score = Math.max(0, change / limit)
  return { value, isAnomalous: change > limit, isNear, expected: mean, score, hasLeak: false }
}

/** The 95th percentile of the window against so many times the usual one, and so much more than it at least. */
export function percentile(
  recent: readonly number[],
  { p95 }: BaselineView,
  { window, threshold, leastUs = 0 }: Model,
): Verdict | undefined {
  if (recent.length < window || !(p95 > 0)) return undefined
  // So many values are above the 95th percentile, or are it: it is as high as the least of the highest that many.
  const highest = recent.length - Math.ceil(0.95 * recent.length) + 1
  const limit = Math.max(threshold * p95, p95 + leastUs)
  const halfWay = (p95 + limit) / 2
  let above = 0
  let near = 0
  for (const value of recent) {
    if (value > limit) above++
    if (value > halfWay) near++
  }
  const isNear = near >= highest
  if (above < highest) return { value: 0, isAnomalous: false, isNear, expected: p95, score: 0, hasLeak: false }
  const value = [...recent].sort((a, b) => b - a)[highest - 1]!
  return { value, isAnomalous: true, isNear, expected: p95, score: value / limit, hasLeak: false }
}

/** What is measured in checks alone, by this process on its own time. */
export const OF_CHECKS: ReadonlySet<MetricName> = new Set(['check-time', 'network-latency'])

/**
 * One is a warning; two of different kinds are critical, and slow answers with a busy CPU are two. Times of checks and of requests are of one kind.
 * What checks alone say is a warning however much it is: no request went worse for it.
 */
export function severityOf(anomalies: readonly Anomaly[]): Severity {
  const kinds = new Set(anomalies.map(({ metric }) => (metric === 'check-time' ? 'response-time' : metric)))
  if (kinds.size === 0) return 'info'
  return kinds.size === 1 || anomalies.every(({ metric }) => OF_CHECKS.has(metric)) ? 'warning' : 'critical'
}

export function scoreOf(anomalies: readonly Anomaly[]): number {
  return anomalies.reduce((most, { score }) => Math.max(most, score), 0)
}
