import type { Proposal, Vote } from '../../bridge/proposal.ts'
import type { Health } from './membership-signals.ts'

/** Proposals of these types ask agents to take part in something. */
const COORDINATION = 'coordination/'

/** The type of a proposal that asks agents to take part in this. */
export function coordinationType(what: string): string {
  return `${COORDINATION}${what}`
}

/**
 * How every agent votes that has no word of its own on a proposal which asks it to take part: yes as long as it can do its work, no where
 * it is failed itself. By nothing but its own health, so that it says the same however often it is asked in one state. Undefined: it is no
 * such proposal, and who has no opinion abstains.
 */
export function readinessVote(
  { type }: Pick<Proposal, 'type'>,
  health: Health,
): Pick<Vote, 'ballot' | 'reason'> | undefined {
  if (!type.startsWith(COORDINATION)) return undefined
  return health === 'failed'
    ? { ballot: 'no', reason: 'it is failed itself' }
    : { ballot: 'yes', reason: `it is ${health} and takes part` }
}
