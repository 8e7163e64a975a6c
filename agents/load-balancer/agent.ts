import { ALL_BARS, type Config, elapsedMs } from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import {
  act,
  type Directive,
  emit,
  type Step,
  schedule,
  stay,
  writeEndpoint,
  writeService,
} from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { type EndpointView, lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../kit/tables.ts'
import {
  type EndpointRef,
  endpointEjected,
  endpointReturned,
  healthChanged,
  type Settled,
  serviceCalmed,
  servicePanicked,
  settledBatch,
} from '../signals.ts'
import { type Easing, easedShare, evenOut, firstEasing, nextEasing } from './easing.ts'
import { adjust, beginGradient, type Gradient, type GradientRule } from './gradient.ts'
import { smooth } from './latency.ts'
import { hasPanic, openShare, type Panic } from './panic.ts'
import { lookDue, tickDue } from './signals.ts'
import type { SlowStart } from './slow-start.ts'

/** What is kept of an endpoint besides what the tables say. */
interface Known {
  readonly generation: number
  readonly easing: Easing
  readonly latencyUs: number
  /** The clock at its last batch. */
  readonly batchMs: number
  /** Its limit, where concurrency is adaptive. */
  readonly gradient: Gradient | undefined
  /** What was settled `ok` since its limit was last adjusted; nothing while it has none. */
  readonly unread: { readonly ok: number; readonly latencyUsSum: number }
}

export interface State {
  readonly services: Config['services']
  readonly bootMs: number
  /** By row. */
  readonly known: ReadonlyMap<number, Known>
  /** By index of service whose panic was told: since when there is none any more. */
  readonly calmMs: ReadonlyMap<number, number>
  /** True while a look out of turn is on its way. */
  readonly isLookDue: boolean
}

const TICK_MS = 100

/** From a changed fact to the look it calls for: facts that change together are folded together. */
const LOOK_MS = 5

/** The factor's word has 12 fractional bits: what does not show there is not written. */
const FACTOR_STEPS = 4096

/** Requests it takes for a window to say something of latency (Netflix's); with fewer it goes on until it has them. */
const WINDOW_OKS_MIN = 10

const NOTHING_UNREAD = { ok: 0, latencyUsSum: 0 }

/** A service without slow start. */
const AT_ONCE: SlowStart = { window: 0, aggression: 1, minWeight: 1 }

/**
 * Load balancer: folds what others found out into the factor that each endpoint's weight is multiplied by, and where a
 * service asks for it, into a limit of what each may have in flight.
 *
 *   factor = slow start share              effective weight = operator's weight × factor
 *
 * In panic nobody is eased in: who just recovered shall not get less than those that are not known to work.
 *
 * Intuition  it never stands between a request and its endpoint: picks read the last words it wrote, with or without it.
 * listens    signalbox.endpoint.{health-changed, ejected, returned, settled-batch}
 * emits      signalbox.service.panicked · signalbox.service.calmed
 * writes     endpoint.FACTOR · endpoint.LATENCY_US · endpoint.LIMIT_ADAPTIVE · service.PANICS, PANIC_TOLD, PULL_MAX
 * never      sets a factor of 0: keeping an endpoint out is the business of bars; nor a limit below adaptiveConcurrency.min
 * reload     what was learned stays; limits that are asked for no longer are taken back
 * restart    permanent; factors, latencies, limits and a panic that was told are in the tables, and the next tick folds anew.
 *            What a limit is measured against, the long average of latency, is learned anew
 */
export const loadBalancer = defineAgent({
  name: 'load-balancer',
  role: 'load-balancer',
  listens: [healthChanged, endpointEjected, endpointReturned, settledBatch],
  own: [lookDue, tickDue],
  emits: [servicePanicked, serviceCalmed],
  writes: ['factor', 'latencyUs', 'limit', 'panics', 'panicTold', 'pullMax'],
  actions: [lookAtTables],
  start: ({ config, bootMs }): Step<State> => ({
    state: { services: config.services, bootMs, known: new Map(), calmMs: new Map(), isLookDue: false },
    directives: [act(lookAtTables, undefined), schedule(TICK_MS, tickDue.of(null))],
  }),
  // The next tick folds by the new settings what is known.
  reload: (state, { services }) => stay({ ...state, services }),
  decide,
})

export default loadBalancer

function decide(state: State, signal: Signal, now: number): Step<State> {
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  if (settledBatch.is(signal)) return onSettled(state, signal.data.rows, now)
  const look = act(lookAtTables, undefined)
  if (tickDue.is(signal)) return { state, directives: [look, schedule(TICK_MS, tickDue.of(null))] }
  if (lookDue.is(signal)) return { state: { ...state, isLookDue: false }, directives: [look] }
  // Any other signal it listens to says that a bar or a health word has changed.
  const after = endpointReturned.is(signal) ? onReturned(state, signal.data, now) : state
  if (after.isLookDue) return stay(after)
  return { state: { ...after, isLookDue: true }, directives: [schedule(LOOK_MS, lookDue.of(null))] }
}

/** An ejection is over: the endpoint is eased in from now on. */
function onReturned(state: State, { row, generation }: EndpointRef, now: number): State {
  const before = state.known.get(row)
  if (before?.generation !== generation) return state
  const known = new Map(state.known).set(row, { ...before, easing: { ...before.easing, cameMs: now } })
  return { ...state, known }
}

function onSettled(state: State, rows: readonly Settled[], now: number): Step<State> {
  const known = new Map(state.known)
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
  return { state: { ...state, known }, directives }
}

function onTables(state: State, { services }: TablesView, now: number): Step<State> {
  const known = new Map<number, Known>()
  const calmMs = new Map<number, number>()
  const directives: Directive[] = []
  for (const service of services) {
    const { slowStart = AT_ONCE, adaptiveConcurrency } = settingsOf(state, service.name)
    const { panic, directives: told } = panicOrCalm(state, service, now, calmMs)
    const before = service.endpoints.map(endpoint => knownOf(state, slowStart, endpoint, now))
    const easings = service.endpoints.map((each, i) => nextEasing(slowStart, before[i]!.easing, each, panic, now))
    const factors = factorsOf(slowStart, service, easings, panic, now)
    let isFactorNew = false
    for (const [i, endpoint] of service.endpoints.entries()) {
      const limited = limit(adaptiveConcurrency, before[i]!, endpoint)
      known.set(endpoint.row, limited.easing === easings[i] ? limited : { ...limited, easing: easings[i]! })
      const whole = Math.floor(limited.gradient?.limit ?? 0)
      if (whole !== endpoint.limit) directives.push(writeEndpoint('limit', endpoint, whole))
      if (Math.round(factors[i]! * FACTOR_STEPS) === Math.round(endpoint.factor * FACTOR_STEPS)) continue
      directives.push(writeEndpoint('factor', endpoint, factors[i]!))
      isFactorNew = true
    }
    if (isFactorNew || !service.isPullMaxRight) directives.push(writeService('pullMax', service.index, 0))
    directives.push(...told)
  }
  return { state: { ...state, known, calmMs }, directives }
}

/** What is known of an endpoint; of one that is new here, or was known to an earlier incarnation, what the table says. */
function knownOf(state: State, slowStart: SlowStart, endpoint: EndpointView, now: number): Known {
  const { row, generation, latencyUs, factor } = endpoint
  const known = state.known.get(row)
  if (known?.generation === generation) return known
  const easing = firstEasing(slowStart, endpoint, factor, state.bootMs, now)
  return { generation, easing, latencyUs, batchMs: now, gradient: undefined, unread: NOTHING_UNREAD }
}

function factorsOf(
  slowStart: SlowStart,
  { endpoints }: ServiceView,
  easings: readonly Easing[],
  panic: Panic,
  now: number,
): number[] {
  if (panic === 'on') return endpoints.map(() => 1)
  const shares = easings.map(easing => easedShare(slowStart, easing, now))
  const isOpen = endpoints.map(({ bars, weight }) => (bars & ALL_BARS) === 0 && weight > 0)
  return evenOut(shares, isOpen)
}

/** Adjusts its limit when enough was settled since the last time. */
function limit(rule: GradientRule | undefined, known: Known, endpoint: EndpointView): Known {
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

/**
 * Panic begins at once and ends when it was not called for a whole tick: a flicker of one endpoint shall not toggle it.
 * `over` is told once, at its end.
 */
function panicOrCalm(
  state: State,
  service: ServiceView,
  now: number,
  calmMs: Map<number, number>,
): { panic: Panic; directives: Directive[] } {
  const { index, name, isPanicTold } = service
  const told = () => ({ service: name, ...openShare(service) })
  if (hasPanic(service)) {
    if (isPanicTold) return { panic: 'on', directives: [] }
    const begin = [
      writeService('panicTold', index, 1),
      writeService('panics', index, 0),
      emit(servicePanicked.of(told(), name)),
    ]
    return { panic: 'on', directives: begin }
  }
  if (!isPanicTold) return { panic: 'none', directives: [] }
  const since = state.calmMs.get(index) ?? now
  if (elapsedMs(now, since) >= TICK_MS) {
    return {
      panic: 'over',
      directives: [writeService('panicTold', index, 0), emit(serviceCalmed.of(told(), name))],
    }
  }
  calmMs.set(index, since)
  return { panic: 'on', directives: [] }
}
