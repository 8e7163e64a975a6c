import { elapsedMs } from '../../engine/writer.ts'
import { glanceAtTables, glanced, isSameGlance } from '../kit/glance.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import {
  act,
  type Directive,
  emit,
  mount,
  reply,
  type Step,
  schedule,
  stay,
  unmount,
  writeEndpoint,
} from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import type { Slices } from '../kit/grammar/skill.ts'
import { appended } from '../kit/run/bounded.ts'
import { lookAtTables, lookEveryMs, tablesSeen } from '../kit/tables.ts'
import {
  admissionAgreed,
  breakerChanged,
  endpointEjected,
  errorsMeasured,
  healthChanged,
  loadRebalanced,
  loadSummarised,
  policyRequested,
  policyTaken,
  rebalanceDone,
  rebalanceRequested,
  responseTimesMeasured,
  routeGiven,
  routeRequested,
  type Settled,
  serviceCalmed,
  servicePanicked,
  settledBatch,
  sheddingRequested,
} from '../signals.ts'
import { circuitBreakers } from '../skills/traffic/circuit-breakers.ts'
import { congestion } from '../skills/traffic/congestion.ts'
import { errorRate } from '../skills/traffic/error-rate.ts'
import { distributionSensed, loadDistribution } from '../skills/traffic/load-distribution.ts'
import { responseTimes } from '../skills/traffic/response-times.ts'
import { trafficMeasured } from '../skills/traffic/traffic.ts'
import { trafficAnalysis } from '../skills/traffic/traffic-analysis.ts'
import { type Agreed, agreeOnShares, BALANCING, sharesAgreed, voteOnShares } from './admission.ts'
import { NOTED, noted } from './hearing.ts'
import { NOTHING_UNREAD } from './known.ts'
import { smooth } from './latency.ts'
import { isQuiet, onTables, TICK_MS } from './look.ts'
import { judgePolicy, policyJudged, switchPolicy } from './policy-switch.ts'
import { rehearseRoute, routeRehearsed } from './route.ts'
import { adaptDue, lookDue, shiftDue, thresholdsDue, tickDue } from './signals.ts'
import { type Due, newState, type RebalanceWish, type State, serviceOf } from './state.ts'

export type { State } from './state.ts'

/** From a changed fact to the look it calls for: facts that change together are folded together. */
const LOOK_MS = 5

/** Of what was asked for the last thousand are kept. */
const ROUTINGS_MAX = 1000
/** Who asks for more at one time hears of the first. */
const WISHES_MAX = 16

/** For how long shares that were agreed on count. */
const ADMITTED_MS = 60_000

/** Where load is compared with capacity. */
const DISTRIBUTION = 'load-distribution'

const TRAFFIC = trafficAnalysis.mount('traffic-analysis', undefined)

/**
 * Load balancer: folds what others found out, and what it sees of load, into the factor that each endpoint's weight is multiplied by; where a
 * service asks for it, into a limit of what each may have in flight.
 *
 *   factor = slow start × canary × adaptation × load × zone × cost × trouble × risk × warning       fold.ts
 *
 * It does what a surge of requests asks for, and has services picked by another policy where that is wished.
 *
 * Intuition  it never stands between a request and its endpoint: picks read the last words it wrote, with or without it.
 *            Ten times a second it looks at the tables while anything moves in them, and else only whether it does.
 * listens    signalbox.endpoint.{health-changed, ejected, returned, released, settled-batch} · what others say of zones, costs, risks and
 *            trouble, of capacity and of load to come · signalbox.service.{rebalance, policy, route} · signalbox.endpoint.breaker
 * emits      signalbox.service.{panicked, calmed, rebalanced, surge-begun, surge-ended, shed} · answers · what it measures
 * writes     endpoint.FACTOR · endpoint.LATENCY_US · endpoint.LIMIT_ADAPTIVE · a breaker by hand · service.PANICS, PANIC_TOLD, PULL_MAX,
 *            POLICY
 * never      sets a factor of 0: keeping an endpoint out is the business of bars; nor a limit below adaptiveConcurrency.min; nor moves
 *            more than maxShift of a service's weight in a tenth of a second
 * reload     what was learned stays; limits that are asked for no longer are taken back
 * restart    permanent; factors, latencies, limits, a panic that was told and a policy that was wished are in the tables, and the next tick
 *            folds anew. What others said, and what limits and surges are measured against, is learned anew; a policy that was there
 *            for a surge is taken back
 */
export const loadBalancer = defineAgent({
  name: 'load-balancer',
  role: 'load-balancer',
  capabilities: [BALANCING],
  listens: [
    ...NOTED,
    healthChanged,
    endpointEjected,
    settledBatch,
    rebalanceRequested,
    policyRequested,
    routeRequested,
    trafficMeasured,
    distributionSensed,
    responseTimesMeasured,
    breakerChanged,
  ],
  own: [lookDue, tickDue, shiftDue, adaptDue, thresholdsDue],
  emits: [
    ...[servicePanicked, serviceCalmed, loadRebalanced, loadSummarised, rebalanceDone, policyTaken, routeGiven],
    ...[sheddingRequested, admissionAgreed, errorsMeasured],
  ],
  writes: ['factor', 'latencyUs', 'limit', 'breaker', 'panics', 'panicTold', 'pullMax', 'policy', 'passingPolicy'],
  actions: [lookAtTables, glanceAtTables, rehearseRoute, judgePolicy, agreeOnShares],
  sensors: [errorRate],
  skills: [
    TRAFFIC,
    circuitBreakers.mount('circuit-breakers', undefined),
    responseTimes.mount('response-times', undefined),
    congestion.mount('congestion', undefined),
  ],
  start: ({ config, bootMs, incarnation }): Step<State> => {
    const state = newState(config, bootMs, incarnation)
    const { monitorEvery, adaptEvery, thresholdsEvery } = state.knobs
    return {
      state,
      directives: [
        act(lookAtTables, undefined),
        mount(loadDistribution(DISTRIBUTION, monitorEvery)),
        schedule(TICK_MS, tickDue.of(null)),
        schedule(adaptEvery, adaptDue.of(null)),
        schedule(thresholdsEvery, thresholdsDue.of(null)),
      ],
    }
  },
  // The next tick folds by the new settings what is known.
  reload: (before, { services, agents }) => {
    const knobs = agents['load-balancer']
    const isAsOften = knobs.monitorEvery === before.knobs.monitorEvery
    const state = { ...before, services, knobs }
    return isAsOften
      ? stay(state)
      : { state, directives: [unmount(DISTRIBUTION), mount(loadDistribution(DISTRIBUTION, knobs.monitorEvery))] }
  },
  describe: ({ routings, served }) => ({
    routings: routings.length,
    thresholds: Object.fromEntries([...served].slice(0, 100).map(([service, { thresholds }]) => [service, thresholds])),
  }),
  vote: (_, proposal) => voteOnShares(proposal),
  decide,
})

export default loadBalancer

function decide(state: State, signal: Signal, now: number, slices: Slices): Step<State> {
  const look = act(lookAtTables, undefined)
  if (tablesSeen.is(signal)) return onTables(state, signal.data, slices.of(TRAFFIC).services, now)
  if (settledBatch.is(signal)) return onSettled(state, signal.data.rows, now)
  if (tickDue.is(signal)) {
    // Where weight is on its way, its next step is a look as well, and knows why.
    const next = isQuiet(state, now) ? act(glanceAtTables, undefined) : look
    return {
      state,
      directives: [
        ...(state.isMoving ? [] : [next]),
        schedule(lookEveryMs(state.known.size, TICK_MS), tickDue.of(null)),
      ],
    }
  }
  if (glanced.is(signal)) {
    return isSameGlance(state.glance, signal.data)
      ? stay(state)
      : { state: { ...state, glance: signal.data }, directives: [look] }
  }
  if (lookDue.is(signal)) return { state: { ...state, isLookDue: false }, directives: [look] }
  if (shiftDue.is(signal)) return { state: { ...state, isMoving: false }, directives: [look] }
  if (adaptDue.is(signal)) return due(state, 'adapt', schedule(state.knobs.adaptEvery, adaptDue.of(null)))
  if (thresholdsDue.is(signal)) {
    return due(state, 'thresholds', schedule(state.knobs.thresholdsEvery, thresholdsDue.of(null)))
  }
  if (trafficMeasured.is(signal)) return onTraffic(state, slices)
  if (rebalanceRequested.is(signal)) return onRebalance(state, signal, signal.data.service, signal.data.by)
  if (policyRequested.is(signal)) return { state, directives: [act(judgePolicy, { question: signal, ...signal.data })] }
  if (policyJudged.is(signal)) return { state, directives: switchPolicy(signal.data) }
  if (routeRequested.is(signal)) {
    return { state, directives: [act(rehearseRoute, { question: signal, wish: signal.data })] }
  }
  if (routeRehearsed.is(signal)) {
    const { question, given } = signal.data
    const { service, outcome, routeTo, algorithm } = given
    const routings = appended(state.routings, { service, outcome, routeTo, algorithm }, ROUTINGS_MAX)
    return { state: { ...state, routings }, directives: [reply(question, routeGiven.of(given, service))] }
  }
  if (sharesAgreed.is(signal)) return onShares(state, signal.data, now)
  const after = noted(state, signal, now)
  const isNews = after.due.review ? !state.due.review : isFact(signal)
  return isNews ? soon(after) : stay(after)
}

/** Telemetry comes all the time and waits for the next tick; facts are looked at at once. */
const FACTS = new Set<string>(
  [...NOTED.filter(kind => !kind.isTelemetry), healthChanged, endpointEjected, breakerChanged].map(({ type }) => type),
)
const isFact = ({ type }: Signal): boolean => FACTS.has(type)

/** A look within some ms, with very many endpoints within a fifth of a second, unless one is on its way. */
function soon(state: State): Step<State> {
  if (state.isLookDue) return stay(state)
  return {
    state: { ...state, isLookDue: true },
    directives: [schedule(lookEveryMs(state.known.size, LOOK_MS), lookDue.of(null))],
  }
}

function due(state: State, what: keyof Due, again: Directive): Step<State> {
  return { state: { ...state, due: { ...state.due, [what]: true } }, directives: [act(lookAtTables, undefined), again] }
}

/** A surge is seen to each second, with the tables at hand; without one nothing is. */
function onTraffic(state: State, slices: Slices): Step<State> {
  const isSurge = [...slices.of(TRAFFIC).services.values()].some(({ surge }) => surge !== undefined)
  const isUnderWay = [...state.served.values()].some(({ response }) => response !== undefined)
  return isSurge || isUnderWay ? { state, directives: [act(lookAtTables, undefined)] } : stay(state)
}

function onRebalance(state: State, question: Signal, service: string, by: string): Step<State> {
  const before = serviceOf(state, service)
  const isHere = state.served.has(service)
  if (!isHere || before.wishes.length >= WISHES_MAX) {
    const nothing = rebalanceDone.of({ service, unevennessBefore: 0, unevennessAfter: 0 }, service)
    return { state, directives: [reply(question, nothing)] }
  }
  const wish: RebalanceWish = { question, by, before: undefined, reviews: 0 }
  const served = new Map(state.served).set(service, { ...before, wishes: [...before.wishes, wish] })
  return { state: { ...state, served }, directives: [act(lookAtTables, undefined)] }
}

/** What was agreed on is acted on, and told to the others; anything else changes nothing. */
function onShares(state: State, { service, status, shares, fence }: Agreed, now: number): Step<State> {
  if (status !== 'accepted') return stay(state)
  const agreed = admissionAgreed.of({ service, shares, fence, forMs: ADMITTED_MS }, service)
  const told: Signal = { ...agreed, id: '', specversion: '1.0', source: '', time: '' }
  return { state: noted(state, told, now), directives: [emit(agreed), act(lookAtTables, undefined)] }
}

function onSettled(state: State, rows: readonly Settled[], now: number): Step<State> {
  const { known } = state
  const directives: Directive[] = []
  for (const { row, generation, ok, latencyUsSum } of rows) {
    const before = known.get(row)
    // Not seen in the tables yet: the next batch will do.
    if (before === undefined || before.generation !== generation || ok === 0) continue
    const latencyUs = smooth(before.latencyUs, latencyUsSum / ok, elapsedMs(now, before.batchMs))
    const { gradient, unread } = before
    const more = { ok: unread.ok + ok, latencyUsSum: unread.latencyUsSum + latencyUsSum }
    known.set(row, { ...before, latencyUs, batchMs: now, unread: gradient === undefined ? NOTHING_UNREAD : more })
    if (Math.round(latencyUs) !== Math.round(before.latencyUs)) {
      directives.push(writeEndpoint('latencyUs', { row, generation }, Math.round(latencyUs)))
    }
  }
  return { state: state.hasTraffic ? state : { ...state, hasTraffic: true }, directives }
}
