import { type Config, elapsedMs } from '../../engine/writer.ts'
import { type Directive, emit, type Step, schedule, writeEndpoint, writeService } from '../kit/grammar/directive.ts'
import { type EndpointView, lookEveryMs, type ServiceView, type TablesView } from '../kit/tables.ts'
import { loadSummarised } from '../signals.ts'
import type { ServiceRates } from '../skills/traffic/traffic-analysis.ts'
import { adapted, usualOf } from './adapting.ts'
import { withoutOld } from './capacities.ts'
import { firstEasing, nextEasing } from './easing.ts'
import { canaryOf, fold, isPickable } from './fold.ts'
import { adjust, beginGradient, type GradientRule } from './gradient.ts'
import { type Known, NOTHING_UNREAD } from './known.ts'
import { pruned, withoutOver } from './opinions.ts'
import { type Elsewhere, elsewhereOf } from './others.ts'
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
  const { known } = state
  const calmMs = new Map<number, number>()
  const served = new Map<string, ServiceState>()
  const directives: Directive[] = []
  const elsewhere = state.due.review || state.due.adapt ? elsewhereOf(state.others, now) : NOTHING_ELSEWHERE
  let { episodes } = state
  let [isMoving, isEasing, endpoints] = [false, false, 0]
  state.samples.begin()
  for (const service of services) {
    const seen = onService({ ...state, episodes }, service, rates.get(service.name), elsewhere, calmMs, now)
    for (let i = 0; i < seen.known.length; i++) {
      const each = seen.known[i]!
      known.set(service.endpoints[i]!.row, each)
      isEasing ||= each.easing.cameMs !== undefined || each.releasedMs !== undefined
    }
    endpoints += seen.known.length
    for (const directive of seen.directives) directives.push(directive)
    served.set(service.name, seen.mine)
    episodes = seen.episodes
    isMoving ||= seen.isMoving
  }
  if (known.size > endpoints) forgetGone(known, services)
  const { due } = state
  const looked = { hasLooked: true, due: NOTHING_DUE, lookedMs: now, hasTraffic: false, isEasing }
  const after = { ...state, calmMs, served, episodes, ...looked }
  const lasting = due.adapt ? withoutGone(after, now) : after
  if (due.review) directives.push(...summaryDirectives(lasting, services))
  if (!isMoving || state.isMoving) return { state: lasting, directives }
  // The rest of the way is gone for the same cause.
  return {
    state: { ...lasting, isMoving: true },
    directives: [...directives, schedule(lookEveryMs(known.size, TICK_MS), shiftDue.of(null))],
  }
}

const NOTHING_ELSEWHERE: ReadonlyMap<string, Elsewhere> = new Map()

interface SeenService {
  /** In the order of its endpoints. */
  readonly known: readonly Known[]
  readonly mine: ServiceState
  readonly directives: readonly Directive[]
  readonly episodes: number
  readonly isMoving: boolean
}

function onService(
  state: State,
  service: ServiceView,
  rates: ServiceRates | undefined,
  elsewhere: ReadonlyMap<string, Elsewhere>,
  calmMs: Map<number, number>,
  now: number,
): SeenService {
  const { due, knobs, samples } = state
  const { slowStart = AT_ONCE, adaptiveConcurrency, limits } = settingsOf(state, service.name)
  const { panic, directives: told } = panicOrCalm(state.calmMs, service, now, calmMs)
  let before = service.endpoints.map(endpoint => knownOf(state, slowStart, endpoint, now))
  for (const { row, generation, inflight } of service.endpoints) samples.add(row, generation, inflight)
  let mine = serviceOf(state, service.name)
  const thresholds = mine.response === undefined ? mine.thresholds : inSurge(mine.thresholds)
  if (due.thresholds) {
    mine = { ...mine, thresholds: adaptThresholds(mine.thresholds, knobs.thresholds, usualOf(before, now)) }
  }
  if (due.adapt) before = adapted(service, before, thresholds, elsewhere, now)
  const reviewed = review(state, service, before, { ...mine, thresholds }, elsewhere, now)
  before = reviewed.known
  mine = { ...mine, uneven: reviewed.uneven, wishes: reviewed.wishes }
  const surge = surgeStep(state, service, mine, rates, limits?.requests ?? 0, state.episodes, now)
  const easings = service.endpoints.map((each, i) => nextEasing(slowStart, before[i]!.easing, each, panic, now))
  const allowance = allowanceOf(knobs.maxShift, mine.shiftedMs, now)
  const grounds = { slowStart, knobs, opinions: state.opinions, panic, allowance }
  const { factors, moved, isUnderWay } = fold(service, before, easings, grounds, now)
  mine = { ...mine, response: surge.response, shiftedMs: moved > 0 ? now : mine.shiftedMs }
  const known = service.endpoints.map((endpoint, i) =>
    next(limited(adaptiveConcurrency, before[i]!, endpoint), easings[i]!, isPickable(endpoint), knobs, now),
  )
  const directives = [...writes(service, known, factors), ...told, ...reviewed.directives, ...surge.directives]
  return { known, mine, directives, episodes: surge.episodes, isMoving: isUnderWay }
}

/** Rows that have no tenant any more. */
function forgetGone(known: Map<number, Known>, services: readonly ServiceView[]): void {
  const rows = new Set(services.flatMap(({ endpoints }) => endpoints.map(({ row }) => row)))
  for (const row of known.keys()) if (!rows.has(row)) known.delete(row)
}

/** From one look to the next where nothing happens: what others said is over some time. */
const QUIET_MS = 1000

/** Whether a look would find all as it was, unless the tables have changed: no traffic, nobody on the way to anything. */
export function isQuiet({ hasLooked, hasTraffic, isEasing, calmMs, lookedMs }: State, now: number): boolean {
  return hasLooked && !hasTraffic && !isEasing && calmMs.size === 0 && elapsedMs(now, lookedMs) < QUIET_MS
}

/** Words that are otherwise than they should be. */
function writes(
  { endpoints, index, isPullMaxRight }: ServiceView,
  known: readonly Known[],
  factors: readonly number[],
) {
  const directives: Directive[] = []
  let isFactorNew = false
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[i]!
    const whole = Math.floor(known[i]!.gradient?.limit ?? 0)
    if (whole !== endpoint.limit) directives.push(writeEndpoint('limit', endpoint, whole))
    if (Math.round(factors[i]! * FACTOR_STEPS) === Math.round(endpoint.factor * FACTOR_STEPS)) continue
    directives.push(writeEndpoint('factor', endpoint, factors[i]!))
    isFactorNew = true
  }
  if (isFactorNew || !isPullMaxRight) directives.push(writeService('pullMax', index, 0))
  return directives
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
  const latencyUsOf = (row: number): number => known.get(row)?.latencyUs ?? 0
  return {
    ...state,
    opinions: withoutOver(pruned(opinions, isThere, knobs.factsFor, now), latencyUsOf, now),
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
    generation,
    easing: firstEasing(slowStart, endpoint, factor, state.bootMs, now),
    latencyUs,
    batchMs: now,
    gradient: undefined,
    unread: NOTHING_UNREAD,
    // Who is there at the first look was there before it.
    wasOpen: !state.hasLooked && isPickable(endpoint),
    releasedMs: undefined,
    times: undefined,
    failures: undefined,
    adapted: 1,
    evened: 1,
  }
}

/** Most endpoints are as they were: nothing is made anew for them. */
function next(known: Known, easing: Known['easing'], wasOpen: boolean, knobs: State['knobs'], now: number): Known {
  const releasedMs = known.releasedMs === undefined ? undefined : canaryOf(known, knobs, now)
  const isSame = known.easing === easing && known.wasOpen === wasOpen && known.releasedMs === releasedMs
  return isSame ? known : { ...known, easing, wasOpen, releasedMs }
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
