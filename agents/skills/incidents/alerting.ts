import { type Config, elapsedMs } from '../../../engine/writer.ts'
import type { Setup } from '../../kit/grammar/agent.ts'
import { type Directive, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { defineSignal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import {
  type Anomaly,
  anomalyFound,
  capacityReported,
  differentialObserved,
  endpointsMeasured,
  healthAlerted,
  healthChanged,
  type MetricName,
  metricsCollected,
  quarantineRefused,
  type Severity,
} from '../../signals.ts'
import { type AlertRule, type Breach, dueOf, isBroken, rulesOf } from './alert-rules.ts'
import { type Named, subjectOf } from './subject.ts'

/** What was measured of a subject. */
interface Sample {
  readonly subject: string
  readonly metric: MetricName
  readonly value: number
  readonly reason: string
}

export interface Alerting {
  readonly rules: readonly AlertRule[]
  readonly flaps: number
  /** By rule and subject: what is broken now. */
  readonly breaches: ReadonlyMap<string, Breach>
  /** By rule and subject: when it was told. */
  readonly toldMs: ReadonlyMap<string, number>
  /** By subject: when it became unhealthy of late. */
  readonly flapsMs: ReadonlyMap<string, readonly number[]>
  readonly isLookDue: boolean
}

/** Breaches, and tellings, that are remembered: beyond this many something is wrong that no single alert says. */
const BREACHES_MAX = 4_096
/** While something is broken that was not so for long enough, in ms. */
const LOOK_MS = 1_000
/** What was measured longer ago says nothing, in ms; only what is told when it changes stays as it was told. */
const FRESH_MS = 30_000
const LASTING: ReadonlySet<MetricName> = new Set(['availability', 'certificate-days'])
const FLAPPING_WITHIN_MS = 300_000
const COOLDOWN_MS = 60_000

/** To itself: time to see what has been broken for long enough. */
const lookDue = defineSignal('signalbox.alerts.look-scheduled')

/**
 * Tells what is wrong with endpoints, by rules, and each thing once within its cool-down.
 *
 *   measured ──▶ broken? ──▶ for long enough? ──▶ the highest severity of its metric ──▶ told within the cool-down? ──▶ alert
 *
 * What was found by others, and is no threshold of one figure, is an alert as it comes: anomalies, two views of one endpoint that
 * differ, one that comes and goes. An anomaly that endpoints of a service have in common is an alert of the service: nobody is put out for it.
 *
 * restart    what is broken is found anew, and told again
 */
export const alerting = defineSkill({
  name: 'alerting',
  listens: [
    healthChanged,
    metricsCollected,
    capacityReported,
    anomalyFound,
    differentialObserved,
    quarantineRefused,
    endpointsMeasured,
  ],
  overhears: [healthChanged, capacityReported, anomalyFound, quarantineRefused, endpointsMeasured],
  own: [lookDue],
  emits: [healthAlerted],
  start: (_: undefined, { config }: Setup): Step<Alerting> =>
    stay({ ...knobsOf(config), breaches: new Map(), toldMs: new Map(), flapsMs: new Map(), isLookDue: false }),
  reload(slice, config) {
    const knobs = knobsOf(config)
    const isThere = ({ rule }: Breach): boolean =>
      knobs.rules.some(each => JSON.stringify(each) === JSON.stringify(rule))
    return stay({ ...slice, ...knobs, breaches: new Map([...slice.breaches].filter(([, each]) => isThere(each))) })
  },
  decide(slice, signal, now) {
    if (healthChanged.is(signal)) return onHealth(slice, signal.data, now)
    if (metricsCollected.is(signal)) return onMetrics(slice, signal.data, now)
    if (capacityReported.is(signal)) return take(slice, signal.data.rows.flatMap(capacitySamples), now)
    if (anomalyFound.is(signal)) return onAnomaly(slice, signal.data, now)
    if (differentialObserved.is(signal)) return onDifferential(slice, signal.data, now)
    if (quarantineRefused.is(signal)) return stay(onRefused(slice, signal.data))
    if (lookDue.is(signal)) return look({ ...slice, isLookDue: false }, now)
    if (!endpointsMeasured.is(signal)) return stay(slice)
    const reason = 'as its checks measure'
    const samples = signal.data.rows.map(each => ({ ...each, subject: subjectOf(each), reason }))
    return take(slice, samples, now)
  },
})

function knobsOf({ agents }: Config): Pick<Alerting, 'rules' | 'flaps'> {
  const { alerts, quarantine } = agents['health-monitor']
  return { rules: rulesOf(alerts), flaps: quarantine.flaps }
}

/** Takes in what was measured, and looks at once: what must not last for long is told now. */
function take(slice: Alerting, samples: readonly Sample[], now: number): Step<Alerting> {
  const breaches = new Map(slice.breaches)
  for (const { subject, metric, value, reason } of samples) {
    for (const rule of slice.rules) {
      if (rule.metric !== metric) continue
      const key = `${rule.name} ${subject}`
      const before = breaches.get(key)
      if (!isBroken(rule, value)) breaches.delete(key)
      else if (before !== undefined || breaches.size < BREACHES_MAX)
        breaches.set(key, { rule, subject, sinceMs: before?.sinceMs ?? now, seenMs: now, value, reason })
    }
  }
  return look({ ...slice, breaches }, now)
}

function look(slice: Alerting, now: number): Step<Alerting> {
  const breaches = new Map([...slice.breaches].filter(([, each]) => isFresh(each, now)))
  let state: Alerting = { ...slice, breaches }
  const directives: Directive[] = []
  for (const { rule, subject, value, reason } of dueOf(breaches.values(), now)) {
    const { name, metric, severity, threshold, cooldown } = rule
    const step = tell(state, { rule: name, severity, subject, metric, value, threshold, reason }, cooldown, now)
    state = step.state
    directives.push(...step.directives)
  }
  // What stays broken is told again when its cool-down is over, so it is looked at as long as it does.
  if (breaches.size === 0 || state.isLookDue) return { state, directives }
  return { state: { ...state, isLookDue: true }, directives: [...directives, schedule(LOOK_MS, lookDue.of(null))] }
}

function isFresh({ rule, seenMs }: Breach, now: number): boolean {
  return LASTING.has(rule.metric) || elapsedMs(now, seenMs) <= FRESH_MS
}

function tell(
  slice: Alerting,
  alert: SignalOf<typeof healthAlerted>['data'],
  cooldownMs: number,
  now: number,
): Step<Alerting> {
  const key = `${alert.rule} ${alert.subject}`
  const before = slice.toldMs.get(key)
  if (before !== undefined && elapsedMs(now, before) < cooldownMs) return stay(slice)
  const toldMs = new Map(slice.toldMs)
  toldMs.delete(key)
  toldMs.set(key, now)
  if (toldMs.size > BREACHES_MAX) toldMs.delete(toldMs.keys().next().value as string)
  return { state: { ...slice, toldMs }, directives: [emit(healthAlerted.of(alert, alert.subject))] }
}

function onHealth(slice: Alerting, change: SignalOf<typeof healthChanged>['data'], now: number): Step<Alerting> {
  const { from, to, reason } = change
  // At the start every endpoint says so once, and nothing is known against any.
  if (to !== 'unhealthy' && from !== 'unhealthy') return stay(slice)
  const subject = subjectOf(change)
  const step = take(slice, [{ subject, metric: 'availability', value: to === 'unhealthy' ? 0 : 1, reason }], now)
  if (to !== 'unhealthy' || slice.flaps === 0) return step
  const recent = (slice.flapsMs.get(subject) ?? []).filter(ms => elapsedMs(now, ms) < FLAPPING_WITHIN_MS)
  const flaps = [...recent, now].slice(-slice.flaps)
  const flapsMs = new Map(slice.flapsMs)
  flapsMs.delete(subject)
  flapsMs.set(subject, flaps)
  if (flapsMs.size > BREACHES_MAX) flapsMs.delete(flapsMs.keys().next().value as string)
  const state = { ...step.state, flapsMs }
  if (flaps.length < slice.flaps) return { ...step, state }
  const told = tell(
    state,
    {
      ...{ rule: 'flapping', severity: 'critical', subject, metric: 'availability', value: flaps.length },
      ...{ threshold: slice.flaps, reason: `unhealthy ${flaps.length} times within five minutes` },
    },
    COOLDOWN_MS,
    now,
  )
  return { state: told.state, directives: [...step.directives, ...told.directives] }
}

/** Who is not among them had no requests, so nothing is known of those any more. */
function onMetrics(
  slice: Alerting,
  { endpoints }: SignalOf<typeof metricsCollected>['data'],
  now: number,
): Step<Alerting> {
  const reason = 'as requests of the last 10 s went'
  const samples = endpoints.flatMap((endpoint): Sample[] => {
    const { requests, errorShare, latencyUsP95 } = endpoint.last10s
    const subject = subjectOf(endpoint)
    return requests < REQUESTS_MIN
      ? []
      : [
          { subject, metric: 'error-rate', value: errorShare, reason },
          { subject, metric: 'response-time', value: latencyUsP95, reason },
        ]
  })
  const there = new Set(samples.map(({ subject }) => subject))
  const isGone = ({ rule, subject }: Breach): boolean => OF_REQUESTS.has(rule.metric) && !there.has(subject)
  const breaches = new Map([...slice.breaches].filter(([, each]) => !isGone(each)))
  return take({ ...slice, breaches }, samples, now)
}

/** With fewer in ten seconds one failure would be a high share. */
const REQUESTS_MIN = 20
const OF_REQUESTS: ReadonlySet<MetricName> = new Set(['error-rate', 'response-time'])

function capacitySamples(row: SignalOf<typeof capacityReported>['data']['rows'][number]): Sample[] {
  const subject = subjectOf(row)
  const reason = 'as it says itself'
  return (['cpu', 'memory'] as const).flatMap(metric => {
    const value = row[metric]
    return value === null ? [] : [{ subject, metric, value, reason }]
  })
}

function onAnomaly(slice: Alerting, found: SignalOf<typeof anomalyFound>['data'], now: number): Step<Alerting> {
  const { severity, anomalies, inCommon, service } = found
  const own = anomalies.filter(({ metric }) => !inCommon.includes(metric))
  const shared = anomalies.filter(({ metric }) => inCommon.includes(metric))
  const step =
    own.length === 0 ? stay(slice) : tellOdd(slice, 'anomaly', { severity, subject: subjectOf(found) }, own, now)
  if (shared.length === 0) return step
  const of = { severity: 'warning', subject: service } as const
  const second = tellOdd(step.state, 'anomaly-in-common', of, shared, now)
  return { state: second.state, directives: [...step.directives, ...second.directives] }
}

function tellOdd(
  slice: Alerting,
  rule: string,
  of: { readonly severity: Severity; readonly subject: string },
  anomalies: readonly Anomaly[],
  now: number,
): Step<Alerting> {
  const reason = anomalies.map(({ metric, value, expected }) => `${metric} ${value}, usually ${expected}`).join('; ')
  const value = Math.max(...anomalies.map(({ score }) => score))
  const metric = anomalies[0]?.metric ?? null
  return tell(slice, { rule, ...of, metric, value, threshold: 1, reason }, COOLDOWN_MS, now)
}

function onDifferential(
  slice: Alerting,
  seen: SignalOf<typeof differentialObserved>['data'],
  now: number,
): Step<Alerting> {
  const subject = subjectOf(seen)
  const { errorShare: value, reason } = seen
  const severity: Severity = 'warning'
  const alert = {
    rule: 'differential-observability',
    severity,
    subject,
    metric: 'error-rate',
    value,
    threshold: 0,
    reason,
  } as const
  return tell(slice, alert, COOLDOWN_MS, now)
}

/** There is no such endpoint any more: nothing is wrong with it. */
function onRefused(slice: Alerting, { service, id, because }: Named & { readonly because: string }): Alerting {
  if (because !== 'unknown') return slice
  const subject = `${service}/${id}`
  return { ...slice, breaches: new Map([...slice.breaches].filter(([, each]) => each.subject !== subject)) }
}
