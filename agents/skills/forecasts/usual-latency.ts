import type { LatencySecond } from './latency-second.ts'
import { findRamp, RAMP_WINDOWS, type Ramp, type Usual } from './ramp.ts'

/**
 * What is usual of an endpoint's latency, and the last seconds beside it. A second becomes part of what is usual when it is twenty seconds old:
 * a rise must not be taken for the usual while it is looked for.
 *
 *   ──── usual ────│ 1 │ 2 │ 3 │ … │ 20 │ now
 */
export interface UsualLatency extends Usual {
  /** Seconds it rests on. */
  readonly seconds: number
  /** How much seconds stray: 1 as chance has it. */
  readonly stray: number
  /** Mean square by which twenty seconds are off what is usual, beyond chance: how much it wanders. */
  readonly wander: number
  /** Requests a second. */
  readonly perSecond: number
  /** Means of the logarithms of the seconds' p95, and of their means. */
  readonly logP95: number
  readonly logMean: number
  /** Variance of one request in squares of the mean. */
  readonly spread: number
  /** The oldest first. */
  readonly recent: readonly LatencySecond[]
}

export const NO_USUAL: UsualLatency = {
  ...{ seconds: 0, meanLog: 0, variance: 1, overdispersion: 1, uncertainty: 1, stray: 1, wander: 0, perSecond: 0 },
  ...{ logP95: 0, logMean: 0, spread: 1, recent: [] },
}

/** What is usual follows over so many seconds with requests; how much it strays, over five times as many. */
const MEMORY = 60
const STRAY_MEMORY = 300
/** Nothing is said of an endpoint before so many seconds are behind it. */
export const USUAL_MIN = 30
/** By so much the mean of them strays itself, by chance, four times in five less: what is not more is none. */
const STRAY_CHANCE = 0.2
/** One odd second does not make all the others look harmless. */
const STRAY_MAX = 16

/**
 * After one more second. With `isFrozen` what leaves the recent ones is forgotten: it belongs to something unusual.
 *
 *   stray          = mean of count × (mean of logarithms − usual)² ÷ variance      1 where seconds stray as chance has it
 *   overdispersion = max(1, stray − 0.2)
 *   uncertainty    = variance × overdispersion ÷ (requests a second × 120) + wander
 */
export function nextUsual(before: UsualLatency, second: LatencySecond, isFrozen: boolean): UsualLatency {
  const recent = [...before.recent, second]
  const oldest = recent.length > RAMP_WINDOWS ? recent.shift() : undefined
  if (oldest === undefined || isFrozen) return { ...before, recent }
  const { seconds } = before
  if (seconds === 0) {
    const { meanLog, varianceLog, count, p95Us, meanUs, spread } = oldest
    const logs = { logP95: Math.log(Math.max(1, p95Us)), logMean: Math.log(meanUs) }
    return { ...NO_USUAL, recent, seconds: 1, meanLog, variance: varianceLog, perSecond: count, spread, ...logs }
  }
  const a = Math.max(1 / (seconds + 1), 1 / MEMORY)
  const b = Math.max(1 / (seconds + 1), 1 / STRAY_MEMORY)
  const mix = (share: number, old: number, value: number): number => old + share * (value - old)
  const odd = (oldest.count * (oldest.meanLog - before.meanLog) ** 2) / Math.max(1e-6, before.variance)
  const stray = mix(b, before.stray, Math.min(STRAY_MAX * before.stray, odd))
  const overdispersion = Math.max(1, stray - STRAY_CHANCE)
  const variance = oldest.count > 1 ? mix(a, before.variance, oldest.varianceLog) : before.variance
  const perSecond = mix(a, before.perSecond, oldest.count)
  // A fading mean over 60 strays as one of twice as many.
  const chance = (variance * overdispersion) / (Math.max(1, perSecond) * Math.min(seconds, 2 * MEMORY))
  const count = recent.reduce((sum, each) => sum + each.count, 0)
  const off = recent.reduce((sum, each) => sum + each.count * each.meanLog, 0) / count - before.meanLog
  const wander = mix(b, before.wander, off ** 2 - chance - (variance * overdispersion) / count)
  return {
    ...{ recent, seconds: seconds + 1, variance, overdispersion, stray, wander, perSecond },
    meanLog: mix(a, before.meanLog, oldest.meanLog),
    uncertainty: chance + Math.max(0, wander),
    logP95: mix(a, before.logP95, Math.log(Math.max(1, oldest.p95Us))),
    logMean: mix(a, before.logMean, Math.log(oldest.meanUs)),
    spread: mix(a, before.spread, oldest.spread),
  }
}

/** The rise that is under way, if there is one. */
export function rampOf(usual: UsualLatency): Ramp | undefined {
  return usual.seconds < USUAL_MIN ? undefined : findRamp(usual, usual.recent)
}

/**
 * The same with the second under way, of which only the mean is known. That of so many requests strays as the mean of the logarithms of fewer
 * does: variance of a logarithm ÷ spread.
 */
export function rampWithin(usual: UsualLatency, ok: number, sumUs: number): Ramp | undefined {
  if (usual.seconds < USUAL_MIN || ok === 0) return undefined
  const part = {
    count: ok * Math.min(1, usual.variance / Math.max(1e-6, usual.spread)),
    // The logarithm of a mean is less than what the mean is of, by half its variance.
    meanLog:
      usual.meanLog +
      Math.log(sumUs / ok) -
      usual.logMean +
      usual.spread / (2 * ok) -
      usual.spread / (2 * usual.perSecond),
  }
  return findRamp(usual, [...usual.recent, part])
}

/** How many times what is usual it takes now: by the last three seconds. */
export function timesUsual({ recent, meanLog }: UsualLatency): number {
  const last = recent.slice(-3)
  const count = last.reduce((sum, each) => sum + each.count, 0)
  if (count === 0) return 1
  return Math.exp(last.reduce((sum, each) => sum + each.count * each.meanLog, 0) / count - meanLog)
}

/** Standard deviations by which it is above what is usual, by the last three seconds. */
export function latencyZ(usual: UsualLatency): number {
  if (usual.seconds < USUAL_MIN) return 0
  const count = usual.recent.slice(-3).reduce((sum, each) => sum + each.count, 0)
  const unit = Math.sqrt((Math.max(1e-6, usual.variance) * usual.overdispersion) / Math.max(1, count))
  return Math.log(timesUsual(usual)) / unit
}

/** The p95 that is usual, µs: that of a second, of which the logarithms are averaged. */
export function usualP95Us({ logP95 }: UsualLatency): number {
  return Math.exp(logP95)
}
