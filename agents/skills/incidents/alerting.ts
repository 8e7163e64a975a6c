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
  endpointGone,
  endpointsMeasured,
  healthAlerted,
  healthChanged,
  type MetricName,
  metricsCollected,
  quarantineRefused,
  type Severity,
} from '../../signals.ts'
import { OF_CHECKS } from '../usual/anomaly-models.ts'
import { type AlertRule, type Breach, dueOf, isSeverer, rulesOf } from './alert-rules.ts'
import { Breaches, type Sample } from './breaches.ts'
import { type Named, subjectOf } from './subject.ts'

interface Told {
  readonly atMs: number
  readonly severity: Severity
}

export interface Alerting {
  readonly rules: ReadonlyMap<MetricName, readonly AlertRule[]>
  readonly flaps: number
  /** What is broken now. This and the two below are changed in place, see there. */
  readonly breaches: Breaches
  /** By subject and rule: when it was told, and as how grave. */
  readonly told: Map<string, Map<string, Told>>
  /** By subject: when it became unhealthy of late. */
  readonly flapsMs: Map<string, readonly number[]>
  readonly isLookDue: boolean
}

/** Subjects whose tellings, and flaps, are remembered. */
const SUBJECTS_MAX = 4_096
/** While something is broken that was not so for long enough, in ms. */
const LOOK_MS = 1_000
/** Alerts that are told at a time; the others with the next look. Each has consequences, and its thread has more to do than this. */
const ALERTS_MAX = 100
const FLAPPING_WITHIN_MS = 300_000
const COOLDOWN_MS = 60_000

/** To itself: time to see what has been broken for long enough. */
const lookDue = defineSignal('signalbox.alerts.look-scheduled')

/**
 * Tells what is wrong with endpoints, by rules, and each thing once within its cool-down, but for what has become graver.
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
    endpointGone,
    metricsCollected,
    capacityReported,
    anomalyFound,
    differentialObserved,
    quarantineRefused,
    endpointsMeasured,
  ],
  overhears: [healthChanged, endpointGone, capacityReported, anomalyFound, quarantineRefused, endpointsMeasured],
  own: [lookDue],
  emits: [healthAlerted],
  start: (_: undefined, { config }: Setup): Step<Alerting> =>
    stay({ ...knobsOf(config), breaches: new Breaches(), told: new Map(), flapsMs: new Map(), isLookDue: false }),
  reload: (slice, config) => stay(onReload(slice, config)),
  decide(slice, signal, now) {
    if (healthChanged.is(signal)) return onHealth(slice, signal.data, now)
    if (endpointGone.is(signal)) return stay(forget(slice, subjectOf(signal.data)))
    if (metricsCollected.is(signal)) return onMetrics(slice, signal.data, now)
    if (capacityReported.is(signal)) return take(slice, signal.data.rows.flatMap(capacitySamples), now)
    if (anomalyFound.is(signal)) return onAnomaly(slice, signal.data, now)
    if (differentialObserved.is(signal)) return onDifferential(slice, signal.data, now)
    if (quarantineRefused.is(signal)) return stay(onRefused(slice, signal.data))
    if (lookDue.is(signal)) {
      slice.breaches.expire(now)
      return look({ ...slice, isLookDue: false }, slice.breaches.subjects(), now)
    }
    if (!endpointsMeasured.is(signal)) return stay(slice)
    const reason = 'as its checks measure'
    const samples = signal.data.rows.map(each => ({ ...each, subject: subjectOf(each), reason }))
    return take(slice, samples, now)
  },
})

function knobsOf({ agents }: Config): Pick<Alerting, 'rules' | 'flaps'> {
  const { alerts, quarantine } = agents['health-monitor']
  const rules = new Map<MetricName, AlertRule[]>()
  for (const rule of rulesOf(alerts)) rules.set(rule.metric, [...(rules.get(rule.metric) ?? []), rule])
  return { rules, flaps: quarantine.flaps }
}

function onReload(slice: Alerting, config: Config): Alerting {
  const knobs = knobsOf(config)
  const isThere = ({ rule }: Breach): boolean =>
    knobs.rules.get(rule.metric)?.some(each => JSON.stringify(each) === JSON.stringify(rule)) === true
  slice.breaches.keep(isThere)
  return { ...slice, ...knobs }
}

/** Takes in what was measured, and looks at that at once: what must not last for long is told now. */
function take(slice: Alerting, samples: readonly Sample[], now: number): Step<Alerting> {
  const { rules, breaches } = slice
  const touched = new Set<string>()
  for (const sample of samples) {
    const of = rules.get(sample.metric)
    if (of === undefined) continue
    breaches.take(of, sample, now)
    touched.add(sample.subject)
  }
  return look(slice, touched, now)
}

function look(slice: Alerting, subjects: Iterable<string>, now: number): Step<Alerting> {
  const { breaches } = slice
  const directives: Directive[] = []
  for (const each of subjects) {
    if (directives.length >= ALERTS_MAX) break
    for (const { rule, subject, value, reason } of dueOf(breaches.of(each, now), now)) {
      const { name, metric, severity, threshold, cooldown } = rule
      directives.push(
        ...tell(slice, { rule: name, severity, subject, metric, value, threshold, reason }, cooldown, now),
      )
    }
  }
  // What stays broken is told again when its cool-down is over, so it is looked at as long as it does.
  if (breaches.size === 0 || slice.isLookDue) return { state: slice, directives }
  return { state: { ...slice, isLookDue: true }, directives: [...directives, schedule(LOOK_MS, lookDue.of(null))] }
}

/** Says it, unless it was said within its cool-down, and was no less grave then. */
function tell(
  { told }: Alerting,
  alert: SignalOf<typeof healthAlerted>['data'],
  cooldownMs: number,
  now: number,
): Directive[] {
  const { subject, rule, severity } = alert
  const ofSubject = told.get(subject) ?? new Map<string, Told>()
  const before = ofSubject.get(rule)
  const isCooling = before !== undefined && elapsedMs(now, before.atMs) < cooldownMs
  if (isCooling && !isSeverer(severity, before.severity)) return []
  remember(told, subject, ofSubject.set(rule, { atMs: now, severity }))
  return [emit(healthAlerted.of(alert, subject))]
}

/** As the newest, and without the oldest where there are too many. */
function remember<Value>(map: Map<string, Value>, subject: string, value: Value): void {
  map.delete(subject)
  map.set(subject, value)
  if (map.size > SUBJECTS_MAX) map.delete(map.keys().next().value as string)
}

function onHealth(slice: Alerting, change: SignalOf<typeof healthChanged>['data'], now: number): Step<Alerting> {
  const { from, to, reason } = change
  if (to === 'unknown') return stay(forget(slice, subjectOf(change)))
  // At the start every endpoint says so once, and nothing is known against any.
  if (to !== 'unhealthy' && from !== 'unhealthy') return stay(slice)
  const subject = subjectOf(change)
  const step = take(slice, [{ subject, metric: 'availability', value: to === 'unhealthy' ? 0 : 1, reason }], now)
  if (to !== 'unhealthy' || slice.flaps === 0) return step
  const recent = (slice.flapsMs.get(subject) ?? []).filter(ms => elapsedMs(now, ms) < FLAPPING_WITHIN_MS)
  const flaps = [...recent, now].slice(-slice.flaps)
  remember(slice.flapsMs, subject, flaps)
  if (flaps.length < slice.flaps) return step
  const told = tell(
    slice,
    {
      ...{ rule: 'flapping', severity: 'critical', subject, metric: 'availability', value: flaps.length },
      ...{ threshold: slice.flaps, reason: `unhealthy ${flaps.length} times within five minutes` },
    },
    COOLDOWN_MS,
    now,
  )
  return { state: step.state, directives: [...step.directives, ...told] }
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
  slice.breaches.keep(({ rule, subject }) => !OF_REQUESTS.has(rule.metric) || there.has(subject))
  return take(slice, samples, now)
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
  const directives: Directive[] = []
  if (own.length > 0) directives.push(...tellOdd(slice, 'anomaly', { severity, subject: subjectOf(found) }, own, now))
  const ofService = { severity: 'warning', subject: service } as const
  if (shared.length > 0) directives.push(...tellOdd(slice, 'anomaly-in-common', ofService, shared, now))
  return { state: slice, directives }
}

function tellOdd(
  slice: Alerting,
  rule: string,
  of: { readonly severity: Severity; readonly subject: string },
  anomalies: readonly Anomaly[],
  now: number,
): Directive[] {
  const reason = anomalies.map(({ metric, value, expected }) => `${metric} ${value}, usually ${expected}`).join('; ')
  const value = Math.max(...anomalies.map(({ score }) => score))
  const first = anomalies.find(each => !OF_CHECKS.has(each.metric)) ?? anomalies[0]
  const metric = first?.metric ?? null
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
  return { state: slice, directives: tell(slice, alert, COOLDOWN_MS, now) }
}

/** It has gone, or nobody looks at it any more: what was known against it holds no longer. */
function forget(slice: Alerting, subject: string): Alerting {
  slice.breaches.drop(subject)
  slice.told.delete(subject)
  slice.flapsMs.delete(subject)
  return slice
}

/** There is no such endpoint any more: nothing is wrong with it. */
function onRefused(slice: Alerting, { because, ...named }: Named & { readonly because: string }): Alerting {
  return because === 'unknown' ? forget(slice, subjectOf(named)) : slice
}
