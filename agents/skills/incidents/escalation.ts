import { type Config, elapsedMs } from '../../../engine/writer.ts'
import type { Setup } from '../../kit/grammar/agent.ts'
import { act, type Directive, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { defineSignal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import {
  emergencyResolved,
  endpointGone,
  healthAlerted,
  healthChanged,
  humanNeeded,
  incidentAcknowledged,
  incidentEscalated,
  incidentResolved,
  partitionHealed,
  recoveryEnded,
} from '../../signals.ts'
import { rollHexId } from '../hex-id.ts'
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
  /** Another agent needs a person, and says when it is over: no alert is waited for, and its end is its own to tell. */
  readonly isOfOther: boolean
}

export interface Escalation {
  readonly knobs: Config['agents']['health-monitor']['escalation']
  /** Without an alert for so long an incident is over, in ms. */
  readonly quietMs: number
  /** By subject; those of other agents by id. */
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
/** Nobody has said for so long that what another agent needed a person for is over. */
const OF_OTHER_MS_MAX = 24 * 3_600_000
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
 *   another agent needs a person ──▶ incident at level 2, until that agent says that it is over
 *
 * Each level is reached once in an incident.
 *
 * restart    incidents are forgotten; what is still wrong is told again, and begins another
 */
export const escalation = defineSkill({
  name: 'escalation',
  listens: [
    healthAlerted,
    recoveryEnded,
    incidentAcknowledged,
    healthChanged,
    endpointGone,
    humanNeeded,
    emergencyResolved,
    partitionHealed,
  ],
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
      case 'signalbox.incident.human-needed':
        return onOther(slice, signal.data, now)
      case 'signalbox.emergency.resolved':
        return stay(withoutOther(slice, id => id.startsWith(`${signal.data.id}/`)))
      case 'signalbox.partition.healed':
        return stay(withoutOther(slice, id => id === signal.data.partition))
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
  const { id, seed } = rollHexId(slice.seed)
  const incident: Incident = {
    ...{ id, subject, because: `${rule}: ${reason}`, openedMs: now, alertedMs: now, repeats: 0, level: 0 },
    ...{ needsHuman: false, isAcknowledged: false, tried: [], isOfOther: false },
  }
  return look(put({ ...slice, seed }, incident), now)
}

/** What another agent needs a person for: who is to be told is told here, and may acknowledge it. */
function onOther(
  slice: Escalation,
  { incident: id, subject, because, tried }: SignalOf<typeof humanNeeded>['data'],
  now: number,
): Step<Escalation> {
  const isKnown = [...slice.incidents.values()].some(each => each.id === id)
  if (isKnown || slice.incidents.size >= INCIDENTS_MAX) return stay(slice)
  const incident: Incident = {
    ...{ id, subject, because, openedMs: now, alertedMs: now, repeats: 0, level: 0, needsHuman: true },
    ...{ isAcknowledged: false, tried: tried.slice(-TRIED_MAX), isOfOther: true },
  }
  return look(put(slice, incident), now)
}

function withoutOther(slice: Escalation, isOver: (id: string) => boolean): Escalation {
  const incidents = [...slice.incidents].filter(([, { id, isOfOther }]) => !isOfOther || !isOver(id))
  return incidents.length === slice.incidents.size ? slice : { ...slice, incidents: new Map(incidents) }
}

function keyOf({ isOfOther, id, subject }: Incident): string {
  return isOfOther ? id : subject
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

function onCalled(slice: Escalation, { about, isTaken, reason }: { about: string; isTaken: boolean; reason: string }) {
  const incident = slice.incidents.get(about)
  if (incident === undefined) return slice
  const line = isTaken ? 'told outside' : `could not be told outside: ${reason}`
  return put(slice, { ...incident, tried: [...incident.tried, line].slice(-TRIED_MAX) })
}

/** Raises what has lasted too long, and closes what is over. */
function look(slice: Escalation, now: number): Step<Escalation> {
  const incidents = new Map(slice.incidents)
  const directives: Directive[] = []
  for (const incident of slice.incidents.values()) {
    const { openedMs, alertedMs, repeats, level, needsHuman, isAcknowledged } = incident
    const afterMs = Math.max(0, elapsedMs(now, openedMs))
    const { isOfOther } = incident
    if (elapsedMs(now, alertedMs) >= (isOfOther ? OF_OTHER_MS_MAX : slice.quietMs)) {
      incidents.delete(keyOf(incident))
      if (!isOfOther) directives.push(resolved(incident, now))
      continue
    }
    const reached = isAcknowledged ? level : levelOf(slice.knobs, { afterMs, repeats, needsHuman })
    if (reached <= level) continue
    for (let next = level + 1; next <= reached; next++) directives.push(...raise(slice, incident, next, afterMs))
    incidents.set(keyOf(incident), { ...incident, level: reached, needsHuman: needsHuman || reached >= 2 })
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

/** What another agent has told already is not told again: only who is outside. */
function raise({ knobs }: Escalation, raised: Incident, level: number, afterMs: number): Directive[] {
  const { id: incident, subject, because, repeats, tried, isOfOther } = raised
  const escalated = { incident, subject, because, level, afterMs, repeats, tried }
  const hook = level === 2 ? knobs.operator : level === 3 ? knobs.page : undefined
  return [
    ...(isOfOther ? [] : [emit(incidentEscalated.of(escalated, subject))]),
    ...(level === 2 && !isOfOther ? [emit(humanNeeded.of({ incident, subject, because, tried }, subject))] : []),
    ...(hook === undefined
      ? []
      : [act(callHook, { hook, body: { what: 'incident', ...escalated }, about: keyOf(raised) })]),
  ]
}

function put(slice: Escalation, incident: Incident): Escalation {
  return { ...slice, incidents: new Map(slice.incidents).set(keyOf(incident), incident) }
}
