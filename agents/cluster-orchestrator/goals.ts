import type { Config } from '../../engine/writer.ts'
import type { Sight } from '../skills/operations/procedure.ts'
import { print } from '../skills/operations/session.ts'

export type Goals = Config['agents']['cluster-orchestrator']['goals']

/** A goal that a service misses, and by how much of the goal. */
export interface Gap {
  readonly service: string
  readonly goal: 'availability' | 'latency' | 'throughput' | 'efficiency'
  readonly found: number
  readonly wanted: number
  /** 0 is just met; 1 is as much again. */
  readonly miss: number
}

/** Fewer requests than these say nothing about the slowest hundredth. */
export const REQUESTS_MIN = 100

export function goalsOf({ agents }: Config): Goals {
  return agents['cluster-orchestrator'].goals
}

/**
 * Which goals are missed, the worst first, by the figures of the last minute.
 *
 *   availability   (errors − allowed) ÷ allowed            of a service with 100 requests at least
 *   latency        (p99 − goal) ÷ goal                     likewise
 *   throughput     (goal − carried) ÷ goal                 where more than is carried is expected to come: few requests are no fault
 *   efficiency     (goal − used) ÷ goal                    where endpoints say how much of their capacity they use, and latency is met
 */
export function gapsOf(goals: Goals, sight: Pick<Sight, 'metrics' | 'forecasts' | 'tables'>): Gap[] {
  const gaps: Gap[] = []
  for (const { service, last60s } of sight.metrics?.figures.services ?? []) {
    if (last60s.requests < REQUESTS_MIN) continue
    const add = (goal: Gap['goal'], found: number, wanted: number, miss: number): void => {
      if (miss > 0) gaps.push({ service, goal, found, wanted, miss })
    }
    const allowed = 1 - goals.availability
    // A goal of 100 % allows none: each error is then as bad as the whole goal.
    const missedErrors = allowed > 0 ? (last60s.errorShare - allowed) / allowed : last60s.errorShare > 0 ? 1 : 0
    add('availability', 1 - last60s.errorShare, goals.availability, missedErrors)
    const p99Ms = last60s.latencyUsP99 / 1000
    add('latency', p99Ms, goals.latency, (p99Ms - goals.latency) / goals.latency)
    const expected = sight.forecasts.get(service)?.expected ?? 0
    const isWanted = goals.throughput > 0 && expected > last60s.perSecond * 1.05
    if (isWanted) {
      const reachable = Math.min(goals.throughput, expected)
      add('throughput', last60s.perSecond, reachable, (reachable - last60s.perSecond) / reachable)
    }
    const used = usedShareOf(sight, service)
    if (used !== undefined && p99Ms <= goals.latency && goals.efficiency > 0) {
      add('efficiency', used, goals.efficiency, (goals.efficiency - used) / goals.efficiency)
    }
  }
  return gaps.sort((a, b) => b.miss - a.miss)
}

/** The mean of what the endpoints of a service say; undefined: none says anything. */
function usedShareOf({ tables }: Pick<Sight, 'tables'>, service: string): number | undefined {
  const endpoints = tables.services.find(({ name }) => name === service)?.endpoints ?? []
  const said = endpoints.flatMap(({ utilisation }) => utilisation ?? [])
  return said.length === 0 ? undefined : said.reduce((sum, each) => sum + each, 0) / said.length
}

export function printGap({ service, goal, found, wanted }: Gap): string {
  return `${goal} of ${service}: ${print(found)} instead of ${print(wanted)}`
}
