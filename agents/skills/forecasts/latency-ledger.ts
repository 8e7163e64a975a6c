import { newHistogram, quantileOf, volumeOf } from '../../kit/run/latency-buckets.ts'
import type { LatencyCount } from '../../signals.ts'
import { type LatencySecond, secondsOf } from './latency-second.ts'

/** The latencies of an endpoint's requests, µs. */
export interface WindowRow extends LatencySecond {
  /** Over the last ten seconds; the rest is of the last one. */
  readonly last10s: { readonly count: number; readonly p50Us: number; readonly p95Us: number; readonly p99Us: number }
}

interface Entry {
  readonly row: number
  readonly generation: number
  /** Of the slices that are over and still count. */
  readonly sum: Uint32Array
  /** The oldest first; the last is under way. */
  readonly slices: LatencyCount[][]
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

  add(counted: LatencyCount): void {
    const { row, generation } = counted
    let entry = this.#entries.get(row)
    if (entry?.generation !== generation) {
      if (entry === undefined && this.#entries.size >= LEDGER_MAX) return
      entry = { row, generation, sum: newHistogram(), slices: [[]], idle: 0 }
      this.#entries.set(row, entry)
    }
    entry.slices.at(-1)!.push(counted)
  }

  /** Ends the second under way, and tells of each endpoint that had requests in it. Who had none for ten is forgotten. */
  close(): WindowRow[] {
    const rows: WindowRow[] = []
    for (const entry of this.#entries.values()) {
      const { row, sum, slices } = entry
      const slice = slices.at(-1)!
      addTo(sum, slice, 1)
      slices.push([])
      if (slices.length > SLICES + 1) addTo(sum, slices.shift()!, -1)
      const [second] = secondsOf(slice)
      if (second !== undefined) {
        const at = (quantile: number): number => quantileOf(sum, quantile)
        rows.push({ ...second, last10s: { count: volumeOf(sum), p50Us: at(0.5), p95Us: at(0.95), p99Us: at(0.99) } })
      }
      entry.idle = slice.length > 0 ? 0 : entry.idle + 1
      if (entry.idle >= SLICES) this.#entries.delete(row)
    }
    return rows
  }
}

function addTo(histogram: Uint32Array, slice: readonly LatencyCount[], sign: 1 | -1): void {
  for (const { bucket, count } of slice) histogram[bucket]! += sign * count
}
