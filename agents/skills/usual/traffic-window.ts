import { topOf } from '../../kit/run/latency-buckets.ts'
import { rankOf } from '../../kit/run/parts.ts'

/** With fewer requests a window says nothing of a percentile. */
const REQUESTS_MIN = 20
/** So many values tell how latencies were spread, each for as many of them. */
const SHAPE = 20

/** How requests of one endpoint went in some seconds: what came of them, and how long they took. Changed in place. */
export class TrafficWindow {
  readonly #counts = new Map<number, number>()
  #timed = 0
  #settled = 0
  #failed = 0

  settle(ok: number, failed: number): void {
    this.#settled += ok + failed
    this.#failed += failed
  }

  /** So many took as long as a bucket of latency-buckets.ts says. */
  time(bucket: number, count: number): void {
    this.#timed += count
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count)
  }

  /** The part that failed; undefined: too few to say. */
  get errorShare(): number | undefined {
    return this.#settled < REQUESTS_MIN ? undefined : this.#failed / this.#settled
  }

  /** The 95th percentile in µs, and twenty values that are spread as all of them; undefined: too few to say. */
  get latencies(): { readonly p95Us: number; readonly shapeUs: readonly number[] } | undefined {
    if (this.#timed < REQUESTS_MIN) return undefined
    const buckets = [...this.#counts].sort(([a], [b]) => a - b)
    const at = (share: number): number => {
      const rank = rankOf(share, this.#timed)
      let seen = 0
      for (const [bucket, count] of buckets) if ((seen += count) >= rank) return topOf(bucket)
      return 0
    }
    return { p95Us: at(0.95), shapeUs: Array.from({ length: SHAPE }, (_, i) => at((i + 0.5) / SHAPE)) }
  }
}
