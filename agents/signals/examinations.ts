import {
  count,
  flag,
  integer,
  listOf,
  mapOf,
  objectOf,
  oneOf,
  orNull,
  positive,
  real,
  type ShapeOf,
  text,
} from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { metricName } from './alerts.ts'
import { ref } from './ref.ts'

/** How thoroughly an endpoint is looked at. */
export const checkKind = oneOf('basic', 'comprehensive', 'deep', 'predictive')
export type CheckKind = ShapeOf<typeof checkKind>

/** What is looked at: the first two in a basic check, the first six in a comprehensive one, all but the last in a deep one. */
const partName = oneOf(
  'connectivity',
  'application',
  'resources',
  'network',
  'availability',
  'security',
  'baseline',
  'synthetic',
  'chain',
  'dependencies',
  'prediction',
)
export type PartName = ShapeOf<typeof partName>

const part = objectOf({
  part: partName,
  /** `skipped`: there is nothing of the kind to look at, or nothing is known; it counts for nothing. */
  verdict: oneOf('passed', 'failed', 'timeout', 'skipped'),
  /** One that failed and is, has failed all of it. */
  isCritical: flag,
  /** From 0 to 1. */
  score: positive,
  /** For people. */
  reason: text,
  tookMs: positive,
  /** By name; those of a metric are in its unit, see MetricName. */
  figures: mapOf(real),
})
export type Part = ShapeOf<typeof part>

const dependency = objectOf({ name: text, status: oneOf('passed', 'degraded', 'failed', 'unknown') })
export type Dependency = ShapeOf<typeof dependency>

const examination = objectOf({
  ...ref,
  kind: checkKind,
  verdict: oneOf('healthy', 'degraded', 'failed'),
  /** From 0 to 1: the mean of its parts, by what they matter. */
  score: positive,
  /** Of the parts that did not pass. */
  reasons: listOf(text),
  parts: listOf(part),
  /** What the endpoint says it depends on. */
  dependencies: listOf(dependency),
  tookMs: positive,
})
export type Examination = ShapeOf<typeof examination>

/** From the health monitor: an endpoint was looked at more closely than by a basic check. */
export const endpointExamined = defineSignal('signalbox.endpoint.examined', { data: examination, telemetry: true })

/** To the health monitor: look at this endpoint now. `kind` is one of CheckKind; another is answered with what is wrong. */
export const healthCheckRequested = defineSignal('signalbox.endpoint.check', {
  data: objectOf({ service: text, id: text, kind: text }),
  overflow: 'reject',
})

const standing = objectOf({
  word: oneOf('healthy', 'degraded', 'failed', 'unknown'),
  score: positive,
  reasons: listOf(text),
  trend: oneOf('improving', 'stable', 'worsening', 'unknown'),
})
export type HealthStanding = ShapeOf<typeof standing>

/** From the health monitor: what a look has come to, and what is known besides; or why there was none. */
export const healthCheckAnswered = defineSignal('signalbox.endpoint.check-answered', {
  data: objectOf({
    service: text,
    id: text,
    kind: text,
    error: orNull(oneOf('unsupported_check_type', 'unknown_endpoint', 'too_many_checks')),
    examination: orNull(examination),
    standing: orNull(standing),
  }),
  answers: healthCheckRequested,
})

/** What is usual for an endpoint, learnt while it was well: smoothed mean and deviation, and what one in twenty exceeds. */
const baseline = objectOf({ mean: real, deviation: positive, p95: real, samples: count })
export type BaselineView = ShapeOf<typeof baseline>

const measured = objectOf({
  ...ref,
  metric: metricName,
  value: real,
  /** Null: not enough is known yet. As it was before this value. */
  baseline: orNull(baseline),
  /** Whether it counts for the baseline: not while the endpoint is out or less than well, nor while something is wrong with it. */
  isLearnt: flag,
})
export type Measured = ShapeOf<typeof measured>

/** From the health monitor, about once a second where endpoints are checked: what was measured of them, and what is usual. */
export const endpointsMeasured = defineSignal('signalbox.endpoint.measured', {
  data: objectOf({ rows: listOf(measured) }),
  telemetry: true,
})

const at = { row: count, generation: integer }

/** From sensors of the health monitor, where something has been looked at since the last time. */

const vitalsRow = objectOf({
  ...at,
  isAlive: flag,
  /** Of the check that is told, µs. */
  tookUs: positive,
  /** As it says itself. */
  uptimeS: orNull(positive),
  /** How often it began anew while it was watched. */
  restarts: count,
})
export type VitalsSensed = ShapeOf<typeof vitalsRow>

/** Whether endpoints live, and for how long: each of their checks. */
export const vitalsSensed = defineSignal('signalbox.endpoint.vitals-sensed', {
  data: objectOf({ rows: listOf(vitalsRow) }),
  telemetry: true,
})

const applicationRow = objectOf({
  ...at,
  /** HTTP; 0: it has not answered. */
  status: count,
  says: oneOf('passed', 'degraded', 'failed', 'unknown'),
  dependencies: listOf(dependency),
})
export type ApplicationSensed = ShapeOf<typeof applicationRow>

/** What endpoints answer of themselves, where that has changed. */
export const applicationSensed = defineSignal('signalbox.endpoint.application-sensed', {
  data: objectOf({ rows: listOf(applicationRow) }),
  telemetry: true,
})

const networkRow = objectOf({
  ...at,
  latencyUs: positive,
  jitterUs: positive,
  loss: positive,
  connections: count,
  lastUs: orNull(positive),
})
export type NetworkSensed = ShapeOf<typeof networkRow>

/**
 * How endpoints are reached, by the connections of their checks: smoothed, and which part of the last hundred came to nothing. `lastUs`: in the midst of
 * those since it was told last, null: none came about.
 */
export const networkSensed = defineSignal('signalbox.endpoint.network-sensed', {
  data: objectOf({ rows: listOf(networkRow) }),
  telemetry: true,
})

/** What their certificates are worth, and whether they turn checks away, where that has changed. */
export const securitySensed = defineSignal('signalbox.endpoint.security-sensed', {
  data: objectOf({
    rows: listOf(
      objectOf({
        ...at,
        /** Null: it was not asked for one. */
        isTrusted: orNull(flag),
        daysLeft: orNull(real),
        /** Checks in a row that were answered with 401 or 403. */
        refusals: count,
      }),
    ),
  }),
  telemetry: true,
})

/** Health words of the tables that are others than a second before. */
export const healthWordsSensed = defineSignal('signalbox.endpoint.health-sensed', {
  data: objectOf({ rows: listOf(objectOf({ ...at, from: count, to: count })) }),
  telemetry: true,
})

/** The part of the requests that went well, of those that were not abandoned. Null: there were none. */
const availability = {
  last1m: orNull(positive),
  last5m: orNull(positive),
  last15m: orNull(positive),
  requests1m: count,
  requests15m: count,
  /** How many times faster than the goal allows failures use up what it allows, over 15 min; 1: just as fast. */
  burn: positive,
}
const endpointAvailability = objectOf({ ...at, ...availability })
export type Availability = ShapeOf<typeof endpointAvailability>

/** From the health monitor, every 30 s: how available services are, and those of their endpoints that had requests. */
export const availabilityMeasured = defineSignal('signalbox.service.availability-measured', {
  data: objectOf({
    services: listOf(objectOf({ service: text, ...availability })),
    /** The least available first, 1,024 at most. */
    endpoints: listOf(endpointAvailability),
    endpointsLeftOut: count,
  }),
  telemetry: true,
})
