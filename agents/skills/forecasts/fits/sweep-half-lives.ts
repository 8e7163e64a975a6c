import { newHistogram, quantileOf, topOf } from '../../../kit/run/latency-buckets.ts'

/** One endpoint's requests in a second: pairs of bucket and count. */
export interface RecordedSecond {
  readonly endpoint: number
  readonly pairs: readonly number[]
}

/** What was recorded of a service: seconds, the oldest first. */
export interface Recorded {
  readonly service: string
  /** The value in force. */
  readonly inForce: number
  readonly values: readonly number[]
  readonly seconds: readonly (readonly RecordedSecond[])[]
}

/** What a value would have come to: p99 in µs. */
export interface Swept {
  readonly service: string
  readonly inForce: number
  readonly best: number
  readonly p99UsInForce: number
  readonly p99UsBest: number
}

/** Seconds at the beginning that only teach. */
const LEARN_S = 10
/** The histogram counts whole requests: shares are of so many. */
const SCALE = 1e6

/** How many steps a sweep of these takes. */
export function stepsOf({ seconds, values }: Recorded): number {
  return (
    values.length * seconds.reduce((sum, rows) => sum + rows.reduce((pairs, row) => pairs + row.pairs.length, 0), 0)
  )
}

/**
 * Judges values of a time constant on what was recorded, without routing anything by them.
 *
 *   each second   level(e) by the seconds before, with this time constant
 *                 share(e) ∝ 1 ÷ level(e)²                     what adaptive comes to: in flight ∝ 1 ÷ level, and each that is in flight takes level
 *   p99           of what was recorded, each endpoint's requests weighed by its share
 *
 * It says how well a value tells who will be fast. What it cannot see is that endpoints become slower by being sent more: so the change it
 * proposes is verified afterwards, see change-loop.ts.
 */
export function sweepHalfLives(recorded: Recorded): Swept {
  const { service, inForce, values, seconds } = recorded
  const p99 = (tauMs: number): number => p99Of(seconds, tauMs)
  const p99UsInForce = p99(inForce)
  let [best, p99UsBest] = [inForce, p99UsInForce]
  for (const value of values) {
    const us = p99(value)
    if (us < p99UsBest) [best, p99UsBest] = [value, us]
  }
  return { service, inForce, best, p99UsInForce, p99UsBest }
}

function p99Of(seconds: Recorded['seconds'], tauMs: number): number {
  const kept = Math.exp(-1000 / tauMs)
  const sums = new Map<number, { count: number; us: number }>()
  const mixed = newHistogram()
  seconds.forEach((rows, second) => {
    const shares = rows.map(({ endpoint }) => {
      const sum = sums.get(endpoint)
      return sum === undefined || sum.count === 0 ? 0 : (sum.count / sum.us) ** 2
    })
    const whole = shares.reduce((sum, share) => sum + share, 0)
    rows.forEach(({ endpoint, pairs }, i) => {
      let [count, us] = [0, 0]
      for (let at = 0; at < pairs.length; at += 2) {
        count += pairs[at + 1]!
        us += pairs[at + 1]! * Math.max(1, topOf(pairs[at]!))
      }
      if (second >= LEARN_S && whole > 0 && count > 0) {
        const weight = (SCALE / seconds.length) * (shares[i]! / whole)
        for (let at = 0; at < pairs.length; at += 2) mixed[pairs[at]!]! += Math.round((weight * pairs[at + 1]!) / count)
      }
      const before = sums.get(endpoint) ?? { count: 0, us: 0 }
      sums.set(endpoint, { count: before.count * kept + count, us: before.us * kept + us })
    })
  })
  return quantileOf(mixed, 0.99)
}
