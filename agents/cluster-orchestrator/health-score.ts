import { print } from '../skills/operations/session.ts'
import type { Goals } from './goals.ts'
import type { Performance } from './performance.ts'

/** What the score is made of. */
export interface HealthFacts {
  /** Endpoints that are picked, and all. */
  readonly routable: number
  readonly endpoints: number
  /** Of the agents that are known those that are healthy; and roles that should be had. */
  readonly agentsHealthy: number
  readonly agents: number
  /** Undefined: there was no traffic to judge by. */
  readonly performance: Performance | undefined
  /** Whether anything can be decided for the cluster. */
  readonly hasQuorum: boolean
  readonly emergencies: number
}

/**
 * How well the cluster is, from 0 to 1, and what is missing to 1.
 *
 *   score = Σ weight × part                                                        weights sum to 1
 *   availability .35   goal kept: 1, errors twice as many as allowed: ½ …          allowed ÷ errors
 *   latency      .15   goal ÷ p99, 1 at most
 *   endpoints    .25   share that is picked
 *   agents       .10   share that is healthy
 *   quorum       .10   1 or 0
 *   emergencies  .05   1 without any, else 0
 *
 * What nothing is known of counts as well: it is no reason to worry.
 */
export function healthScore(
  facts: HealthFacts,
  goals: Pick<Goals, 'availability' | 'latency'>,
): { score: number; reasons: string[] } {
  const { routable, endpoints, agentsHealthy, agents, performance, hasQuorum, emergencies } = facts
  const allowed = 1 - goals.availability
  const errors = performance?.errorShare ?? 0
  const p99Ms = (performance?.latencyUsP99 ?? 0) / 1000
  const parts: [weight: number, part: number, reason: string][] = [
    [0.35, errors <= allowed ? 1 : allowed / errors, `${print(errors * 100)} % of requests fail`],
    [0.15, p99Ms <= goals.latency ? 1 : goals.latency / p99Ms, `p99 is ${print(p99Ms)} ms`],
    [
      0.25,
      endpoints === 0 ? 1 : routable / endpoints,
      `${endpoints - routable} of ${endpoints} endpoints are not picked`,
    ],
    [0.1, agents === 0 ? 1 : agentsHealthy / agents, `${agents - agentsHealthy} of ${agents} agents are not healthy`],
    [0.1, hasQuorum ? 1 : 0, 'nothing can be decided for the cluster'],
    [0.05, emergencies === 0 ? 1 : 0, `${emergencies} emergencies are open`],
  ]
  const score = parts.reduce((sum, [weight, part]) => sum + weight * part, 0)
  return {
    score: Number(score.toFixed(4)),
    reasons: parts.flatMap(([, part, reason]) => (part < 1 ? [reason] : [])),
  }
}
