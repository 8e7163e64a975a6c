import { elapsedMs } from '../../engine/writer.ts'
import { act, type Directive } from '../kit/grammar/directive.ts'
import { nodeOf } from '../kit/grammar/source.ts'
import type { ServiceView } from '../kit/tables.ts'
import type { ServiceRates } from '../skills/traffic/traffic-analysis.ts'
import { agreeOnShares } from './admission.ts'
import { connectionsOf, reportOf } from './capacities.ts'
import { isPickable } from './fold.ts'
import { growthOf, ownNames } from './hearing.ts'
import { speakerOf } from './opinions.ts'
import { freshOf } from './others.ts'
import type { ServiceState, State } from './state.ts'
import { type Response, respond } from './surge-response.ts'

export interface SurgeStep {
  readonly response: Response | undefined
  readonly directives: readonly Directive[]
  readonly episodes: number
}

/** Episodes of one incarnation: no two incarnations ask the same. */
const EPISODES_MAX = 1 << 16

/** What is done about a surge of a service now; nothing where there is none and nothing to undo. */
export function surgeStep(
  state: State,
  view: ServiceView,
  mine: ServiceState,
  rates: ServiceRates | undefined,
  requestsMax: number,
  episodes: number,
  now: number,
): SurgeStep {
  const isIdle = rates?.surge === undefined && mine.response === undefined && !view.isPolicyPassing
  if (isIdle) return { response: undefined, directives: [], episodes }
  const capacity = capacityOf(state, view, mine, requestsMax, now)
  const growth = growthOf(state, view.name, now)
  const situation = { view, rates, capacity, growth }
  const { response, directives, expected } = respond(mine.response, situation, state.knobs.surge, now)
  if (response === undefined || response.hasAsked || expected <= state.knobs.surge.shedAbove) {
    return { response, directives, episodes }
  }
  const others = freshOf(state.others, now)
  if (others.size === 0) return { response, directives, episodes }
  const ask = act(agreeOnShares, {
    ...{ service: view.name, self: ownNames(state), timeoutMs: state.knobs.surge.consensusTimeout },
    rates: Object.fromEntries([...others].map(([source, { rows }]) => [nameOf(source), rateOf(rows, view.name)])),
    ownRate: rates?.last.perSecond ?? 0,
    episode: state.incarnation * EPISODES_MAX + (episodes % EPISODES_MAX),
  })
  return { response: { ...response, hasAsked: true }, directives: [...directives, ask], episodes: episodes + 1 }
}

/** Requests in flight that the open endpoints of a service can bear, as far as its config lets them, and our share of that. */
function capacityOf(
  { capacities, knobs }: State,
  { endpoints }: ServiceView,
  { admission }: ServiceState,
  requestsMax: number,
  now: number,
): number {
  const all = endpoints
    .filter(isPickable)
    .reduce(
      (sum, { row, generation, weight }) =>
        sum + connectionsOf(reportOf(capacities, row, generation, now), weight, knobs.maxConnections),
      0,
    )
  const bounded = requestsMax === 0 ? all : Math.min(all, requestsMax)
  const isAgreed = admission !== undefined && elapsedMs(now, admission.untilMs) < 0
  return bounded * (isAgreed ? admission.share : 1)
}

/** The name in the registry of who says something from another node: of `/signalbox/nodes/n2/agents/load-balancer` `load-balancer@n2`. */
export function nameOf(source: string): string {
  const node = nodeOf(source)
  return node === undefined ? source : `${speakerOf(source)}@${node}`
}

function rateOf(rows: readonly { readonly service: string; readonly perSecond: number }[], service: string): number {
  return rows.reduce((sum, each) => sum + (each.service === service ? each.perSecond : 0), 0)
}
