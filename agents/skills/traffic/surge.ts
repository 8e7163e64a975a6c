/** What a surge is; see the config's `surge`. */
export interface SurgeRule {
  readonly minPerSecond: number
  readonly factor: number
  readonly deviations: number
}

/** What is known of the rate of requests to a service: one bucket a second. */
export interface Rates {
  /** The last sixty, the oldest first. */
  readonly buckets: readonly number[]
  /** Moving average over a minute, and the variance about it; what is usual. */
  readonly usual: number
  readonly variance: number
  /** Seconds that were looked at, and those of them that what is usual rests on. */
  readonly seconds: number
  readonly known: number
  /** Seconds in a row that were far above what is usual. */
  readonly above: number
  /** Seconds in a row that were no more than 1.5 times what is usual: a surge ends with the tenth. */
  readonly below: number
  readonly isSurge: boolean
}

export const NO_RATES: Rates = {
  ...{ buckets: [], usual: 0, variance: 0, seconds: 0, known: 0 },
  ...{ above: 0, below: 0, isSurge: false },
}

const BUCKETS = 60
/** What is usual is not known before. */
const WARMUP_S = 10
/** Requests per second below which nothing is usual: a service that begins to be used is in no surge. */
const IDLE = 1
const BEGINS_S = 2
const ENDS_FACTOR = 1.5
const ENDS_S = 10

/** Weight of one second in an average over sixty. */
const ALPHA = 1 - Math.exp(-1 / 60)

/**
 * What is known after one more second with so many requests.
 *
 *   begins   rate > max(factor × usual, usual + deviations × σ) and ≥ minPerSecond, two seconds in a row
 *   ends     rate < 1.5 × usual, ten seconds in a row
 *   usual    exponential average, time constant a minute; σ from the variance about it, that of chance (√usual) at least.
 *            It begins anew, and takes ten seconds, after less than one request a second
 *
 * Intuition  three times what is usual is a surge for a busy service; for a quiet one three times is chance, and σ says so. `usual` goes on
 *            while it lasts: what stays for some minutes is no surge any more but the new usual.
 */
export function afterSecond(rule: SurgeRule, before: Rates, rate: number): Rates {
  const { usual, variance } = before
  const known = usual < IDLE ? 0 : before.known
  const isKnown = known >= WARMUP_S
  const deviation = Math.sqrt(Math.max(variance, usual))
  const limit = Math.max(rule.factor * usual, usual + rule.deviations * deviation)
  const above = isKnown && rate > limit && rate >= rule.minPerSecond ? before.above + 1 : 0
  // At first a plain mean, so that it does not hang on the first second.
  const alpha = Math.max(ALPHA, 1 / (known + 1))
  const off = rate - usual
  const begins = !before.isSurge && above >= BEGINS_S
  // The first second of what may be a surge is not learnt: the second is judged by what was usual before both.
  const isHeld = above > 0 && !before.isSurge && !begins
  const nextUsual = isHeld ? usual : usual + alpha * off
  const nextVariance = known === 0 ? 0 : isHeld ? variance : (1 - alpha) * (variance + alpha * off * off)
  const below = rate < ENDS_FACTOR * nextUsual ? before.below + 1 : 0
  const ends = before.isSurge && below >= ENDS_S
  return {
    buckets: [...before.buckets.slice(-BUCKETS + 1), rate],
    usual: nextUsual,
    variance: nextVariance,
    seconds: before.seconds + 1,
    known: known + 1,
    above,
    below: begins ? 0 : below,
    isSurge: begins || (before.isSurge && !ends),
  }
}

/** How much more the busiest second of the last minute had than the mean one: 1 is steady. */
export function burstinessOf({ buckets }: Rates): number {
  const mean = buckets.reduce((sum, each) => sum + each, 0) / Math.max(1, buckets.length)
  return mean === 0 ? 1 : Math.max(...buckets) / mean
}
