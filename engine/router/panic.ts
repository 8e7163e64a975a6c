import { DEGRADED, HARD_BARS, TIER_BITS } from '../memory/bars.ts'
import { PRIORITIES, PriorityLoads } from './priority-load.ts'

/** What of an endpoint decides about loads and panic. */
export interface Counted {
  readonly priority: number
  readonly bars: number
  readonly weight: number
}

/** How the requests of a service with these endpoints are spread over its priorities, and which of them panic. */
export function loadsOf(endpoints: Iterable<Counted>, overprovisioning: number, panicThreshold: number): PriorityLoads {
  const loads = new PriorityLoads()
  for (const endpoint of endpoints) countInto(loads, endpoint.priority, endpoint.bars, endpoint.weight)
  loads.derive(overprovisioning, panicThreshold)
  return loads
}

/** Counts one endpoint. One of weight 0 takes no requests either way and is not counted. */
export function countInto(loads: PriorityLoads, wanted: number, bars: number, weight: number): void {
  if (weight === 0) return
  const priority = Math.min(wanted, PRIORITIES - 1)
  if (loads.count <= priority) loads.count = priority + 1
  loads.endpoints[priority]++
  if ((bars & TIER_BITS) === 0) loads.healthy[priority]++
  else if ((bars & TIER_BITS) === DEGRADED) loads.degraded[priority]++
  if ((bars & HARD_BARS) === 0) loads.admitted[priority]++
}
