import {
  type Config,
  EJECTED,
  elapsedMs,
  HEALTH_DEGRADED,
  HEALTH_NAMES,
  HEALTH_UNKNOWN,
  ISOLATED,
  UNHEALTHY,
} from '../../engine/writer.ts'
import { glanceAtTables, glanced, isSameGlance } from '../kit/glance.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeEndpoint } from '../kit/grammar/directive.ts'
import { unanswered } from '../kit/grammar/own-signals.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import type { Slices } from '../kit/grammar/skill.ts'
import { type EndpointView, lookAtTables, lookEveryMs, type TablesView, tablesSeen } from '../kit/tables.ts'
import {
  availabilityMeasured,
  capacityReported,
  ejectedChecked,
  endpointExamined,
  endpointGone,
  type HealthWord,
  healthChanged,
  healthCheckAnswered,
  healthCheckRequested,
  predictionGiven,
  predictionRequested,
  securitySensed,
} from '../signals.ts'
import { voteBy } from '../skills/incidents/health-coordination.ts'
import { checkEndpoint } from './actions.ts'
import { endpointLookedAt, examineEndpoint } from './examine/examine-endpoint.ts'
import { beginLooks, inquiryOf, onCloserDue, onLookedAt, onPredicted, onRequested, onUnanswered } from './looking.ts'
import { anomalies, OBSERVING } from './observing.ts'
import { application } from './sensors/application.ts'
import { availability } from './sensors/availability.ts'
import { healthWords } from './sensors/health-words.ts'
import { network } from './sensors/network.ts'
import { resources } from './sensors/resources.ts'
import { security } from './sensors/security.ts'
import { vitals } from './sensors/vitals.ts'
import { type Checked, checkDue, closerDue, endpointChecked, lookDue, type Round } from './signals.ts'
import { coordinating, SKILLS } from './skills.ts'
import { find, type HealthCheck, healthCheckOf, type State, stateOf, type Target } from './state.ts'
import { tunedMs } from './tempo.ts'
import { tell, turn } from './turn.ts'
import { judge, paceMs, UNCHECKED } from './verdict.ts'
import { isShared, voidsAfter } from './voids.ts'

export type { State } from './state.ts'

/** How soon an endpoint that was added or removed is noticed. */
const LOOK_MS = 100

/** Share of the interval by which checks stray, so that those of many endpoints and nodes do not fall together. */
const JITTER = 0.1

/**
 * Health monitor: asks every endpoint whether it is well, and takes out those that say no. Now and then it looks more closely, where the config
 * says so; and it learns what is usual for each, so that it can tell what is not.
 *
 * Intuition  a failed check is an accident, some in a row are a fact. An endpoint that was just added is checked at once
 *            and may be picked meanwhile. One that is out is asked more often, see paceMs, so that it is soon back; one that was
 *            just ejected for its failures or its silence is asked at once, so that no request has to find out.
 * listens    signalbox.endpoint.check · the predictor's answers; its skills: what others say of endpoints
 * emits      signalbox.endpoint.{health-changed, unwatched, ejected-checked, examined, check-answered, capacity-reported}
 *            · signalbox.service.availability-measured · signalbox.endpoint.predict
 * skills     baselines · anomalies · analysis; what it does about what it finds, see skills.ts
 * writes     endpoint.HEALTH · endpoint.HEALTHY_SINCE_MS · the bars UNHEALTHY and ISOLATED
 * never      judges an endpoint of a service without `healthCheck`; convicts because its own thread stood still, unless it does so again
 *            and again in checks of one endpoint and no other
 * reload     verdicts stay; endpoints whose checks are others now are checked at once
 * restart    permanent; the verdicts are in the tables, so it goes on from them: what is barred stays so until checks pass, and is told
 *            again. What is usual is learnt anew
 */
export const healthMonitor = defineAgent({
  name: 'health-monitor',
  role: 'health-monitor',
  listens: [healthCheckRequested, predictionGiven, unanswered],
  own: [lookDue, checkDue, closerDue],
  emits: [
    healthChanged,
    endpointGone,
    ejectedChecked,
    endpointExamined,
    healthCheckAnswered,
    predictionRequested,
    capacityReported,
    availabilityMeasured,
  ],
  writes: ['health', 'healthySinceMs', 'unhealthyBar', 'isolatedBar'],
  actions: [lookAtTables, glanceAtTables, checkEndpoint, examineEndpoint],
  sensors: [healthWords, vitals, application, network, resources, availability, security],
  skills: [...OBSERVING, ...SKILLS],
  start: ({ config }): Step<State> => ({ state: stateOf(config), directives: [act(lookAtTables, undefined)] }),
  reload,
  decide,
  vote: (_, proposal, slices) => voteBy(slices.of(coordinating), proposal),
  describe: ({ targets, looks, forecasts }) => ({
    endpoints: targets.size,
    looks: looks.size,
    forecasts: forecasts.length,
  }),
})

export default healthMonitor

function decide(state: State, signal: Signal, now: number, slices: Slices): Step<State> {
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  if (checkDue.is(signal)) return onCheckDue(state, signal.data)
  if (endpointChecked.is(signal)) return onChecked(state, signal.data, now, slices)
  if (lookDue.is(signal)) return { state, directives: [act(glanceAtTables, undefined)] }
  if (glanced.is(signal)) {
    return isSameGlance(state.glance, signal.data)
      ? { state, directives: [nextLook(state)] }
      : { state: { ...state, glance: signal.data }, directives: [act(lookAtTables, undefined)] }
  }
  if (closerDue.is(signal)) return onCloserDue(state, signal.data, now)
  if (endpointLookedAt.is(signal)) return onLookedAt(state, signal.data, now, slices)
  if (healthCheckRequested.is(signal)) return onRequested(state, signal, now)
  if (predictionGiven.is(signal)) return onPredicted(state, signal.data, now, slices)
  if (unanswered.is(signal) && signal.data.type === predictionRequested.type) {
    return onUnanswered(state, signal.data.waitedMs, now, slices)
  }
  if (availabilityMeasured.is(signal)) {
    return stay({ ...state, availability: new Map(signal.data.endpoints.map(each => [each.row, each])) })
  }
  if (securitySensed.is(signal)) return stay({ ...state, refusals: refusalsAfter(state.refusals, signal.data.rows) })
  return stay(state)
}

function refusalsAfter(
  before: State['refusals'],
  rows: readonly { readonly row: number; readonly generation: number; readonly refusals: number }[],
): State['refusals'] {
  const refusals = new Map(before)
  for (const { row, generation, refusals: seen } of rows) {
    if (seen > 0) refusals.set(row, { generation, seen })
    else refusals.delete(row)
  }
  return refusals
}

/** Follows the structure: begins with what is new, forgets what is gone, lets go of what it no longer has to judge. */
function onTables(state: State, tables: TablesView, now: number): Step<State> {
  const targets = new Map<number, Target>()
  // First of all: another endpoint may have the name of one that is gone.
  const directives: Directive[] = [...goneSince(state.tables, tables), nextLook(state)]
  let { rounds } = state
  for (const { name, endpoints } of tables.services) {
    const healthCheck = healthCheckOf(state, name)
    for (const endpoint of endpoints) {
      if (healthCheck === undefined) {
        directives.push(...acquit(name, endpoint, find(state, endpoint)))
        continue
      }
      const known = find(state, endpoint)
      const isEjected = (endpoint.bars & (EJECTED | ISOLATED)) !== 0
      const isWarned = endpoint.health === HEALTH_DEGRADED && known?.health === 'healthy'
      let target = known ?? newTarget(name, endpoint, rounds + 1, now)
      // The next check of one that was just ejected may be an interval away, and whoever is to let it back needs to know now.
      const isDue = known === undefined || (isEjected && !known.isEjected) || (isWarned && !known.isWarned)
      if (isDue || isEjected !== target.isEjected || isWarned !== target.isWarned)
        target = { ...target, isEjected, isWarned, round: isDue ? ++rounds : target.round }
      targets.set(endpoint.row, target)
      if (isDue) directives.push(checkNow(target))
      if (known !== undefined) continue
      directives.push(...beginLooks(target, healthCheck))
      // Whoever learns of verdicts by their changes alone has been restarted too, or has never run: it may not know.
      if (target.health === 'unhealthy')
        directives.push(tell(target, 'unknown', 'unhealthy', 'it was before its monitor started'))
    }
  }
  return { state: { ...state, tables, targets, rounds }, directives }
}

function nextLook({ targets }: State): Directive {
  return schedule(lookEveryMs(targets.size, LOOK_MS), lookDue.of(null))
}

/** Tells of each endpoint that was there when the tables were looked at before, and is not now. */
function goneSince(before: TablesView, { structure, services }: TablesView): Directive[] {
  if (structure === before.structure) return []
  const generations = new Map<number, number>()
  for (const { endpoints } of services) for (const { row, generation } of endpoints) generations.set(row, generation)
  return before.services.flatMap(({ name: service, endpoints }) =>
    endpoints
      .filter(({ row, generation }) => generations.get(row) !== generation)
      .map(({ row, generation, id }) => emit(endpointGone.of({ row, generation, service, id }, `${service}/${id}`))),
  )
}

/** A verdict on an endpoint of a service that is not checked any more, be it of an earlier incarnation, must not stand for ever. */
function acquit(service: string, endpoint: EndpointView, known: Target | undefined): Directive[] {
  const { row, generation, id, bars, health } = endpoint
  const isBarred = (bars & UNHEALTHY) !== 0
  const directives: Directive[] = []
  if (isBarred) directives.push(writeEndpoint('unhealthyBar', endpoint, 0))
  if (health !== HEALTH_UNKNOWN) directives.push(writeEndpoint('health', endpoint, HEALTH_UNKNOWN))
  const from = known?.health ?? (isBarred ? 'unhealthy' : 'unknown')
  if (from !== 'unknown')
    directives.push(tell({ row, generation, service, id }, from, 'unknown', 'it is not checked any more'))
  return directives
}

function newTarget(
  service: string,
  { row, generation, id, url, bars, health }: EndpointView,
  lookRound: number,
  now: number,
): Target {
  // The bar is what acts, so it is what an earlier incarnation's verdict is read from.
  const verdict: HealthWord = (bars & UNHEALTHY) !== 0 ? 'unhealthy' : HEALTH_NAMES[health]
  const isBarLost = verdict === 'unhealthy' && (bars & UNHEALTHY) === 0
  const standing = { ...UNCHECKED, health: isBarLost ? 'unknown' : verdict } as const
  return {
    ...{ ...standing, row, generation, service, id, url, round: 0, lookRound },
    ...{ isEjected: false, isWarned: false, examined: 'healthy', calmSinceMs: now, voidMs: 0 },
  }
}

/**
 * Goes on with what is known. Where the checks of a service are others now, each of its endpoints is checked at once, and what was
 * scheduled before comes to nothing: it may be an hour away.
 */
function reload(before: State, { services, agents }: Config, now: number): Step<State> {
  const targets = new Map(before.targets)
  const directives: Directive[] = []
  let { rounds } = before
  for (const [row, target] of before.targets) {
    const { service } = target
    const healthCheck = healthCheckOf({ services }, service)
    if (JSON.stringify(healthCheck) === JSON.stringify(healthCheckOf(before, service))) continue
    const round = ++rounds
    const renewed: Target = { ...target, round, lookRound: round, examined: 'healthy', calmSinceMs: now }
    targets.set(row, renewed)
    directives.push(checkNow(renewed))
    if (healthCheck !== undefined) directives.push(...beginLooks(renewed, healthCheck))
  }
  // With no glance the next look is a whole one: it sees to those that are not checked any more.
  return {
    state: { ...before, services, knobs: agents['health-monitor'], targets, rounds, glance: undefined },
    directives,
  }
}

function checkNow({ row, generation, round }: Target): Directive {
  return schedule(0, checkDue.of({ row, generation, round }))
}

function onCheckDue(state: State, { row, generation, round }: Round): Step<State> {
  const target = find(state, { row, generation })
  const healthCheck = target && healthCheckOf(state, target.service)
  if (target === undefined || healthCheck === undefined || round !== target.round) return stay(state)
  const { service, id, url } = target
  const params = {
    row,
    generation,
    round,
    service,
    id,
    url,
    timeoutMs: healthCheck.timeout,
    ...inquiryOf(state, service),
  }
  return { state, directives: [act(checkEndpoint, params)] }
}

function onChecked(state: State, checked: Checked, now: number, slices: Slices): Step<State> {
  const before = find(state, checked)
  const healthCheck = before && healthCheckOf(state, before.service)
  if (before === undefined || healthCheck === undefined || checked.round !== before.round) return stay(state)
  // Until its next comprehensive check, one that did not do well in the last is spared.
  const verdict = checked.verdict === 'passed' && before.examined !== 'healthy' ? 'degraded' : checked.verdict
  const isVoid = verdict === 'void'
  // Checks of an interval are all those that one standstill may have met.
  const sinceMs = ((before.wasVoid ? before.voidMs : now) - healthCheck.interval) | 0
  const isOurs = isVoid && isShared(state.voids, before.row, sinceMs)
  const judged = judge(isOurs ? { ...before, wasVoid: false } : before, verdict, healthCheck)
  const isSame =
    judged.health === before.health && judged.against === before.against && judged.wasVoid === before.wasVoid
  const after: Target =
    isSame && !isVoid ? before : { ...before, ...judged, calmSinceMs: now, voidMs: isVoid ? now : before.voidMs }
  const { row, generation, service, id } = after
  const pace = paceOf(after, healthCheck, now, slices)
  const directives: Directive[] = [
    schedule(Math.max(0, pace - checked.tookMs), checkDue.of({ row, generation, round: checked.round }), pace * JITTER),
    ...turn(before, after, checked.reason, now),
  ]
  if (before.isEjected && checked.verdict !== 'void') {
    const hasPassed = checked.verdict !== 'failed'
    const { isLate } = checked
    directives.push(emit(ejectedChecked.of({ row, generation, service, id, hasPassed, isLate }, `${service}/${id}`)))
  }
  if (after !== before) state.targets.set(row, after)
  return { state: isVoid ? { ...state, voids: voidsAfter(state.voids, row, now) } : state, directives }
}

/** Time to the next check, in ms: the interval, unless it is out; and where that may be adapted, by how calm it has been. */
function paceOf(target: Target, { interval, adaptiveInterval }: HealthCheck, now: number, slices: Slices): number {
  const pace = paceMs(target, target.isEjected || target.isWarned, interval)
  if (!adaptiveInterval || pace !== interval || target.health === 'unhealthy') return pace
  const isOdd = slices.of(anomalies).watch.of(target).length > 0
  const isSuspect = target.against > 0 || target.wasVoid || target.health === 'degraded' || isOdd
  return tunedMs(interval, elapsedMs(now, target.calmSinceMs), isSuspect)
}
