import { isKeyedPolicy } from '../../engine/writer.ts'
import type { ServiceView } from '../kit/tables.ts'
import { boundsOf, type Capacities, reportOf } from './capacities.ts'
import { isPickable } from './fold.ts'
import type { Known } from './known.ts'
import type { LoadSamples } from './loads.ts'
import type { Elsewhere } from './others.ts'
import { forgive, isStrained, isUneven, type Rebalancing, rebalance, type Weighed } from './rebalancing.ts'
import type { Thresholds } from './thresholds.ts'

/** What loads are compared with. */
export interface Measure {
  readonly samples: LoadSamples
  readonly capacities: Capacities
  /** By `service/id`. */
  readonly elsewhere: ReadonlyMap<string, Elsewhere>
  readonly thresholds: Thresholds
  /** Connections an endpoint of weight 1 can bear where none of its service says. */
  readonly perWeight: number
}

/** What came of comparing. */
export interface Reviewed {
  /** What each endpoint keeps of its weight for its load, in the order of the service's endpoints. */
  readonly evened: readonly number[]
  /** Reviews in a row that found it uneven. */
  readonly uneven: number
  /** What is moved; undefined: nothing is. */
  readonly rebalancing: Rebalancing | undefined
  /** Those that may be picked, as they were weighed. */
  readonly weighed: readonly Weighed[]
}

/** Once is chance, twice is a state. */
const UNEVEN_TWICE = 2
/** A move that nobody would notice is none. */
const NOTICED = 0.02

/**
 * Compares what the endpoints of a service bear with what they can, and evens it out where it is uneven for the second time, where one is over
 * a threshold, or where it is wished. Where a key decides who gets what, weights do not move it: nothing is moved then.
 */
export function reviewLoads(
  service: ServiceView,
  known: readonly Known[],
  unevenBefore: number,
  measure: Measure,
  wishedBy: string | undefined,
  now: number,
): Reviewed {
  const evened = known.map(each => each.evened)
  const open = service.endpoints.flatMap((endpoint, i) => (isPickable(endpoint) ? [i] : []))
  const weighed = weighAll(service, open, evened, measure, now)
  if (isKeyedPolicy(service.policy) && service.policyInstead === 0) {
    return { evened: evened.map(() => 1), uneven: 0, rebalancing: undefined, weighed }
  }
  const uneven = isUneven(weighed) ? unevenBefore + 1 : 0
  const isOver = isStrained(weighed)
  const because =
    wishedBy !== undefined
      ? `wished by ${wishedBy}`
      : isOver
        ? 'an endpoint is over a threshold'
        : uneven >= UNEVEN_TWICE
          ? 'an endpoint bears more than its part'
          : undefined
  if (because === undefined || open.length < 2) {
    return { evened: uneven > 0 ? evened : evened.map(forgive), uneven, rebalancing: undefined, weighed }
  }
  const rebalancing = rebalance(weighed, because)
  const next = evened.map(forgive)
  for (const [at, i] of open.entries()) next[i] = rebalancing.evened[at]!
  const isNoticed = open.some(i => Math.abs(next[i]! - evened[i]!) > NOTICED)
  return { evened: next, uneven, rebalancing: isNoticed ? rebalancing : undefined, weighed }
}

/** Those that are open, as they are compared. */
function weighAll(
  { name, endpoints }: ServiceView,
  open: readonly number[],
  evened: readonly number[],
  { samples, capacities: known, elsewhere, thresholds, perWeight }: Measure,
  now: number,
): Weighed[] {
  const reports = open.map(i => {
    const { row, generation, weight } = endpoints[i]!
    return { weight, reported: reportOf(known, row, generation, now) }
  })
  const { capacities, connections } = boundsOf(reports, perWeight)
  return open.map((i, at) => {
    const { row, generation, id } = endpoints[i]!
    const { reported } = reports[at]!
    const load = samples.meanOf(row, generation) + (elsewhere.get(`${name}/${id}`)?.inflight ?? 0)
    const strain = Math.max(
      (reported?.cpu ?? 0) / thresholds.cpu,
      (reported?.memory ?? 0) / thresholds.memory,
      load / connections[at]! / thresholds.connections,
    )
    return { load, capacity: capacities[at]!, evened: evened[i]!, strain }
  })
}
