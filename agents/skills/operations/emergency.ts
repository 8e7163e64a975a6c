import { type Config, elapsedMs } from '../../../engine/writer.ts'
import { act, type Directive, emit, reply, type Step, schedule, stay, tell } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal, type Signal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import {
  discoveryRequested,
  emergencyEscalated,
  emergencyRefused,
  emergencyResolved,
  emergencyStarted,
  emergencyType,
  humanNeeded,
  leaderChanged,
  metricsCollected,
  operationAnswered,
  operationFinished,
  operationRequested,
  quarantineRequested,
  rebalanceRequested,
  sheddingRequested,
} from '../../signals.ts'
import { rollHexId } from '../hex-id.ts'
import { type Called, callHook, hookCalled } from '../webhook.ts'
import { connectsTried, tryConnects } from './connect.ts'
import { askRole, type Consented, consented, ROLL_CALL } from './consent.ts'
import { tryTargets, withConnects } from './emergency-connects.ts'
import { isResolved, metOf, refusalOf, targetsOf } from './emergency-criteria.ts'
import { isQuick, p99UsOf } from './emergency-figures.ts'
import { type EmergencyLook, lookForEmergencies, noteDone, seenForEmergencies, workDone } from './emergency-look.ts'
import { keepShedding, PROCEDURES, type Scene, SHED_MS } from './emergency-procedures.ts'
import { keyOf, REPORTING, reportsIn, withReports } from './emergency-reports.ts'
import {
  type Emergencies,
  type Emergency,
  emergencyRecord,
  knownAs,
  newEmergency,
  type Suspected,
  type Suspicion,
} from './emergency-state.ts'
import { holdsWanted, operationCalledOff } from './operation-signals.ts'

export interface EmergencyOptions {
  /** Whose office it is: who leads this role asks the others, tells the scale hook and escalates. */
  readonly role: string
}

/** Within the agent: something is wrong. */
export const emergencySuspected = defineSignal('signalbox.emergency.suspected', { data: trusted<Suspicion>() })

const emergencyDue = defineSignal('signalbox.emergency.scheduled')

/** Criteria are looked at this often while anything is open. */
const TICK_MS = 1_000
const OPEN_MAX = 32
const REFUSED_MAX = 64
const PAST_MAX = 50

/**
 * Meets emergencies: what helps at once is done at once, here, in order; then the agents concerned are asked to take part, all at once; and
 * it is looked every second whether it is over.
 *
 *   suspected ──▶ immediate actions ──▶ started ──▶ consent of each role, 15 s, in parallel ──┐
 *                                          │          some do not take part ──▶ level 1 ◀─────┘
 *                                          ├── longer than it may last ──▶ level 2, each with `humanNeeded`, once
 *                                          └── all criteria met at one moment ──▶ resolved
 *
 * Immediate actions are for every node to do, on its own tables. The rest is for the one that leads; who is alone does all of it.
 */
export const emergencyResponse = defineSkill({
  name: 'emergency-response',
  listens: [operationRequested, emergencySuspected, leaderChanged, metricsCollected, operationCalledOff, ...REPORTING],
  own: [emergencyDue, holdsWanted],
  emits: [
    ...[emergencyStarted, emergencyRefused, emergencyEscalated, emergencyResolved, humanNeeded],
    ...[operationAnswered, operationFinished],
    ...[quarantineRequested, rebalanceRequested, discoveryRequested, sheddingRequested],
  ],
  actions: [lookForEmergencies, noteDone, tryConnects, askRole, callHook],
  start: ({ role }: EmergencyOptions, { seed, config }): Step<Emergencies> =>
    stay({
      role,
      config,
      seed: ~seed,
      fence: undefined,
      open: new Map(),
      suspected: [],
      refused: [],
      past: [],
      reports: new Map(),
      p99Us: {},
    }),
  reload: (slice, config: Config) => stay({ ...slice, config }),
  decide,
})

function decide(slice: Emergencies, signal: Signal, now: number): Step<Emergencies> {
  if (emergencySuspected.is(signal))
    return suspect(slice, { suspicion: signal.data, heardMs: now, question: undefined })
  if (operationRequested.is(signal)) return onRequested(slice, signal, now)
  if (seenForEmergencies.is(signal)) return onSeen(slice, signal.data, signal.time, now)
  if (emergencyDue.is(signal)) return onTick(slice)
  if (workDone.is(signal)) return onStarted(slice, signal.data)
  if (consented.is(signal)) return onConsent(slice, signal.data, now)
  if (hookCalled.is(signal)) return onCalled(slice, signal.data, now)
  if (connectsTried.is(signal)) {
    const emergency = slice.open.get(signal.data.about)
    return stay(emergency ? withEmergency(slice, withConnects(emergency, signal.data.connected)) : slice)
  }
  if (operationCalledOff.is(signal)) {
    const { id, by } = signal.data
    const emergency = slice.open.get(id)
    if (emergency === undefined) return stay(slice)
    return { state: withEmergency(slice, { ...emergency, calledOffBy: by }), directives: [look(slice)] }
  }
  if (leaderChanged.is(signal)) {
    const { role, isHere, fence } = signal.data
    return stay(role === slice.role ? { ...slice, fence: isHere ? fence : undefined } : slice)
  }
  return stay(onFact(slice, signal, now))
}

function onRequested(
  slice: Emergencies,
  question: SignalOf<typeof operationRequested>,
  now: number,
): Step<Emergencies> {
  const { operation, options, by } = question.data
  if (operation !== 'handle_emergency') return stay(slice)
  const { type = '', subject = '', targets = '' } = options
  const known = emergencyType['~standard'].validate(type)
  const refusal =
    !('value' in known) || known.issues !== undefined
      ? `no_emergency_procedure: ${type}`
      : subject === ''
        ? 'no subject is named, write a service, an endpoint as service/id, a node or a resource'
        : slice.fence === undefined
          ? 'this orchestrator does not lead, ask the one that does'
          : undefined
  if (refusal !== undefined) return { state: slice, directives: [refuse(question, refusal)] }
  const suspicion = {
    ...{ type: type as Suspicion['type'], subject, by, because: `asked for by ${by}` },
    targets: targets.split(',').flatMap(each => each.trim() || []),
  }
  return suspect(slice, { suspicion, heardMs: now, question })
}

function refuse(question: SignalOf<typeof operationRequested>, because: string): Directive {
  return reply(question, operationAnswered.of({ id: '', operation: 'handle_emergency', isTaken: false, because }))
}

/** What is met already is not met again. */
function suspect(slice: Emergencies, suspected: Suspected): Step<Emergencies> {
  const { question, suspicion } = suspected
  const known = knownAs(slice, suspicion)
  const isWaiting = slice.suspected.some(
    each => each.suspicion.type === suspicion.type && each.suspicion.subject === suspicion.subject,
  )
  if (known !== undefined || isWaiting) {
    const because = `it is being met already${known ? ` as ${known.id}` : ''}`
    return { state: slice, directives: question === undefined ? [] : [refuse(question, because)] }
  }
  if (slice.open.size + slice.suspected.length >= OPEN_MAX) return tooMany(slice, suspected)
  return { state: { ...slice, suspected: [...slice.suspected, suspected] }, directives: [look(slice)] }
}

/** Who asked is told; of what was only noticed people are, once. */
function tooMany(slice: Emergencies, { question, suspicion: { type, subject } }: Suspected): Step<Emergencies> {
  const because = `${OPEN_MAX} emergencies are being met`
  if (question !== undefined) return { state: slice, directives: [refuse(question, because)] }
  const key = keyOf(type, subject)
  if (slice.refused.includes(key) || slice.refused.length >= REFUSED_MAX) return stay(slice)
  return {
    state: { ...slice, refused: [...slice.refused, key] },
    directives: [emit(emergencyRefused.of({ type, subject, because }, subject))],
  }
}

function look({ role, fence }: Emergencies): Directive {
  return act(lookForEmergencies, { role, fence: fence ?? null })
}

function onTick(slice: Emergencies): Step<Emergencies> {
  return slice.open.size === 0
    ? stay(slice)
    : { state: slice, directives: [look(slice), schedule(TICK_MS, emergencyDue.of(null))] }
}

function onSeen(before: Emergencies, { tables, leads }: EmergencyLook, time: string, now: number): Step<Emergencies> {
  const scene: Scene = { config: before.config, tables, leads }
  const directives: Directive[] = []
  let state: Emergencies = { ...before, suspected: [] }
  for (const suspected of before.suspected) {
    const { question, suspicion } = suspected
    const refusal = question && refusalOf(suspicion, scene, state.reports)
    if (question !== undefined && refusal !== undefined) {
      directives.push(refuse(question, refusal))
      continue
    }
    const { id, seed } = rollHexId(state.seed)
    const begun = begin(state, suspected, id, scene, time)
    if (state.open.size === 0) directives.push(schedule(TICK_MS, emergencyDue.of(null)))
    directives.push(...begun.directives)
    state = { ...state, seed, open: new Map(state.open).set(id, begun.emergency) }
  }
  for (const { id } of before.open.values()) {
    const step = watch(state, state.open.get(id)!, scene, now)
    state = step.state
    directives.push(...step.directives)
  }
  return { state, directives }
}

/** All immediate actions, in order, before anybody is asked. */
function begin(
  slice: Emergencies,
  { suspicion, heardMs, question }: Suspected,
  id: string,
  scene: Scene,
  time: string,
): { emergency: Emergency; directives: Directive[] } {
  const { actions, roles } = PROCEDURES[suspicion.type]
  let emergency = newEmergency({ ...suspicion, targets: targetsOf(suspicion, scene) }, slice, id, heardMs, time)
  emergency = { ...emergency, isOperation: question !== undefined }
  const directives: Directive[] = []
  for (const { name, deed } of actions) {
    const done = deed(emergency, scene)
    // Kept out here and now, whoever takes it over later.
    if (done.isolated !== undefined) directives.push(tell(holdsWanted.of({ by: id, targets: done.isolated })))
    directives.push(...done.directives)
    emergency = {
      ...emergency,
      actions: [...emergency.actions, `${name}: ${done.note}`],
      isolated: done.isolated ?? emergency.isolated,
    }
  }
  directives.push(act(noteDone, { id }))
  if (question !== undefined) {
    directives.push(
      reply(question, operationAnswered.of({ id, operation: 'handle_emergency', isTaken: true, because: '' })),
    )
  }
  if (scene.leads) {
    emergency = { ...emergency, consents: Object.fromEntries(roles.map(role => [role, null])) }
    directives.push(...roles.map(role => act(askRole, { id, role, type: suspicion.type, subject: suspicion.subject })))
  }
  return { emergency, directives }
}

function onStarted(
  slice: Emergencies,
  { id, atMs }: { readonly id: string; readonly atMs: number },
): Step<Emergencies> {
  const emergency = slice.open.get(id)
  if (emergency === undefined) return stay(slice)
  const { type, subject, actions, sinceMs } = emergency
  const told = { id, type, subject, actions, tookMs: elapsedMs(atMs, sinceMs) }
  return { state: slice, directives: [emit(emergencyStarted.of(told, subject))] }
}

function watch(slice: Emergencies, before: Emergency, scene: Scene, now: number): Step<Emergencies> {
  const met = metOf(before, scene, now)
  if (before.calledOffBy !== '' || isResolved(before, met, now)) return resolve(slice, before, met, scene, now)
  let emergency = before
  const directives: Directive[] = []
  const ageMs = elapsedMs(now, emergency.sinceMs)
  // Who leads has people called for all; of a shortage of its process a node alone knows.
  const escalates = scene.leads || emergency.type === 'resource_exhaustion'
  if (escalates && emergency.level < 2 && ageMs >= PROCEDURES[emergency.type].escalateAfterMs(scene.config)) {
    directives.push(...escalate(emergency, 2, `it is not over after ${Math.round(ageMs / 1000)} s`, now))
    emergency = { ...emergency, level: 2 }
  }
  if (emergency.type === 'resource_exhaustion' && elapsedMs(now, emergency.renewedMs) >= SHED_MS / 2) {
    directives.push(...keepShedding(scene, SHED_MS))
    emergency = { ...emergency, renewedMs: now }
  }
  if (emergency.type === 'network_partition' && emergency.isOver && emergency.rollCall !== 'asked') {
    const { id, subject, type } = emergency
    directives.push(act(askRole, { id, role: ROLL_CALL, type, subject }))
    emergency = { ...emergency, rollCall: 'asked' }
  }
  const tried = tryTargets(emergency, scene)
  return { state: withEmergency(slice, tried.emergency), directives: [...directives, ...tried.directives] }
}

function escalate(emergency: Emergency, level: number, because: string, now: number): Directive[] {
  const { id, type, subject, actions, sinceMs, by } = emergency
  // Who keeps an incident of its own has people called by that.
  const isCalledElsewhere = by === 'health-monitor'
  return [
    emit(emergencyEscalated.of({ id, type, subject, level, because, afterMs: elapsedMs(now, sinceMs) }, subject)),
    ...(isCalledElsewhere
      ? []
      : [
          emit(
            humanNeeded.of(
              { incident: `${id}/${level}`, subject, because: `${type}: ${because}`, tried: actions },
              subject,
            ),
          ),
        ]),
  ]
}

function resolve(
  slice: Emergencies,
  emergency: Emergency,
  met: string[],
  scene: Scene,
  now: number,
): Step<Emergencies> {
  const { id, type, subject, isOperation, isolated, sinceMs } = emergency
  const afterMs = elapsedMs(now, sinceMs)
  const isCalledOff = emergency.calledOffBy !== ''
  const status = isCalledOff ? 'aborted' : 'done'
  const record = emergencyRecord(emergency, afterMs, status)
  const open = new Map(slice.open)
  open.delete(id)
  const { before, after } = record
  const finished = {
    id,
    operation: 'handle_emergency',
    status,
    because: isCalledOff ? record.because : '',
    tookMs: afterMs,
    before,
    after,
  } as const
  return {
    state: { ...slice, open, refused: [], past: [record, ...slice.past].slice(0, PAST_MAX) },
    directives: [
      ...(isolated.length > 0 ? [tell(holdsWanted.of({ by: id, targets: [] }))] : []),
      ...(type === 'resource_exhaustion' ? keepShedding(scene, 0) : []),
      emit(emergencyResolved.of({ id, type, subject, met, afterMs }, subject)),
      ...(isOperation ? [emit(operationFinished.of(finished, id))] : []),
    ],
  }
}

/** What one role said. When all have, and some do not take part, a person is told which. */
function onConsent(slice: Emergencies, { id, role, consent }: Consented, now: number): Step<Emergencies> {
  const before = slice.open.get(id)
  if (before === undefined) return stay(slice)
  if (role === ROLL_CALL) {
    return stay(withEmergency(slice, { ...before, rollCall: consent === 'accepted' ? 'accepted' : 'failed' }))
  }
  const consents = { ...before.consents, [role]: consent }
  const emergency = { ...before, consents }
  const missing = Object.entries(consents).filter(([, said]) => said !== null && BAD.includes(said))
  const isComplete = Object.values(consents).every(said => said !== null)
  if (!isComplete || missing.length === 0 || emergency.level > 0) return stay(withEmergency(slice, emergency))
  const because = `partial_coordination_failure: ${missing.map(([name, said]) => `${name} ${said}`).join(', ')}`
  return {
    state: withEmergency(slice, { ...emergency, level: 1 }),
    directives: escalate(emergency, 1, because, now),
  }
}

/** What the scale hook said. Where nobody makes what is missing, a person has to. */
function onCalled(slice: Emergencies, { about, isTaken, reason }: Called, now: number): Step<Emergencies> {
  const before = slice.open.get(about)
  if (before === undefined) return stay(slice)
  const said = isTaken ? 'the scale hook has taken it' : `the scale hook has not taken it: ${reason}`
  const emergency = { ...before, actions: [...before.actions, said] }
  if (isTaken || emergency.level > 0) return stay(withEmergency(slice, emergency))
  const state = withEmergency(slice, { ...emergency, level: 1 })
  return { state, directives: escalate(emergency, 1, said, now) }
}

/** Who is not there cannot be missed: agents may be left out, and so may a store. */
const BAD: readonly string[] = ['rejected', 'expired', 'unknown']

/** What others tell that an emergency hangs on. */
function onFact(slice: Emergencies, signal: Signal, now: number): Emergencies {
  if (metricsCollected.is(signal)) {
    const after = { ...slice, p99Us: p99UsOf(signal.data) }
    return changed(after, each => {
      const isWithin = isQuick(each, signal.data, slice.config)
      return { ...each, withinMs: isWithin ? (each.withinMs ?? now) : null }
    })
  }
  const news = reportsIn(signal)
  return changed({ ...slice, reports: withReports(slice.reports, news) }, each => {
    const isOver = news.get(keyOf(each.type, each.subject))
    return isOver === undefined ? each : { ...each, isOver, overMs: isOver ? (each.overMs ?? now) : null }
  })
}

function changed(slice: Emergencies, change: (emergency: Emergency) => Emergency): Emergencies {
  if (slice.open.size === 0) return slice
  return { ...slice, open: new Map([...slice.open].map(([id, each]) => [id, change(each)])) }
}

function withEmergency(slice: Emergencies, emergency: Emergency): Emergencies {
  return { ...slice, open: new Map(slice.open).set(emergency.id, emergency) }
}
