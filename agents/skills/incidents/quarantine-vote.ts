import type { HealthWord } from '../../signals.ts'

/** What is known here of an endpoint that others want to keep out. */
export interface Evidence {
  /** What checks of this node say of it, or where they say nothing, those of others. */
  readonly health: HealthWord
  /** ms since a request to it, or a check, ended well here; undefined: none did of late. */
  readonly answeredAgoMs: number | undefined
  /** Whether one more may be kept out here, or it is already. */
  readonly hasRoom: boolean
  /** Whether it is among the endpoints here. */
  readonly isKnown: boolean
}

/** So recent an answer is a fact that no opinion outweighs, in ms. */
const ANSWERED_MS = 2_000

/**
 * How this node votes on keeping an endpoint out.
 *
 *   no        it has answered within the last two seconds, or too many are out here
 *   yes       it is unhealthy or degraded here too, or nothing is known against it being so
 *   abstain   it is not known here, or its checks pass and nobody has asked it of late
 */
export function voteOn({ health, answeredAgoMs, hasRoom, isKnown }: Evidence): {
  readonly ballot: 'yes' | 'no' | 'abstain'
  readonly reason: string
} {
  if (!isKnown) return { ballot: 'abstain', reason: 'there is no such endpoint here' }
  if (answeredAgoMs !== undefined && answeredAgoMs < ANSWERED_MS) {
    return { ballot: 'no', reason: `it answered ${Math.round(answeredAgoMs)} ms ago` }
  }
  if (!hasRoom) return { ballot: 'no', reason: 'too many endpoints of its service are out here' }
  if (health === 'healthy') return { ballot: 'abstain', reason: 'its checks pass here' }
  if (health === 'unknown') return { ballot: 'yes', reason: 'nothing is known of it here' }
  return { ballot: 'yes', reason: `it is ${health} here too` }
}
