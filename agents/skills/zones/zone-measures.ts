import { ALL_BARS } from '../../../engine/writer.ts'
import type { EndpointView } from '../../kit/tables.ts'
import type { Connectivity } from '../../signals/discovery.ts'
import { medianOf } from '../theil-sen.ts'
import type { ZoneMeasure } from './zone-cost.ts'
import type { ZoneLoad } from './zone-spill.ts'

/** By row. */
export type Reached = ReadonlyMap<number, Connectivity>

/** Where latencies of zones come from. */
export type Source = 'connecting' | 'answers' | 'distance'

export interface Measured {
  readonly source: Source
  readonly measures: readonly ZoneMeasure[]
}

/** Endpoints that have a zone, by zone. */
export function byZone(
  endpoints: readonly EndpointView[],
  zonesMax: number,
): ReadonlyMap<string, readonly EndpointView[]> {
  const zones = new Map<string, EndpointView[]>()
  for (const endpoint of endpoints) {
    const { zone } = endpoint
    if (zone === '') continue
    const known = zones.get(zone)
    if (known !== undefined) known.push(endpoint)
    else if (zones.size < zonesMax) zones.set(zone, [endpoint])
  }
  return zones
}

/**
 * How each zone is reached: by how long it takes to connect, where that is known of all zones; else by how long answers take; else by how far it
 * is. Undefined: nothing is known of all of them, and zones that were measured by different things are not to be compared.
 *
 * Of a zone it is the median of its endpoints: one that is slow does not make its zone far.
 */
export function measureZones(
  zones: ReadonlyMap<string, readonly EndpointView[]>,
  reached: Reached,
  rttMsOf: (zone: string) => number | undefined,
): Measured | undefined {
  const sources: readonly [Source, (zone: string, endpoints: readonly EndpointView[]) => number | undefined][] = [
    [
      'connecting',
      (_, endpoints) => medianKnown(endpoints.map(each => reachedOf(reached, each)?.connectMs ?? undefined)),
    ],
    [
      'answers',
      (_, endpoints) => medianKnown(endpoints.map(({ latencyUs }) => (latencyUs > 0 ? latencyUs / 1000 : undefined))),
    ],
    ['distance', rttMsOf],
  ]
  for (const [source, latencyOf] of sources) {
    const measures: ZoneMeasure[] = []
    for (const [zone, endpoints] of zones) {
      const latencyMs = latencyOf(zone, endpoints)
      if (latencyMs === undefined) break
      const known = endpoints.flatMap(each => reachedOf(reached, each) ?? [])
      const bandwidthMbit = medianKnown(known.map(each => each.bandwidthMbit ?? undefined))
      const loss = known.reduce((sum, each) => sum + each.loss, 0) / Math.max(1, known.length)
      measures.push({ zone, latencyMs, bandwidthMbit, loss })
    }
    if (measures.length === zones.size) return { source, measures }
  }
  return undefined
}

/** What each zone carries and can carry, by its endpoints that may be picked. */
export function loadsOf(
  zones: ReadonlyMap<string, readonly EndpointView[]>,
  factorOf: (zone: string) => number,
): ZoneLoad[] {
  return [...zones].map(([zone, endpoints]) => {
    const open = endpoints.filter(({ bars }) => (bars & ALL_BARS) === 0)
    const known = open.filter(({ utilisation }) => utilisation !== undefined)
    const weight = open.reduce((sum, each) => sum + each.weight, 0)
    const weightKnown = known.reduce((sum, each) => sum + each.weight, 0)
    const used = known.reduce((sum, each) => sum + each.weight * each.utilisation!, 0)
    return { zone, weight, factor: factorOf(zone), used: weightKnown === 0 ? undefined : used / weightKnown }
  })
}

function reachedOf(reached: Reached, { row, generation }: EndpointView): Connectivity | undefined {
  const found = reached.get(row)
  return found?.generation === generation ? found : undefined
}

function medianKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : medianOf(known)
}
