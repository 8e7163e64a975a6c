import { elapsedMs } from '../../engine/writer.ts'
import type { Capacity } from '../signals.ts'

/** What an endpoint last said of itself, and when. */
export interface Reported extends Capacity {
  readonly ms: number
}

/** By row. */
export type Capacities = ReadonlyMap<number, Reported>

/** Said long ago it says nothing: three minutes, as gRPC takes it of reported weights. */
const REPORTED_MS = 180_000

/** What was reported stands beside what was before, whatever else follows from it. What a report does not say, an earlier one may. */
export function withReports(before: Capacities, rows: readonly Capacity[], now: number): Capacities {
  const next = new Map(before)
  for (const row of rows) {
    const known = before.get(row.row)
    const isSame = known?.generation === row.generation && elapsedMs(now, known.ms) < REPORTED_MS
    next.set(row.row, isSame ? { ...merged(known, row), ms: now } : { ...row, ms: now })
  }
  return next
}

function merged(before: Capacity, after: Capacity): Capacity {
  const { cpu, memory, network, utilisation, maxConnections } = before
  return {
    ...after,
    cpu: after.cpu ?? cpu,
    memory: after.memory ?? memory,
    network: after.network ?? network,
    utilisation: after.utilisation ?? utilisation,
    maxConnections: after.maxConnections ?? maxConnections,
  }
}

/** The report of an endpoint that is not too old; undefined: there is none. */
export function reportOf(capacities: Capacities, row: number, generation: number, now: number): Reported | undefined {
  const reported = capacities.get(row)
  return reported?.generation === generation && elapsedMs(now, reported.ms) < REPORTED_MS ? reported : undefined
}

/** What one says of itself makes it worth so many times its weight at most: a word too much shall not take the traffic of all. */
const WORTH_MAX = 4

/** What the endpoints of a service can bear, in the order they were given. */
export interface Bounds {
  /** What their loads are compared by. */
  readonly capacities: readonly number[]
  /** Connections beyond which it is too much for them. */
  readonly connections: readonly number[]
}

/**
 * What the endpoints of a service can bear, where some may say and others not: who says nothing is taken for the median of those that do, by
 * weight. A report is compared with reports, never with what the config takes a silent one for.
 *
 *   usual          = median of reported ÷ weight; what the config says where nobody reports
 *   capacity(e)    = min(reported(e), 4 × usual × weight(e)); usual × weight(e) of one that is silent
 *   connections(e) = reported(e);           max(usual, config) × weight(e) of one that is silent
 */
export function boundsOf(
  endpoints: readonly { readonly weight: number; readonly reported: Reported | undefined }[],
  perWeight: number,
): Bounds {
  const worths = endpoints
    .flatMap(({ weight, reported }) => (reported?.maxConnections == null ? [] : [reported.maxConnections / weight]))
    .sort((a, b) => a - b)
  const usual = worths[Math.floor((worths.length - 1) / 2)] ?? perWeight
  return {
    capacities: endpoints.map(({ weight, reported }) => {
      const most = reported?.maxConnections == null ? 1 : WORTH_MAX
      return Math.min(connectionsOf(reported, weight, usual), Math.max(1, most * usual * weight))
    }),
    connections: endpoints.map(({ weight, reported }) => connectionsOf(reported, weight, Math.max(usual, perWeight))),
  }
}

/** Connections an endpoint can bear by itself: what it says, else as many as its weight is worth. */
export function connectionsOf(reported: Reported | undefined, weight: number, perWeight: number): number {
  return Math.max(1, reported?.maxConnections ?? perWeight * weight)
}

export function withoutOld(
  capacities: Capacities,
  isThere: (row: number, generation: number) => boolean,
  now: number,
): Capacities {
  const kept = [...capacities].filter(
    ([row, { generation, ms }]) => elapsedMs(now, ms) < REPORTED_MS && isThere(row, generation),
  )
  return kept.length === capacities.size ? capacities : new Map(kept)
}
