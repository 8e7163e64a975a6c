import { elapsedMs } from '../../../engine/writer.ts'
import type { ServiceView } from '../../kit/tables.ts'

type ByService = ReadonlyMap<string, number>

/** The most requests that services had in flight at any look of late: in the half minute under way, and in the one before. */
export interface InflightPeaks {
  readonly sinceMs: number
  readonly current: ByService
  readonly before: ByService
}

const HALF_MINUTE_MS = 30_000

/** After one more look. Services that are gone are forgotten with their half minute. */
export function withInflight(
  peaks: InflightPeaks | undefined,
  services: readonly ServiceView[],
  now: number,
): InflightPeaks {
  const isOver = peaks === undefined || elapsedMs(now, peaks.sinceMs) >= HALF_MINUTE_MS
  const current = new Map(isOver ? [] : peaks.current)
  for (const service of services) {
    current.set(service.name, Math.max(current.get(service.name) ?? 0, inflightOf(service)))
  }
  return isOver
    ? { sinceMs: now, current, before: peaks?.current ?? new Map() }
    : { sinceMs: peaks.sinceMs, current, before: peaks.before }
}

/** The most requests that a service had in flight within the last half minute to minute; 0 where it was not there. */
export function peakOf({ current, before }: InflightPeaks, service: string): number {
  return Math.max(current.get(service) ?? 0, before.get(service) ?? 0)
}

function inflightOf({ endpoints }: ServiceView): number {
  return endpoints.reduce((sum, { inflight }) => sum + inflight, 0)
}
