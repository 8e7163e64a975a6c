import { type Config, elapsedMs } from '../../engine/writer.ts'
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
} from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { type EndpointView, lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../kit/tables.ts'
import {
  allocationPlanned,
  allocationRequested,
  capacityReported,
  costsWeighed,
  type LoadForecast,
  loadForecasted,
  metricsCollected,
} from '../signals.ts'
import { bidFor, CAPACITY, capacityMarket, voteOn } from '../skills/resources/capacity-market.ts'
import { resourceManagement } from '../skills/resources/resource-management.ts'
import { limitsOf } from '../skills/resources/resource-usage.ts'
import { lookAtWork, type Work, type Worked, workSeen } from './actions.ts'
import { planAllocation } from './allocation.ts'
import { adaptAversion, type CostGoals, costFactors, spendingOf, workedShare } from './costs.ts'
import { forget, inherit, type KnownRows, report, type Told } from './reports.ts'
import { declaredCapacity, reportedUtilisation } from './sensors.ts'
import { costsDue, forgetDue } from './signals.ts'

/** How a service stands towards its cost. */
interface Cost {
  /** From 0 to `costs.most`. */
  readonly aversion: number
  /** What it spends in an hour, smoothed. */
  readonly perHour: number
  /** As last told, by id; empty: nothing was, or that all are equal. */
  readonly told: ReadonlyMap<string, number>
  readonly toldMs: number
}

export interface State {
  readonly config: Config
  readonly known: KnownRows
  /** µs at the 99th percentile, by service, where enough requests were settled of late. */
  readonly p99Us: ReadonlyMap<string, number>
  /** By service, the one that looks furthest ahead: a plan is for what comes. */
  readonly forecasts: ReadonlyMap<string, LoadForecast>
  readonly costs: ReadonlyMap<string, Cost>
  /** Questions that wait for a look at the tables. */
  readonly asked: readonly Signal[]
  readonly hasInherited: boolean
  /** At the last step towards the cost goal. */
  readonly worked: { readonly byRow: ReadonlyMap<number, Worked>; readonly atMs: number } | undefined
}

const FORGET_MS = 5_000
/** Fewer say nothing of the slowest hundredth. */
const REQUESTS_MIN = 20
/** Share of a new reading in what is spent. */
const SPENDING_SHARE = 0.5
/** A factor that changes by less changes nothing. */
const FACTOR_STEP = 0.01
/** Who weighs may have been started anew. */
const TELL_AGAIN_MS = 60_000
const ASKED_MAX = 64

const management = resourceManagement.mount('resource-management', undefined)
const market = capacityMarket.mount('capacity-market', undefined)

/**
 * Resource manager: keeps this process within its means, knows what endpoints can bear, and what they cost.
 *
 *   this process   resource-usage ──▶ skill resource-management ──▶ SHED_BY_AGENT, ADMITTED
 *   endpoints      health bodies, headers, the config ──▶ room left ──▶ UTILISATION, which the policy `capacity` reads
 *   costs          what is spent, p99 ──▶ aversion ──▶ costs-weighed, which the load balancer folds
 *
 * Intuition  a process that takes what it cannot bear loses all of it; so it says no early, to what matters least. The cheap endpoint is
 *            the good one, as long as nobody waits for it.
 * listens    signalbox.endpoint.capacity-reported · signalbox.metrics.collected · signalbox.service.{load-forecasted, allocate, shed,
 *            capacity-request}
 * emits      signalbox.node.{resources-measured, resource-exhausted, resources-judged, capacity-offered}
 *            · signalbox.service.{shedding-changed, admission-changed, costs-weighed, allocated, capacity-granted} · signalbox.endpoint.capacity-reported
 * writes     endpoint.UTILISATION · service.SHED_BY_AGENT, ADMITTED
 * never      turns away what is critical-plus, nor what an operator's word lets through by a stricter one: both count; sheds `critical`
 *            unless the config says it may
 * reload     what is known stays; where limits of this process are others, it is measured anew, and what was turned away comes back by steps
 * restart    permanent; what is turned away and what endpoints use is in the tables, and it goes on from there. Aversion to cost is learned anew
 */
export const resourceManager = defineAgent({
  name: 'resource-manager',
  role: 'resource-manager',
  capabilities: [CAPACITY],
  listens: [capacityReported, metricsCollected, loadForecasted, allocationRequested],
  own: [forgetDue, costsDue],
  emits: [capacityReported, costsWeighed, allocationPlanned],
  writes: ['utilisation', 'shedFrom', 'admitted'],
  actions: [lookAtTables, lookAtWork],
  sensors: [declaredCapacity, reportedUtilisation],
  skills: [management, market],
  start: ({ config }): Step<State> => ({
    state: {
      ...{ config, known: new Map(), p99Us: new Map(), forecasts: new Map(), costs: new Map() },
      ...{ asked: [], hasInherited: false, worked: undefined },
    },
    directives: [
      act(lookAtTables, undefined),
      schedule(FORGET_MS, forgetDue.of(null)),
      schedule(knobsOf(config).costs.interval, costsDue.of(null)),
    ],
  }),
  reload,
  decide,
  describe,
  bid: (_, tender, slices) => bidFor(slices.of(market), tender),
  vote: (_, proposal, slices) => voteOn(slices.of(market), proposal),
})

export default resourceManager

function reload(before: State, config: Config): Step<State> {
  const state = { ...before, config }
  if (JSON.stringify(limitsOf(before.config)) === JSON.stringify(limitsOf(config))) return stay(state)
  return { state, directives: [unmount(management.key), mount(management)] }
}

function decide(state: State, signal: Signal, now: number): Step<State> {
  if (capacityReported.is(signal)) {
    const { by, rows } = signal.data
    return told(state, report(state.known, by, rows, knobsOf(state.config).reportsKept, now))
  }
  if (forgetDue.is(signal)) {
    const { state: next, directives } = told(state, forget(state.known, knobsOf(state.config).reportsKept, now))
    return { state: next, directives: [...directives, schedule(FORGET_MS, forgetDue.of(null))] }
  }
  if (costsDue.is(signal)) {
    const again = schedule(knobsOf(state.config).costs.interval, costsDue.of(null))
    return { state, directives: [act(lookAtWork, undefined), again] }
  }
  if (metricsCollected.is(signal)) {
    const busy = signal.data.services.filter(({ last10s }) => last10s.requests >= REQUESTS_MIN)
    return stay({ ...state, p99Us: new Map(busy.map(({ service, last10s }) => [service, last10s.latencyUsP99])) })
  }
  if (loadForecasted.is(signal)) {
    const byHorizon = signal.data.services.toSorted((a, b) => a.horizonMs - b.horizonMs)
    return stay({ ...state, forecasts: new Map(byHorizon.map(each => [each.service, each])) })
  }
  if (allocationRequested.is(signal)) {
    if (state.asked.length >= ASKED_MAX) return stay(state)
    return { state: { ...state, asked: [...state.asked, signal] }, directives: [act(lookAtTables, undefined)] }
  }
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  if (workSeen.is(signal)) return onWork(state, signal.data, now)
  return stay(state)
}

function told(state: State, { known, directives }: Told): Step<State> {
  return { state: { ...state, known }, directives }
}

function onTables(before: State, { services }: TablesView, now: number): Step<State> {
  const endpoints = before.hasInherited ? [] : services.flatMap(service => service.endpoints)
  const known = inherit(before.known, endpoints, now)
  const directives = before.asked.map(question => answer(before, services, question))
  return { state: { ...before, known, asked: [], hasInherited: true }, directives }
}

/** One step towards the cost goal, of each service whose endpoints cost anything. */
function onWork(before: State, { tables, worked }: Work, now: number): Step<State> {
  const tookMs = before.worked === undefined ? 0 : elapsedMs(now, before.worked.atMs)
  const usedBy = (endpoint: EndpointView): number | undefined => {
    const { row, generation, utilisation } = endpoint
    const known = before.known.get(row)
    if (known?.generation === generation && known.said !== undefined) return utilisation
    const [then, last] = [before.worked?.byRow.get(row), worked.get(row)]
    // Of one that is new here, or whose cost is, it is not known yet how much it has worked since.
    if (then?.generation !== generation || last?.generation !== generation) return undefined
    return workedShare(endpoint, last.us - then.us, tookMs)
  }
  const costs = new Map<string, Cost>()
  const directives: Directive[] = []
  for (const service of tables.services) {
    const isFree = service.endpoints.every(({ cost }) => cost === undefined)
    if (isFree && !before.costs.has(service.name)) continue
    const { cost, isToTell } = weigh(before, service, spendingOf(service.endpoints, usedBy), now)
    if (!isFree) costs.set(service.name, cost)
    if (isToTell) directives.push(emit(costsWeighed.of(weighedOf(service, cost), service.name)))
  }
  return { state: { ...before, costs, worked: { byRow: worked, atMs: now } }, directives }
}

/** What is spent is smoothed. What factors come to is told where it changes anything, and now and then again. */
function weigh(
  { config, costs, p99Us }: State,
  { name, endpoints }: ServiceView,
  spending: number,
  now: number,
): { readonly cost: Cost; readonly isToTell: boolean } {
  const before = costs.get(name) ?? { aversion: 0, perHour: spending, told: new Map(), toldMs: now }
  const perHour = before.perHour + SPENDING_SHARE * (spending - before.perHour)
  const aversion = adaptAversion(before.aversion, { perHour, p99Us: p99Us.get(name) }, goalsOf(config))
  const factors = costFactors(
    endpoints.map(({ cost }) => cost),
    aversion,
  )
  const isEven = factors.every(factor => factor === 1)
  const isOther = isEven
    ? before.told.size > 0
    : endpoints.some(({ id }, i) => Math.abs(factors[i]! - (before.told.get(id) ?? 1)) >= FACTOR_STEP)
  const isDue = !isEven && elapsedMs(now, before.toldMs) >= TELL_AGAIN_MS
  if (!isOther && !isDue) return { cost: { ...before, aversion, perHour }, isToTell: false }
  const told = new Map(isEven ? [] : endpoints.map(({ id }, i): [string, number] => [id, factors[i]!]))
  return { cost: { aversion, perHour, told, toldMs: now }, isToTell: true }
}

function weighedOf({ name, endpoints }: ServiceView, { told, aversion, perHour }: Cost) {
  return {
    service: name,
    factors: endpoints.map(({ id }) => ({ id, factor: told.get(id) ?? 1 })),
    because: `${perHour.toFixed(2)} an hour, aversion ${aversion.toFixed(2)}`,
  }
}

/** The load to spread is what is in flight, or so much more as it is forecast to be one time in twenty. */
function answer(state: State, services: readonly ServiceView[], question: Signal): Directive {
  const { service: wanted } = question.data as { readonly service: string }
  const plans = services
    .filter(({ name }) => wanted === '' || name === wanted)
    .map(service => {
      const forecast = state.forecasts.get(service.name)
      const growth =
        forecast === undefined || forecast.perSecond === 0 ? 1 : Math.max(1, forecast.p95 / forecast.perSecond)
      const inflight = service.endpoints.reduce((sum, each) => sum + each.inflight, 0)
      return planAllocation(service, inflight * growth, goalsOf(state.config).perHour)
    })
  return reply(question, allocationPlanned.of({ services: plans }))
}

function goalsOf(config: Config): CostGoals {
  const { goal: perHour, p99, most } = knobsOf(config).costs
  return { perHour, p99Us: p99 * 1000, most }
}

function knobsOf({ agents }: Config): Config['agents']['resource-manager'] {
  return agents['resource-manager']
}

function describe({ costs, known }: State) {
  return {
    endpointsKnown: known.size,
    costs: Object.fromEntries([...costs].map(([service, { aversion, perHour }]) => [service, { aversion, perHour }])),
  }
}
