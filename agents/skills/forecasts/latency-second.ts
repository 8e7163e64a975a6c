import { BUCKETS, topOf } from '../../kit/run/latency-buckets.ts'
import { rankOf } from '../../kit/run/parts.ts'
import type { LatencyCount } from '../../signals.ts'

/** The latencies of one endpoint within a second: how many, mean and variance of their logarithms (of µs), p95, mean, variance in squares of it. */
export interface LatencySecond {
  readonly row: number
  readonly generation: number
  readonly count: number
  readonly meanLog: number
  readonly varianceLog: number
  readonly p95Us: number
  readonly meanUs: number
  readonly spread: number
}

/** Logarithm of the middle of each bucket, µs, at least 1. */
const LOGS = Float64Array.from({ length: BUCKETS }, (_, bucket) =>
  Math.log(Math.max(1, (topOf(bucket) + (bucket === 0 ? 0 : topOf(bucket - 1) + 1)) / 2)),
)

/** Counts as they are told, by endpoint. */
export function secondsOf(counts: readonly LatencyCount[]): LatencySecond[] {
  const byRow = new Map<number, LatencyCount[]>()
  for (const each of counts) {
    const known = byRow.get(each.row)
    if (known === undefined) byRow.set(each.row, [each])
    else if (known[0]!.generation === each.generation) known.push(each)
  }
  return [...byRow.values()].map(ofEndpoint)
}

function ofEndpoint(counts: LatencyCount[]): LatencySecond {
  let [count, sum, squares, sumUs, squaresUs] = [0, 0, 0, 0, 0]
  for (const { bucket, count: many } of counts) {
    const log = LOGS[bucket]!
    const us = Math.exp(log)
    sumUs += many * us
    squaresUs += many * us * us
    count += many
    sum += many * log
    squares += many * log * log
  }
  const { row, generation } = counts[0]!
  const meanLog = sum / count
  const varianceLog = Math.max(0, squares / count - meanLog ** 2)
  const meanUs = sumUs / count
  const spread = Math.max(0, squaresUs / count / meanUs ** 2 - 1)
  return { row, generation, count, meanLog, varianceLog, p95Us: quantileOf(counts, count, 0.95), meanUs, spread }
}

function quantileOf(counts: LatencyCount[], volume: number, quantile: number): number {
  const rank = rankOf(quantile, volume)
  let seen = 0
  for (const { bucket, count } of counts.sort((a, b) => a.bucket - b.bucket)) {
    seen += count
    if (seen >= rank) return topOf(bucket)
  }
  return 0
}
