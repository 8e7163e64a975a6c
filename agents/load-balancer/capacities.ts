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

/** Connections an endpoint can bear: what it says, else as many as its weight is worth. */
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
