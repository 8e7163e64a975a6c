import { elapsedMs } from '../../engine/writer.ts'
import type { LoadSummary } from '../signals.ts'
import { REQUESTS_MIN } from './known.ts'

/** What the balancers of other nodes last said, by who said it. */
export type Others = ReadonlyMap<string, { readonly ms: number; readonly rows: readonly LoadSummary[] }>

const NODES_MAX = 64

/** Three summaries missed: what such a node sends is not known any more. */
const FRESH_MS = 15_000
const SUMMARY_S = 5

export function withSummary(others: Others, source: string, rows: readonly LoadSummary[], now: number): Others {
  const next = new Map(freshOf(others, now))
  if (!next.has(source) && next.size >= NODES_MAX) return others
  return next.set(source, { ms: now, rows })
}

export function freshOf(others: Others, now: number): Others {
  return new Map([...others].filter(([, { ms }]) => elapsedMs(now, ms) < FRESH_MS))
}

/** What all other nodes together have on an endpoint. */
export interface Elsewhere {
  readonly inflight: number
  readonly perSecond: number
  /** µs, the mean by requests; 0: nothing is known. */
  readonly latencyUs: number
}

/**
 * What others bear on the endpoints of each service, by `service/id`: added to what is seen here, it is what an endpoint bears.
 *
 *   load(e) = in flight here + Σ in flight of other nodes, as they said within 15 s
 */
export function elsewhereOf(others: Others, now: number): ReadonlyMap<string, Elsewhere> {
  const sums = new Map<string, Elsewhere>()
  for (const { rows } of freshOf(others, now).values()) {
    for (const { service, id, inflight, perSecond, latencyUs } of rows) {
      const key = `${service}/${id}`
      const before = sums.get(key) ?? { inflight: 0, perSecond: 0, latencyUs: 0 }
      const all = before.perSecond + perSecond
      sums.set(key, {
        inflight: before.inflight + inflight,
        perSecond: all,
        latencyUs: all === 0 ? 0 : (before.latencyUs * before.perSecond + latencyUs * perSecond) / all,
      })
    }
  }
  return sums
}

/**
 * How long requests of an endpoint take as others see it, where too few went there from here, in µs; 0: they have too few as well. It is their mean,
 * which is less than the 99th percentile, so that nobody is taken for slow on hearsay who is not. Of its failures they say nothing.
 */
export function latencyElsewhere({ perSecond, latencyUs }: Elsewhere): number {
  return perSecond * SUMMARY_S < REQUESTS_MIN ? 0 : latencyUs
}
