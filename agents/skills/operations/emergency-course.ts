import { elapsedMs } from '../../../engine/writer.ts'
import { act, type Directive, emit, reply, type Step, stay, tell } from '../../kit/grammar/directive.ts'
import {
  emergencyEscalated,
  emergencyResolved,
  humanNeeded,
  operationAnswered,
  operationFinished,
} from '../../signals.ts'
import type { Called } from '../webhook.ts'
import { askRole, type Consented, ROLL_CALL } from './consent.ts'
import { tryTargets } from './emergency-connects.ts'
import { isResolved, metOf, targetsOf } from './emergency-criteria.ts'
import { noteDone } from './emergency-look.ts'
import { keepShedding, PROCEDURES, type Scene, SHED_MS } from './emergency-procedures.ts'
import {
  type Emergencies,
  type Emergency,
  emergencyRecord,
  newEmergency,
  type Suspected,
  withEmergency,
} from './emergency-state.ts'
import { holdsWanted } from './operation-signals.ts'

const PAST_MAX = 50

/** All immediate actions, in order, before anybody is asked. */
export function begin(
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

export function watch(slice: Emergencies, before: Emergency, scene: Scene, now: number): Step<Emergencies> {
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

/** Who is not there cannot be missed: agents may be left out, and so may a store. */
const BAD: readonly string[] = ['rejected', 'expired', 'unknown']

/** What one role said. When all have, and some do not take part, a person is told which. */
export function onConsent(slice: Emergencies, { id, role, consent }: Consented, now: number): Step<Emergencies> {
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
export function onCalled(slice: Emergencies, { about, isTaken, reason }: Called, now: number): Step<Emergencies> {
  const before = slice.open.get(about)
  if (before === undefined) return stay(slice)
  const said = isTaken ? 'the scale hook has taken it' : `the scale hook has not taken it: ${reason}`
  const emergency = { ...before, actions: [...before.actions, said] }
  if (isTaken || emergency.level > 0) return stay(withEmergency(slice, emergency))
  const state = withEmergency(slice, { ...emergency, level: 1 })
  return { state, directives: escalate(emergency, 1, said, now) }
}
