import { newHistogram, quantileOf, topOf } from '../kit/run/latency-buckets.ts'
import type { LatencyCount } from '../signals.ts'

/** The latencies of an endpoint's requests, µs. */
export interface WindowRow {
  readonly row: number
  readonly generation: number
  /** In the last second. */
  readonly count: number
  readonly meanLog: number
  readonly varianceLog: number
  readonly p95Us: number
  /** Over the last ten. */
  readonly last10s: { readonly count: number; readonly p50Us: number; readonly p95Us: number; readonly p99Us: number }
}

interface Slice {
  /** Pairs of bucket and count. */
  readonly pairs: number[]
}

interface Entry {
  readonly row: number
  readonly generation: number
  /** Of the slices that are over and still count. */
  readonly sum: Uint32Array
  /** The oldest first; the last is under way. */
  readonly slices: Slice[]
  idle: number
}

/** Slices of a window of ten seconds. */
const SLICES = 10
/** Endpoints whose latencies are kept: 2 MiB of histograms, and as much again of slices where all of them are busy. */
export const LEDGER_MAX = 2048

/**
 * The latencies of the last ten seconds, by endpoint, in slices of a second. Changed in place, as histograms are: what ten thousand
 * requests a second say is not copied with each.
 *
 *   slices   │ 1 │ 2 │ … │ 9 │ under way          a second later the oldest leaves the sum, and the one under way enters it
 *            └───── sum ─────┘
 */
export class LatencyLedger {
  readonly #entries = new Map<number, Entry>()

  /** Endpoints that are kept. */
  get size(): number {
    return this.#entries.size
  }

  add({ row, generation, bucket, count }: LatencyCount): void {
    let entry = this.#entries.get(row)
    if (entry?.generation !== generation) {
      if (entry === undefined && this.#entries.size >= LEDGER_MAX) return
      entry = { row, generation, sum: newHistogram(), slices: [{ pairs: [] }], idle: 0 }
      this.#entries.set(row, entry)
    }
    entry.slices.at(-1)!.pairs.push(bucket, count)
  }

  /** Ends the second under way, and tells of each endpoint that had requests in it. Who had none for ten is forgotten. */
  close(): WindowRow[] {
    const rows: WindowRow[] = []
    for (const entry of this.#entries.values()) {
      const { row, generation, sum, slices } = entry
      const { pairs } = slices.at(-1)!
      addTo(sum, pairs, 1)
      slices.push({ pairs: [] })
      if (pairs.length > 0) {
        const at = (quantile: number): number => quantileOf(sum, quantile)
        const count = countOf(slices)
        const last10s = { count, p50Us: at(0.5), p95Us: at(0.95), p99Us: at(0.99) }
        rows.push({ row, generation, ...secondOf(pairs), last10s })
      }
      if (slices.length > SLICES) addTo(sum, slices.shift()!.pairs, -1)
      entry.idle = pairs.length > 0 ? 0 : entry.idle + 1
      if (entry.idle >= SLICES) this.#entries.delete(row)
    }
    return rows
  }
}

function secondOf(pairs: readonly number[]): Pick<WindowRow, 'count' | 'meanLog' | 'varianceLog' | 'p95Us'> {
  const histogram = newHistogram()
  addTo(histogram, pairs, 1)
  let [count, sum, squares] = [0, 0, 0]
  for (let i = 0; i < pairs.length; i += 2) {
    const log = Math.log(middleOf(pairs[i]!))
    count += pairs[i + 1]!
    sum += pairs[i + 1]! * log
    squares += pairs[i + 1]! * log * log
  }
  const meanLog = sum / count
  return {
    count,
    meanLog,
    varianceLog: Math.max(0, squares / count - meanLog ** 2),
    p95Us: quantileOf(histogram, 0.95),
  }
}

/** The middle of a bucket, µs, at least 1. */
function middleOf(bucket: number): number {
  const top = topOf(bucket)
  return Math.max(1, (top + (bucket === 0 ? 0 : topOf(bucket - 1) + 1)) / 2)
}

function addTo(histogram: Uint32Array, pairs: readonly number[], sign: 1 | -1): void {
  for (let i = 0; i < pairs.length; i += 2) histogram[pairs[i]!]! += sign * pairs[i + 1]!
}

function countOf(slices: readonly Slice[]): number {
  let count = 0
  for (const { pairs } of slices) for (let i = 1; i < pairs.length; i += 2) count += pairs[i]!
  return count
}
