import { type Config, elapsedMs } from '../../engine/writer.ts'
import { defineAgent } from '../kit/agent.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeEndpoint, writeService } from '../kit/directive.ts'
import type { Signal } from '../kit/signal.ts'
import { type EndpointView, lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../kit/tables.ts'
import {
  endpointEjected,
  endpointReturned,
  healthChanged,
  type Settled,
  serviceCalmed,
  servicePanicked,
  settledBatch,
} from '../signals.ts'
import { smooth } from './latency.ts'
import { hasPanic, openShare } from './panic.ts'
import { lookDue, tickDue } from './signals.ts'
import { cameMs, slowStartShare } from './slow-start.ts'

/** What is kept of an endpoint besides what the tables say. */
interface Known {
  readonly generation: number
  /** When its easing in began that is over; the same one is not begun again when the clock wraps. */
  readonly easedMs: number | undefined
  readonly latencyUs: number
  /** The clock at its last batch. */
  readonly batchMs: number
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

/**
 * Load balancer: folds what others found out into the factor that each endpoint's weight is multiplied by.
 *
 *   factor = slow start share              effective weight = operator's weight × factor
 *
 * Intuition  it never stands between a request and its endpoint: picks read the last words it wrote, with or without it.
 * listens    signalbox.endpoint.{health-changed, ejected, returned, settled-batch}
 * emits      signalbox.service.panicked · signalbox.service.calmed
 * writes     endpoint.FACTOR · endpoint.LATENCY_US · service.PANICS, PANIC_TOLD, PULL_MAX
 * never      sets a factor of 0: keeping an endpoint out is the business of bars
 * restart    permanent; factors, latencies and a panic that was told are in the tables, and the next tick folds anew
 */
export const loadBalancer = defineAgent<State>({
  name: 'load-balancer',
  listens: [healthChanged, endpointEjected, endpointReturned, settledBatch],
  emits: [servicePanicked, serviceCalmed],
  writes: ['factor', 'latencyUs', 'panics', 'panicTold', 'pullMax'],
  actions: [lookAtTables],
  start: ({ config, bootMs }) => ({
    state: { services: config.services, bootMs, known: new Map(), calmMs: new Map(), isLookDue: false },
    directives: [act(lookAtTables, undefined), schedule(TICK_MS, tickDue.of(null))],
  }),
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
  if (state.isLookDue) return stay(state)
  return { state: { ...state, isLookDue: true }, directives: [schedule(LOOK_MS, lookDue.of(null))] }
}

function onSettled(state: State, rows: readonly Settled[], now: number): Step<State> {
  const known = new Map(state.known)
  const directives: Directive[] = []
  for (const { row, generation, ok, latencyUsSum } of rows) {
    const before = known.get(row)
    // Not seen in the tables yet: the next batch will do.
    if (before === undefined || before.generation !== generation || ok === 0) continue
    const latencyUs = smooth(before.latencyUs, latencyUsSum / ok, elapsedMs(now, before.batchMs))
    known.set(row, { ...before, latencyUs, batchMs: now })
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
    let isFactorNew = false
    for (const endpoint of service.endpoints) {
      const before = knownOf(state, endpoint, now)
      const { factor, easedMs } = fold(state, service, endpoint, before.easedMs, now)
      known.set(endpoint.row, { ...before, easedMs })
      if (Math.round(factor * FACTOR_STEPS) === Math.round(endpoint.factor * FACTOR_STEPS)) continue
      directives.push(writeEndpoint('factor', endpoint, factor))
      isFactorNew = true
    }
    if (isFactorNew || !service.isPullMaxRight) directives.push(writeService('pullMax', service.index, 0))
    directives.push(...panicOrCalm(state, service, now, calmMs))
  }
  return { state: { ...state, known, calmMs }, directives }
}

/** What is known of an endpoint; of one that is new here, or was known to an earlier incarnation, what the table says. */
function knownOf(state: State, { row, generation, latencyUs }: EndpointView, now: number): Known {
  const known = state.known.get(row)
  return known?.generation === generation ? known : { generation, easedMs: undefined, latencyUs, batchMs: now }
}

function fold(
  state: State,
  service: ServiceView,
  endpoint: EndpointView,
  easedMs: number | undefined,
  now: number,
): { factor: number; easedMs: number | undefined } {
  const slowStart = Object.hasOwn(state.services, service.name) ? state.services[service.name]?.slowStart : undefined
  if (slowStart === undefined || slowStart.window === 0) return { factor: 1, easedMs }
  const came = cameMs(endpoint, service.endpoints, state.bootMs)
  if (came === undefined || came === easedMs) return { factor: 1, easedMs }
  const sinceMs = elapsedMs(now, came)
  // Below zero it came so long ago that the clock has wrapped in between.
  const isOver = sinceMs < 0 || sinceMs >= slowStart.window
  return isOver ? { factor: 1, easedMs: came } : { factor: slowStartShare(slowStart, sinceMs), easedMs }
}

/**
 * Picks see a panic by themselves, at once. It is told and counted when it begins, and called off when there was none for a
 * whole tick: a flicker of one endpoint is no news.
 */
function panicOrCalm(state: State, service: ServiceView, now: number, calmMs: Map<number, number>): Directive[] {
  const { index, name, isPanicTold } = service
  const told = { service: name, ...openShare(service) }
  if (hasPanic(service)) {
    if (isPanicTold) return []
    return [writeService('panicTold', index, 1), writeService('panics', index, 0), emit(servicePanicked.of(told, name))]
  }
  if (!isPanicTold) return []
  const since = state.calmMs.get(index) ?? now
  if (elapsedMs(now, since) >= TICK_MS) {
    return [writeService('panicTold', index, 0), emit(serviceCalmed.of(told, name))]
  }
  calmMs.set(index, since)
  return []
}
