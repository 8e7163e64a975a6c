import {
  type Config,
  EJECTED,
  HEALTH_DEGRADED,
  HEALTH_NAMES,
  HEALTH_UNKNOWN,
  ISOLATED,
  type ServiceConfig,
  UNHEALTHY,
  upstreamTextOf,
} from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeEndpoint } from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { type EndpointView, lookAtTables, type TablesView, tablesSeen } from '../kit/tables.ts'
import { ejectedChecked, type HealthWord, healthChanged } from '../signals.ts'
import { voteBy } from '../skills/health-coordination.ts'
import { checkEndpoint } from './actions.ts'
import { type Checked, checkDue, endpointChecked, lookDue, type Round } from './signals.ts'
import { coordinating, SKILLS } from './skills.ts'
import { judge, paceMs, type Standing, UNCHECKED } from './verdict.ts'

type HealthCheck = NonNullable<ServiceConfig['healthCheck']>

/** An endpoint under watch. */
interface Target extends Standing {
  readonly row: number
  readonly generation: number
  readonly service: string
  readonly id: string
  readonly url: string
  /** The chain of checks that is its own now: what is scheduled in another comes to nothing. */
  readonly round: number
  /** Out for what its requests came to, or kept out by quarantine. */
  readonly isEjected: boolean
  /** Marked as degraded for a warning, though its checks pass: it is looked at more closely. */
  readonly isWarned: boolean
}

export interface State {
  readonly services: Config['services']
  /** By row. */
  readonly targets: ReadonlyMap<number, Target>
  /** Chains of checks begun so far. */
  readonly rounds: number
}

/** How soon an endpoint that was added or removed is noticed. */
const LOOK_MS = 100

/** Share of the interval by which checks stray, so that those of many endpoints and nodes do not fall together. */
const JITTER = 0.1

/**
 * Health monitor: asks every endpoint whether it is well, and takes out those that say no.
 *
 * Intuition  a failed check is an accident, some in a row are a fact. An endpoint that was just added is checked at once
 *            and may be picked meanwhile. One that is out is asked more often, see paceMs, so that it is soon back; one that was
 *            just ejected for its failures or its silence is asked at once, so that no request has to find out.
 * listens    nothing
 * emits      signalbox.endpoint.health-changed · signalbox.endpoint.ejected-checked
 * writes     endpoint.HEALTH · endpoint.HEALTHY_SINCE_MS · the bars UNHEALTHY and ISOLATED
 * skills     see skills.ts: what it does about what it finds
 * never      judges an endpoint of a service without `healthCheck`; convicts because its own thread stood still
 * reload     verdicts stay; endpoints whose checks are others now are checked at once
 * restart    permanent; the verdicts are in the tables, so it goes on from them: what is barred stays so until checks pass
 */
export const healthMonitor = defineAgent({
  name: 'health-monitor',
  role: 'health-monitor',
  own: [lookDue, checkDue],
  emits: [healthChanged, ejectedChecked],
  writes: ['health', 'healthySinceMs', 'unhealthyBar', 'isolatedBar'],
  actions: [lookAtTables, checkEndpoint],
  skills: SKILLS,
  start: ({ config }): Step<State> => ({
    state: { services: config.services, targets: new Map(), rounds: 0 },
    directives: [act(lookAtTables, undefined)],
  }),
  reload,
  decide,
  vote: (_, proposal, slices) => voteBy(slices.of(coordinating), proposal),
})

export default healthMonitor

function decide(state: State, signal: Signal, now: number): Step<State> {
  if (tablesSeen.is(signal)) return onTables(state, signal.data)
  if (checkDue.is(signal)) return onCheckDue(state, signal.data)
  if (endpointChecked.is(signal)) return onChecked(state, signal.data, now)
  if (lookDue.is(signal)) return { state, directives: [act(lookAtTables, undefined)] }
  return stay(state)
}

/** Follows the structure: begins with what is new, forgets what is gone, lets go of what it no longer has to judge. */
function onTables(state: State, { services }: TablesView): Step<State> {
  const targets = new Map<number, Target>()
  const directives: Directive[] = [schedule(LOOK_MS, lookDue.of(null))]
  let { rounds } = state
  for (const { name, endpoints } of services) {
    const isChecked = healthCheckOf(state, name) !== undefined
    for (const endpoint of endpoints) {
      if (!isChecked) {
        directives.push(...acquit(endpoint))
        continue
      }
      const known = find(state, endpoint.row, endpoint.generation)
      const isEjected = (endpoint.bars & (EJECTED | ISOLATED)) !== 0
      const isWarned = endpoint.health === HEALTH_DEGRADED && known?.health === 'healthy'
      let target = known ?? newTarget(name, endpoint)
      // The next check of one that was just ejected may be an interval away, and whoever is to let it back needs to know now.
      const isDue = known === undefined || (isEjected && !known.isEjected) || (isWarned && !known.isWarned)
      if (isDue || isEjected !== target.isEjected || isWarned !== target.isWarned)
        target = { ...target, isEjected, isWarned, round: isDue ? ++rounds : target.round }
      targets.set(endpoint.row, target)
      if (isDue) directives.push(checkNow(target))
    }
  }
  return { state: { ...state, targets, rounds }, directives }
}

/** A verdict of an earlier incarnation, on a service that is not checked any more, must not stand for ever. */
function acquit(endpoint: EndpointView): Directive[] {
  const directives: Directive[] = []
  if ((endpoint.bars & UNHEALTHY) !== 0) directives.push(writeEndpoint('unhealthyBar', endpoint, 0))
  if (endpoint.health !== HEALTH_UNKNOWN) directives.push(writeEndpoint('health', endpoint, HEALTH_UNKNOWN))
  return directives
}

function newTarget(service: string, { row, generation, id, url, bars, health }: EndpointView): Target {
  // The bar is what acts, so it is what an earlier incarnation's verdict is read from.
  const verdict: HealthWord = (bars & UNHEALTHY) !== 0 ? 'unhealthy' : HEALTH_NAMES[health]
  const isBarLost = verdict === 'unhealthy' && (bars & UNHEALTHY) === 0
  const standing = { ...UNCHECKED, health: isBarLost ? 'unknown' : verdict } as const
  return { ...standing, row, generation, service, id, url, round: 0, isEjected: false, isWarned: false }
}

/**
 * Goes on with what is known. Where the checks of a service are others now, each of its endpoints is checked at once, and what was
 * scheduled before comes to nothing: it may be an hour away.
 */
function reload(before: State, { services }: Config): Step<State> {
  const targets = new Map(before.targets)
  const directives: Directive[] = []
  let { rounds } = before
  for (const [row, target] of before.targets) {
    const { service } = target
    if (JSON.stringify(healthCheckOf({ services }, service)) === JSON.stringify(healthCheckOf(before, service)))
      continue
    const renewed = { ...target, round: ++rounds }
    targets.set(row, renewed)
    directives.push(checkNow(renewed))
  }
  return { state: { services, targets, rounds }, directives }
}

function checkNow({ row, generation, round }: Target): Directive {
  return schedule(0, checkDue.of({ row, generation, round }))
}

function onCheckDue(state: State, { row, generation, round }: Round): Step<State> {
  const target = find(state, row, generation)
  const healthCheck = target && healthCheckOf(state, target.service)
  if (target === undefined || healthCheck === undefined || round !== target.round) return stay(state)
  const { path, timeout: timeoutMs } = healthCheck
  const upstream = upstreamTextOf(state.services[target.service])
  const params = {
    row,
    generation,
    round,
    url: target.url,
    path,
    timeoutMs,
    ...(upstream !== undefined && { upstream }),
  }
  return { state, directives: [act(checkEndpoint, params)] }
}

function onChecked(state: State, checked: Checked, now: number): Step<State> {
  const before = find(state, checked.row, checked.generation)
  const healthCheck = before && healthCheckOf(state, before.service)
  if (before === undefined || healthCheck === undefined || checked.round !== before.round) return stay(state)
  const after: Target = { ...before, ...judge(before, checked.verdict, healthCheck) }
  const { row, generation, service, id } = after
  const pace = paceMs(after, before.isEjected || before.isWarned, healthCheck.interval)
  const directives: Directive[] = [
    schedule(Math.max(0, pace - checked.tookMs), checkDue.of({ row, generation, round: checked.round }), pace * JITTER),
  ]
  if (after.health !== before.health) {
    directives.push(writeEndpoint('health', after, HEALTH_NAMES.indexOf(after.health)))
    if (after.health === 'unhealthy') directives.push(writeEndpoint('unhealthyBar', after, 1))
    if (before.health === 'unhealthy') {
      // Before the bar falls: who sees it pickable knows that it has just come back.
      directives.push(writeEndpoint('healthySinceMs', after, now), writeEndpoint('unhealthyBar', after, 0))
    }
    const change = { row, generation, service, id, from: before.health, to: after.health, reason: checked.reason }
    directives.push(emit(healthChanged.of(change, `${service}/${id}`)))
  }
  if (before.isEjected && checked.verdict !== 'void') {
    const hasPassed = checked.verdict !== 'failed'
    directives.push(emit(ejectedChecked.of({ row, generation, service, id, hasPassed }, `${service}/${id}`)))
  }
  // A check that changed nothing is the rule; with thousands of endpoints, copying what is known for each would tell.
  const isSame = after.health === before.health && after.against === before.against && after.wasVoid === before.wasVoid
  return { state: isSame ? state : { ...state, targets: new Map(state.targets).set(row, after) }, directives }
}

function find(state: State, row: number, generation: number): Target | undefined {
  const target = state.targets.get(row)
  return target?.generation === generation ? target : undefined
}

function healthCheckOf({ services }: Pick<State, 'services'>, service: string): HealthCheck | undefined {
  return Object.hasOwn(services, service) ? services[service]?.healthCheck : undefined
}
