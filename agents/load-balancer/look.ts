import { type Config, elapsedMs } from '../../engine/writer.ts'
import { type Directive, emit, type Step, schedule, writeEndpoint, writeService } from '../kit/grammar/directive.ts'
import type { EndpointView, ServiceView, TablesView } from '../kit/tables.ts'
import { loadSummarised } from '../signals.ts'
import type { ServiceRates } from '../skills/traffic-analysis.ts'
import { adapted, usualOf } from './adapting.ts'
import { withoutOld } from './capacities.ts'
import { firstEasing, nextEasing } from './easing.ts'
import { canaryOf, fold, isPickable } from './fold.ts'
import { adjust, beginGradient, type GradientRule } from './gradient.ts'
import { type Known, NOTHING_UNREAD } from './known.ts'
import { pruned } from './opinions.ts'
import { elsewhereOf } from './others.ts'
import { panicOrCalm } from './panic.ts'
import { review } from './review.ts'
import { shiftDue } from './signals.ts'
import type { SlowStart } from './slow-start.ts'
import { NOTHING_DUE, type ServiceState, type State, serviceOf } from './state.ts'
import { summaryOf } from './summary.ts'
import { surgeStep } from './surge-step.ts'
import { adaptThresholds, inSurge } from './thresholds.ts'

export const TICK_MS = 100

/** The factor's word has 12 fractional bits: what does not show there is not written. */
const FACTOR_STEPS = 4096

/** Requests it takes for a window to say something of latency (Netflix's); with fewer it goes on until it has them. */
const WINDOW_OKS_MIN = 10

/** A service without slow start. */
const AT_ONCE: SlowStart = { window: 0, aggression: 1, minWeight: 1 }

/**
 * With the tables at hand: folds what is known into factors, service by service, and sees to what is due beside.
 *
 *   each service ──▶ panic ──▶ review of loads · adaptation · surge, where due ──▶ fold ──▶ factors, limits, policy
 */
export function onTables(
  state: State,
  { services }: TablesView,
  rates: ReadonlyMap<string, ServiceRates>,
  now: number,
): Step<State> {
  const known = new Map<number, Known>()
  const calmMs = new Map<number, number>()
  const served = new Map<string, ServiceState>()
  const directives: Directive[] = []
  const elsewhere = state.due.review || state.due.adapt ? elsewhereOf(state.others, now) : new Map()
  let { episodes } = state
  let isMoving = false
  state.samples.begin()
  for (const service of services) {
    const { slowStart = AT_ONCE, adaptiveConcurrency, limits } = settingsOf(state, service.name)
    const { panic, directives: told } = panicOrCalm(state.calmMs, service, now, calmMs)
    let before = service.endpoints.map(endpoint => knownOf(state, slowStart, endpoint, now))
    for (const [i, { row, generation }] of service.endpoints.entries()) {
      state.samples.add(row, generation, service.endpoints[i]!.inflight)
    }
    let mine = serviceOf(state, service.name)
    const thresholds = mine.response === undefined ? mine.thresholds : inSurge(mine.thresholds)
    if (state.due.thresholds) {
      mine = { ...mine, thresholds: adaptThresholds(mine.thresholds, state.knobs.thresholds, usualOf(before, now)) }
    }
    if (state.due.adapt) before = adapted(service, before, thresholds, elsewhere, now)
    const reviewed = review(state, service, before, { ...mine, thresholds }, elsewhere, now)
    before = reviewed.known
    mine = { ...mine, uneven: reviewed.uneven, wishes: reviewed.wishes }
    const surge = surgeStep(state, service, mine, rates.get(service.name), limits?.requests ?? 0, episodes, now)
    mine = { ...mine, response: surge.response }
    episodes = surge.episodes
    const easings = service.endpoints.map((each, i) => nextEasing(slowStart, before[i]!.easing, each, panic, now))
    const allowance = allowanceOf(state.knobs.maxShift, mine.shiftedMs, now)
    const grounds = { slowStart, knobs: state.knobs, opinions: state.opinions, panic, allowance }
    const { factors, moved, isUnderWay } = fold(service, before, easings, grounds, now)
    if (moved > 0) mine = { ...mine, shiftedMs: now }
    isMoving ||= isUnderWay
    let isFactorNew = false
    for (const [i, endpoint] of service.endpoints.entries()) {
      const next = limited(adaptiveConcurrency, before[i]!, endpoint)
      const change = { wasOpen: isPickable(endpoint), releasedMs: canaryOf(next, state.knobs, now) }
      known.set(endpoint.row, changed(next, { ...change, easing: easings[i]! }))
      const whole = Math.floor(next.gradient?.limit ?? 0)
      if (whole !== endpoint.limit) directives.push(writeEndpoint('limit', endpoint, whole))
      if (Math.round(factors[i]! * FACTOR_STEPS) === Math.round(endpoint.factor * FACTOR_STEPS)) continue
      directives.push(writeEndpoint('factor', endpoint, factors[i]!))
      isFactorNew = true
    }
    if (isFactorNew || !service.isPullMaxRight) directives.push(writeService('pullMax', service.index, 0))
    directives.push(...told, ...reviewed.directives, ...surge.directives)
    served.set(service.name, mine)
  }
  const { due } = state
  const after = { ...state, known, calmMs, served, episodes, hasLooked: true, due: NOTHING_DUE }
  const next = due.adapt ? withoutGone(after, now) : after
  if (due.review) directives.push(...summaryDirectives(next, services))
  if (!isMoving || state.isMoving) return { state: next, directives }
  // The rest of the way is gone for the same cause.
  return {
    state: { ...next, isMoving: true },
    directives: [...directives, schedule(TICK_MS, shiftDue.of(null))],
  }
}

/** The other nodes are told what this one bears, and samples begin anew. */
function summaryDirectives({ samples, rates }: State, services: readonly ServiceView[]): Directive[] {
  const rows = summaryOf(services, samples, rates)
  samples.clear()
  return rows.length === 0 ? [] : [emit(loadSummarised.of({ rows }))]
}

/** What is over, and what is about endpoints that are not there, is forgotten. */
function withoutGone(state: State, now: number): State {
  const { known, opinions, capacities, knobs } = state
  const isThere = (row: number, generation: number): boolean => known.get(row)?.generation === generation
  return {
    ...state,
    opinions: pruned(opinions, isThere, knobs.factsFor, now),
    capacities: withoutOld(capacities, isThere, now),
  }
}

/** As much as may be moved since weight was moved last: all of it after a tick. */
function allowanceOf(maxShift: number, shiftedMs: number | undefined, now: number): number {
  if (shiftedMs === undefined) return maxShift
  return maxShift * Math.min(1, Math.max(0, elapsedMs(now, shiftedMs) / TICK_MS))
}

/** What is known of an endpoint; of one that is new here, or was known to an earlier incarnation, what the table says. */
function knownOf(state: State, slowStart: SlowStart, endpoint: EndpointView, now: number): Known {
  const { row, generation, latencyUs, factor } = endpoint
  const known = state.known.get(row)
  if (known?.generation === generation) return known
  return {
    ...{ generation, latencyUs, batchMs: now, gradient: undefined, unread: NOTHING_UNREAD },
    easing: firstEasing(slowStart, endpoint, factor, state.bootMs, now),
    // Who is there at the first look was there before it.
    wasOpen: !state.hasLooked && isPickable(endpoint),
    ...{ releasedMs: undefined, performance: undefined, adapted: 1, evened: 1 },
  }
}

/** Most endpoints are as they were: nothing is made anew for them. */
function changed(known: Known, change: Pick<Known, 'easing' | 'wasOpen' | 'releasedMs'>): Known {
  const { easing, wasOpen, releasedMs } = change
  const isSame = known.easing === easing && known.wasOpen === wasOpen && known.releasedMs === releasedMs
  return isSame ? known : { ...known, ...change }
}

/** Adjusts its limit when enough was settled since the last time. */
function limited(rule: GradientRule | undefined, known: Known, endpoint: EndpointView): Known {
  if (rule === undefined) {
    return known.gradient === undefined ? known : { ...known, gradient: undefined, unread: NOTHING_UNREAD }
  }
  if (known.gradient === undefined) return { ...known, gradient: beginGradient(rule, endpoint.limit) }
  const { gradient, unread } = known
  const { ok, latencyUsSum } = unread
  if (ok < WINDOW_OKS_MIN) return known
  const meanUs = Math.max(1, latencyUsSum / ok)
  return { ...known, gradient: adjust(rule, gradient, meanUs, endpoint.inflight), unread: NOTHING_UNREAD }
}

function settingsOf({ services }: State, service: string): Partial<Config['services'][string]> {
  return (Object.hasOwn(services, service) ? services[service] : undefined) ?? {}
}
