import { type Config, elapsedMs, isKeyedPolicy, policyNumber } from '../../engine/writer.ts'
import { type Directive, emit, writeService } from '../kit/grammar/directive.ts'
import type { ServiceView } from '../kit/tables.ts'
import { sheddingRequested } from '../signals.ts'
import type { ServiceRates } from '../skills/traffic/traffic-analysis.ts'

type SurgeKnobs = Config['agents']['load-balancer']['surge']

/** What is being done about the surge of a service. */
export interface Response {
  /** The clock when shedding was last asked for; undefined: it is not asked for. */
  readonly shedMs: number | undefined
  /** The other balancers were asked to share. */
  readonly hasAsked: boolean
}

export const NO_RESPONSE: Response = { shedMs: undefined, hasAsked: false }

/** What goes by how a service is doing. */
export interface Situation {
  readonly view: ServiceView
  readonly rates: ServiceRates | undefined
  /** Requests in flight that the service can bear, and our share of that. */
  readonly capacity: number
  /** Times as many requests as now that are forecast for a minute ahead; 1: no more, or nobody says. */
  readonly growth: number
}

export interface Answer {
  /** Undefined: there is no surge any more. */
  readonly response: Response | undefined
  readonly directives: readonly Directive[]
  /** Requests in flight that are to be expected, as a share of the capacity. */
  readonly expected: number
}

/** Shedding is asked for so long, and asked for again before that is over: should we die, it ends by itself. */
const SHED_FOR_MS = 5_000
const SHED_AGAIN_MS = 2_000
/** It ends at three quarters of what it began at. */
const SHED_ENDS = 0.75

const CHEAPEST = 'sheddable'
const EVEN = 'least-request'

/**
 * What is done about a surge, and undone when it is over.
 *
 *   begins ──▶ policy: least-request for a while, where no key decides ──▶ ends: the config's again
 *          ──▶ thresholds × 0.9                                        ──▶ ends: as before
 *   expected load > shedAbove × capacity ──▶ the cheapest class is shed ──▶ < ¾ of that, or it ends: it is not
 *
 *   expected load = requests in flight × growth      growth: by forecast, else by the last two seconds, 1 … 2
 *
 * Intuition  which endpoint is busy tells best where there is still room, when there is little; and what was shed early is not missing
 *            when the dear requests come.
 */
export function respond(before: Response | undefined, situation: Situation, knobs: SurgeKnobs, now: number): Answer {
  const { view, rates, capacity, growth } = situation
  if (rates?.surge === undefined) return end(before, view)
  const directives: Directive[] = []
  if (before === undefined && mayBeEvened(view)) {
    directives.push(writeService('passingPolicy', view.index, policyNumber(EVEN)))
  }
  const response = before ?? NO_RESPONSE
  const expected = (rates.last.inflight * Math.max(growth, growthOf(rates))) / Math.max(1, capacity)
  const isShedding = response.shedMs !== undefined
  if (isShedding ? expected < knobs.shedAbove * SHED_ENDS : expected <= knobs.shedAbove) {
    if (isShedding) directives.push(shed(view, 0))
    return { response: { ...response, shedMs: undefined }, directives, expected }
  }
  if (response.shedMs !== undefined && elapsedMs(now, response.shedMs) < SHED_AGAIN_MS) {
    return { response, directives, expected }
  }
  return { response: { ...response, shedMs: now }, directives: [...directives, shed(view, SHED_FOR_MS)], expected }
}

function end(before: Response | undefined, view: ServiceView): Answer {
  const directives: Directive[] = []
  // Also where an earlier incarnation set it: nobody knows of its surge any more.
  if (view.isPolicyPassing) directives.push(writeService('policy', view.index, 0))
  if (before?.shedMs !== undefined) directives.push(shed(view, 0))
  return { response: undefined, directives, expected: 0 }
}

function shed({ name }: ServiceView, forMs: number): Directive {
  return emit(sheddingRequested.of({ service: name, from: CHEAPEST, by: 'load-balancer', forMs }, name))
}

function mayBeEvened({ policy, policyInstead }: ServiceView): boolean {
  return policyInstead === 0 && !isKeyedPolicy(policy) && policyNumber(policy) !== policyNumber(EVEN)
}

/** By how much the last second had more requests than the one before, from 1 to 2. */
function growthOf({ rates: { buckets } }: ServiceRates): number {
  const [before = 0, last = 0] = buckets.slice(-2)
  return before === 0 ? 1 : Math.min(2, Math.max(1, last / before))
}
