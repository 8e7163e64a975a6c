import { TRIPPED } from '../memory/bars.ts'
import type { Candidates } from '../memory/candidates.ts'
import type { EndpointTable } from '../memory/endpoint-table.ts'
import { NO_ENDPOINT } from '../policies/policy.ts'
import { HEALTHY_TIER, type Tiers } from './tiers.ts'

/** What `pick` answers instead of a ticket: always below zero. */
export const PICK = {
  /** No endpoint may be picked: none there, all barred, all of weight 0, or all tried. */
  NO_ENDPOINT,
  /** A limit is reached: of the service, or of every endpoint that is open. */
  OVERLOADED: -2,
  /** What is left has open breakers. */
  BREAKER_OPEN: -3,
  /** Requests of this class are turned away for now. */
  SHED: -4,
} as const

/** Why no endpoint was found by a pick that looked everywhere. */
export function whyNone(candidates: Candidates, tiers: Tiers, endpoints: EndpointTable, hasBreakers: boolean): number {
  if (candidates.sawFull) return PICK.OVERLOADED
  if (!hasBreakers) return NO_ENDPOINT
  for (let priority = 0; priority < tiers.loads.count; priority++) {
    tiers.aimAt(candidates, priority, HEALTHY_TIER)
    for (let position = 0; position < candidates.count; position++) {
      const row = candidates.at(position)
      if ((endpoints.bars(row) & TRIPPED) !== 0 && endpoints.hasWeight(row)) return PICK.BREAKER_OPEN
    }
  }
  return NO_ENDPOINT
}
