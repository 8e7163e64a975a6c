import { BUCKETS, bucketOf } from '../kit/run/latency-buckets.ts'
import type { LatencyCount } from '../signals.ts'
import type { Drained } from './signals.ts'

type Count = { -readonly [key in keyof LatencyCount]: LatencyCount[key] }

/**
 * How many requests took how long since this was last told, for those who keep latencies over longer. Changed in place, as the ledger,
 * and kept as it is told: only buckets that are not empty take room, and a row has a few dozen of them at most.
 */
export class LatencyCounts {
  readonly #counts = new Map<number, Count>()

  add({ row, generation, latenciesUs }: Drained): void {
    for (const us of latenciesUs) {
      const bucket = bucketOf(us)
      const key = row * BUCKETS + bucket
      const known = this.#counts.get(key)
      if (known?.generation === generation) known.count++
      else this.#counts.set(key, { row, generation, bucket, count: 1 })
    }
  }

  /** All of them, which are forgotten here. */
  take(): readonly LatencyCount[] {
    const rows = [...this.#counts.values()]
    this.#counts.clear()
    return rows
  }
}
