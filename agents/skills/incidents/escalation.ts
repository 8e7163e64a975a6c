import { type Config, elapsedMs } from '../../../engine/writer.ts'
import { rollDie } from '../../kit/dice.ts'
import type { Setup } from '../../kit/grammar/agent.ts'
import { act, type Directive, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { defineSignal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import {
  endpointGone,
  healthAlerted,
  healthChanged,
  humanNeeded,
  incidentAcknowledged,
  incidentEscalated,
  incidentResolved,
  recoveryEnded,
} from '../../signals.ts'
import { callHook } from '../webhook.ts'
import { rulesOf } from './alert-rules.ts'
import { levelOf } from './escalation-matrix.ts'
import { endpointOf, subjectOf } from './subject.ts'

/** Something that is wrong, from its first critical alert until none has come for a while. */
export interface Incident {
  readonly id: string
  /** `service/id`, or a service where too many of its endpoints are concerned. */
  readonly subject: string
  readonly because: string
  readonly openedMs: number
  readonly alertedMs: number
  /** Alerts after the first. */
  readonly repeats: number
  /** The highest it has reached. */
  readonly level: number
  readonly needsHuman: boolean
  readonly isAcknowledged: boolean
  /** What was done about it. */
  readonly tried: readonly string[]
}

export interface Escalation {
  readonly knobs: Config['agents']['health-monitor']['escalation']
  /** Without an alert for so long an incident is over, in ms. */
  readonly quietMs: number
  /** By subject. */
  readonly incidents: ReadonlyMap<string, Incident>
  readonly seed: number
  readonly isLookDue: boolean
}

const INCIDENTS_MAX = 1_000
const TRIED_MAX = 16
/** With so many endpoints of a service concerned it is the service that has an incident: nobody reads a thousand. */
const FOLDED_FROM = 10
/** While there are incidents, in ms. */
const LOOK_MS = 1_000
/** Alerts come again with their cool-down; this many of it without one, and it is over. */
const QUIET_COOLDOWNS = 2.5

/** To itself: time to see how long incidents have lasted. */
const lookDue = defineSignal('signalbox.incidents.look-scheduled')

/**
 * Sees to it that somebody sees to it.
 *
 *   critical alert ──▶ incident ──▶ level 0: repaired by itself
 *                         │ lasts, comes again, or repairing it has failed or is off
 *                         ▼
 *                      level 1: told to the cluster orchestrator ──▶ 2: to the operator ──▶ 3: somebody is paged
 *                         │                                           └─ a person is needed: a fatal line of the log
 *                         ▼
 *                      acknowledged: no further · no alert for a while, or the endpoint has gone or is not checked any more: resolved
 *
 * Each level is reached once in an incident.
 *
 * restart    incidents are forgotten; what is still wrong is told again, and begins another
 */
export const escalation = defineSkill({
  name: 'escalation',
  listens: [healthAlerted, recoveryEnded, incidentAcknowledged, healthChanged, endpointGone],
  overhears: [healthAlerted, recoveryEnded, healthChanged, endpointGone],
  own: [lookDue],
  emits: [incidentEscalated, humanNeeded, incidentResolved],
  actions: [callHook],
  start: (_: undefined, { config, seed }: Setup): Step<Escalation> =>
    stay({ ...knobsOf(config), incidents: new Map(), seed, isLookDue: false }),
  reload: (slice, config) => stay({ ...slice, ...knobsOf(config) }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.health.alerted':
        return onAlert(slice, signal.data, now)
      case 'signalbox.endpoint.recovery-ended':
        return onEnded(slice, signal.data, now)
      case 'signalbox.endpoint.unwatched':
        return close(slice, subjectOf(signal.data), now)
      case 'signalbox.endpoint.health-changed':
        return signal.data.to === 'unknown' ? close(slice, subjectOf(signal.data), now) : stay(slice)
      case 'signalbox.incident.acknowledged':
        return stay(onAcknowledged(slice, signal.data.incident))
      case 'signalbox.incidents.look-scheduled':
        return look({ ...slice, isLookDue: false }, now)
      case 'signalbox.hook.called':
        return stay(onCalled(slice, signal.data))
    }
  },
  describe: ({ incidents }) => ({
    needsHuman: [...incidents.values()].some(({ needsHuman, isAcknowledged }) => needsHuman && !isAcknowledged),
    incidents: [...incidents.values()].slice(0, SHOWN_MAX),
  }),
})

const SHOWN_MAX = 100

function knobsOf({ agents }: Config): Pick<Escalation, 'knobs' | 'quietMs'> {
  const { escalation: knobs, alerts } = agents['health-monitor']
  const longestMs = Math.max(...rulesOf(alerts).map(({ cooldown }) => cooldown))
  return { knobs, quietMs: QUIET_COOLDOWNS * longestMs }
}

function onAlert(
  slice: Escalation,
  { severity, subject: about, rule, reason }: SignalOf<typeof healthAlerted>['data'],
  now: number,
): Step<Escalation> {
  if (severity !== 'critical') return stay(slice)
  const subject = foldedOf(slice, about)
  const known = slice.incidents.get(subject)
  if (known !== undefined) {
    return look(put(slice, { ...known, repeats: known.repeats + 1, alertedMs: now }), now)
  }
  if (slice.incidents.size >= INCIDENTS_MAX) return stay(slice)
  const die = rollDie(slice.seed)
  const incident: Incident = {
    id: Math.floor(die.value * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
    ...{ subject, because: `${rule}: ${reason}`, openedMs: now, alertedMs: now, repeats: 0, level: 0 },
    ...{ needsHuman: false, isAcknowledged: false, tried: [] },
  }
  return look(put({ ...slice, seed: die.seed }, incident), now)
}

/** The subject of the incident that something is part of. */
function foldedOf({ incidents }: Escalation, subject: string): string {
  const named = endpointOf(subject)
  if (named === undefined || incidents.has(subject)) return subject
  if (incidents.has(named.service)) return named.service
  let others = 0
  for (const each of incidents.keys()) if (endpointOf(each)?.service === named.service) others++
  return others >= FOLDED_FROM ? named.service : subject
}

/** Where a repair has failed, or none is wanted, a person is needed. */
function onEnded(slice: Escalation, ended: SignalOf<typeof recoveryEnded>['data'], now: number): Step<Escalation> {
  const { outcome, kind, tried } = ended
  const subject = subjectOf(ended)
  const incident = slice.incidents.get(subject) ?? slice.incidents.get(ended.service)
  if (incident === undefined || outcome === 'elsewhere') return stay(slice)
  const isVain = outcome !== 'recovered'
  const after: Incident = {
    ...incident,
    tried: [...incident.tried, ...tried.map(each => `${kind}: ${each}`)].slice(-TRIED_MAX),
    needsHuman: incident.needsHuman || isVain,
  }
  return look(put(slice, after), now)
}

function onAcknowledged(slice: Escalation, id: string): Escalation {
  const incident = [...slice.incidents.values()].find(each => each.id === id)
  return incident === undefined ? slice : put(slice, { ...incident, isAcknowledged: true })
}

function onCalled(
  slice: Escalation,
  { about: subject, isTaken, reason }: { about: string; isTaken: boolean; reason: string },
) {
  const incident = slice.incidents.get(subject)
  if (incident === undefined) return slice
  const line = isTaken ? 'told outside' : `could not be told outside: ${reason}`
  return put(slice, { ...incident, tried: [...incident.tried, line].slice(-TRIED_MAX) })
}

/** Raises what has lasted too long, and closes what is over. */
function look(slice: Escalation, now: number): Step<Escalation> {
  const incidents = new Map(slice.incidents)
  const directives: Directive[] = []
  for (const incident of slice.incidents.values()) {
    const { subject, openedMs, alertedMs, repeats, level, needsHuman, isAcknowledged } = incident
    const afterMs = Math.max(0, elapsedMs(now, openedMs))
    if (elapsedMs(now, alertedMs) >= slice.quietMs) {
      incidents.delete(subject)
      directives.push(resolved(incident, now))
      continue
    }
    const reached = isAcknowledged ? level : levelOf(slice.knobs, { afterMs, repeats, needsHuman })
    if (reached <= level) continue
    for (let next = level + 1; next <= reached; next++) directives.push(...raise(slice, incident, next, afterMs))
    incidents.set(subject, { ...incident, level: reached, needsHuman: needsHuman || reached >= 2 })
  }
  const state = { ...slice, incidents }
  if (incidents.size === 0 || state.isLookDue) return { state, directives }
  return { state: { ...state, isLookDue: true }, directives: [...directives, schedule(LOOK_MS, lookDue.of(null))] }
}

/** What it was about is not there any more, or nobody knows how it is. That of a service goes on for its other endpoints. */
function close(slice: Escalation, subject: string, now: number): Step<Escalation> {
  const incident = slice.incidents.get(subject)
  if (incident === undefined) return stay(slice)
  const incidents = new Map(slice.incidents)
  incidents.delete(subject)
  return { state: { ...slice, incidents }, directives: [resolved(incident, now)] }
}

function resolved({ id: incident, subject, because, openedMs, level }: Incident, now: number): Directive {
  const afterMs = Math.max(0, elapsedMs(now, openedMs))
  return emit(incidentResolved.of({ incident, subject, because, afterMs, level }, subject))
}

function raise(
  { knobs }: Escalation,
  { id: incident, subject, because, repeats, tried }: Incident,
  level: number,
  afterMs: number,
): Directive[] {
  const escalated = { incident, subject, because, level, afterMs, repeats, tried }
  const hook = level === 2 ? knobs.operator : level === 3 ? knobs.page : undefined
  return [
    emit(incidentEscalated.of(escalated, subject)),
    ...(level === 2 ? [emit(humanNeeded.of({ incident, subject, because, tried }, subject))] : []),
    ...(hook === undefined ? [] : [act(callHook, { hook, body: { what: 'incident', ...escalated }, about: subject })]),
  ]
}

function put(slice: Escalation, incident: Incident): Escalation {
  return { ...slice, incidents: new Map(slice.incidents).set(incident.subject, incident) }
}
