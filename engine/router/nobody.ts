import { TRIPPED } from '../memory/bars.ts'
import type { Candidates } from '../memory/candidates.ts'
import type { ServiceText } from '../memory/service-text.ts'
import { NO_ENDPOINT } from '../policies/policy.ts'
import type { Attachment } from './attachment.ts'
import { DEGRADED_TIER, HEALTHY_TIER, type Tiers } from './tiers.ts'

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

/** Why nothing was picked. */
export function whyNobody(attachment: Attachment, candidates: Candidates, tiers: Tiers, text: ServiceText): number {
  if (candidates.sawFull) return PICK.OVERLOADED
  if (text.breaker === undefined) return NO_ENDPOINT
  const { endpoints } = attachment
  for (let priority = 0; priority < tiers.loads.count; priority++) {
    tiers.aimAt(candidates, priority, HEALTHY_TIER)
    for (let position = 0; position < candidates.count; position++) {
      const row = candidates.at(position)
      if ((endpoints.bars(row) & TRIPPED) !== 0 && endpoints.hasWeight(row)) return PICK.BREAKER_OPEN
    }
  }
  return NO_ENDPOINT
}

/** Nothing is left only because this request tried it: then it is for the caller to say whether to ask again. */
export function hasTriedAllOpen(candidates: Candidates, tiers: Tiers): boolean {
  const { tried } = candidates
  if (tried === undefined) return false
  candidates.tried = undefined
  let hasOpen = false
  for (let priority = 0; priority < tiers.loads.count && !hasOpen; priority++) {
    for (const tier of TIERS_IN_USE) {
      tiers.aimAt(candidates, priority, tier)
      hasOpen ||= candidates.hasOpen()
    }
  }
  candidates.tried = tried
  return hasOpen
}

const TIERS_IN_USE = [HEALTHY_TIER, DEGRADED_TIER] as const
