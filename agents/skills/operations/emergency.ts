import { type Config, elapsedMs } from '../../../engine/writer.ts'
import { type Directive, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal, type Signal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import {
  discoveryRequested,
  emergencyEscalated,
  emergencyRefused,
  emergencyResolved,
  emergencyStarted,
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
import { callHook, hookCalled } from '../webhook.ts'
import { connectsTried, tryConnects } from './connect.ts'
import { askRole, consented } from './consent.ts'
import { onRequested, refuse, suspect } from './emergency-asking.ts'
import { withConnects } from './emergency-connects.ts'
import { begin, onCalled, onConsent, watch } from './emergency-course.ts'
import { refusalOf } from './emergency-criteria.ts'
import { isQuick, p99UsOf } from './emergency-figures.ts'
import {
  type EmergencyLook,
  lookAtScene,
  lookForEmergencies,
  noteDone,
  seenForEmergencies,
  workDone,
} from './emergency-look.ts'
import type { Scene } from './emergency-procedures.ts'
import { keyOf, REPORTING, reportsIn, withReports } from './emergency-reports.ts'
import { type Emergencies, type Emergency, type Suspicion, withEmergency } from './emergency-state.ts'
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
    return { state: withEmergency(slice, { ...emergency, calledOffBy: by }), directives: [lookAtScene(slice)] }
  }
  if (leaderChanged.is(signal)) {
    const { role, isHere, fence } = signal.data
    return stay(role === slice.role ? { ...slice, fence: isHere ? fence : undefined } : slice)
  }
  return stay(onFact(slice, signal, now))
}

function onTick(slice: Emergencies): Step<Emergencies> {
  return slice.open.size === 0
    ? stay(slice)
    : { state: slice, directives: [lookAtScene(slice), schedule(TICK_MS, emergencyDue.of(null))] }
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
