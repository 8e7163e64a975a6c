import { elapsedMs } from '../../../engine/writer.ts'
import type { MetricName, Severity } from '../../signals.ts'

/** When something is an alert. Thresholds in the unit of the metric, see MetricName; times in ms. */
export interface AlertRule {
  readonly name: string
  readonly metric: MetricName
  readonly op: 'above' | 'below'
  readonly threshold: number
  /** How long it must be so. */
  readonly for: number
  readonly severity: Severity
  /** So long it is not told again of one subject. */
  readonly cooldown: number
}

const S = 1_000
const COOLDOWN_MS = 60_000

function rule(
  name: string,
  metric: MetricName,
  [op, threshold]: readonly ['above' | 'below', number],
  forMs: number,
  severity: Severity,
): AlertRule {
  return { name, metric, op, threshold, for: forMs, severity, cooldown: COOLDOWN_MS }
}

/**
 * Rules that are always there. A critical one has the endpoint repaired, and where it fails or is not reached kept out: so each says what
 * only an endpoint itself can be at fault for, and for so long that ejection and checks have not been enough.
 */
export const ALWAYS_THERE: readonly AlertRule[] = [
  rule('unhealthy', 'availability', ['below', 0.5], 30 * S, 'critical'),
  rule('failing', 'error-rate', ['above', 0.5], 10 * S, 'critical'),
  rule('errors', 'error-rate', ['above', 0.05], 30 * S, 'warning'),
  rule('slow', 'response-time', ['above', 1_000_000], 30 * S, 'warning'),
  rule('cpu-high', 'cpu', ['above', 0.8], 60 * S, 'warning'),
  rule('memory-high', 'memory', ['above', 0.85], 60 * S, 'warning'),
  rule('memory-full', 'memory', ['above', 0.95], 60 * S, 'critical'),
  rule('certificate-expiring', 'certificate-days', ['below', 14], 0, 'warning'),
  rule('certificate-ending', 'certificate-days', ['below', 3], 0, 'critical'),
]

/** Metrics that a person counts in ms and the signals in µs. */
const TIMES: ReadonlySet<MetricName> = new Set(['response-time', 'network-latency'])

/** The rules of a config, over those that are always there: of one name the config's counts. */
export function rulesOf(written: readonly AlertRule[]): readonly AlertRule[] {
  const own = written.map(each => (TIMES.has(each.metric) ? { ...each, threshold: each.threshold * 1_000 } : each))
  const names = new Set(own.map(({ name }) => name))
  return [...ALWAYS_THERE.filter(({ name }) => !names.has(name)), ...own]
}

export function isBroken({ op, threshold }: AlertRule, value: number): boolean {
  return op === 'above' ? value > threshold : value < threshold
}

/** A rule that is broken of one subject, and since when. */
export interface Breach {
  readonly rule: AlertRule
  readonly subject: string
  readonly sinceMs: number
  /** When it was seen last, and what was. */
  readonly seenMs: number
  readonly value: number
  readonly reason: string
}

const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical']

export function isSeverer(one: Severity, than: Severity): boolean {
  return SEVERITIES.indexOf(one) > SEVERITIES.indexOf(than)
}

/**
 * Those that have been so long enough: of each subject and metric the one of the highest severity, and of two alike the one that is listed
 * first.
 */
export function dueOf(breaches: Iterable<Breach>, now: number): Breach[] {
  const highest = new Map<string, Breach>()
  for (const breach of breaches) {
    const { rule, subject, sinceMs } = breach
    if (elapsedMs(now, sinceMs) < rule.for) continue
    const key = `${rule.metric} ${subject}`
    const before = highest.get(key)
    if (before === undefined || isSeverer(rule.severity, before.rule.severity)) highest.set(key, breach)
  }
  return [...highest.values()]
}
