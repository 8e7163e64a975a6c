import { OK } from '../../engine/writer.ts'
import { bucketOf, newHistogram } from '../kit/run/latency-buckets.ts'
import { isLocalOrigin } from './consecutive.ts'
import type { Drained } from './signals.ts'
import type { Rate } from './success-rate.ts'

/** What one endpoint's requests came to in the interval under way. */
export interface Sum {
  readonly row: number
  readonly generation: number
  readonly ok: number
  /** Answers that were failures. */
  readonly answered: number
  /** Failures before an answer. */
  readonly local: number
  readonly latencies: Uint32Array | undefined
}

type Entry = { -readonly [key in keyof Sum]: Sum[key] }

/** Whether a service's sums are wanted, and whether with latencies. */
export type Wanted = 'none' | 'counts' | 'latencies'

/**
 * The sums of the interval under way, by service and row. It is the one thing an agent's decisions change in place: to
 * copy the histograms of thousands of endpoints ten times a second would cost more than all else the agent does.
 * At most one entry a row, so it is bounded by the tables.
 */
export class Ledger {
  readonly #services = new Map<number, Map<number, Entry>>()

  add(drained: Drained, wanted: Wanted): void {
    if (wanted === 'none') return
    const entry = this.#entry(drained)
    for (const code of drained.codes) {
      if (code === OK) entry.ok++
      else if (isLocalOrigin(code)) entry.local++
      else entry.answered++
    }
    if (wanted !== 'latencies' || drained.latenciesUs.length === 0) return
    entry.latencies ??= newHistogram()
    for (const us of drained.latenciesUs) entry.latencies[bucketOf(us)]!++
  }

  /** Ends the interval of a service: its sums by row, which are forgotten here. */
  close(service: number): ReadonlyMap<number, Sum> {
    const entries = this.#services.get(service) ?? new Map<number, Entry>()
    this.#services.delete(service)
    return entries
  }

  #entry({ service, row, generation }: Drained): Entry {
    let entries = this.#services.get(service)
    if (entries === undefined) this.#services.set(service, (entries = new Map()))
    let entry = entries.get(row)
    if (entry?.generation !== generation) {
      entry = { row, generation, ok: 0, answered: 0, local: 0, latencies: undefined }
      entries.set(row, entry)
    }
    return entry
  }
}

/** Its rate where every failure counts alike. */
export function rateOf({ ok, answered, local }: Sum): Rate {
  return { ok, total: ok + answered + local }
}

/** Its rate over what was answered, well or not. */
export function answeredRateOf({ ok, answered }: Sum): Rate {
  return { ok, total: ok + answered }
}

/** Its rate of being reached: any answer is a success here. */
export function reachedRateOf({ ok, answered, local }: Sum): Rate {
  return { ok: ok + answered, total: ok + answered + local }
}
