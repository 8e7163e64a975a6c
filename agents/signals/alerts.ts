import { flag, listOf, objectOf, oneOf, orNull, positive, real, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { ref } from './ref.ts'

export const severity = oneOf('info', 'warning', 'critical')
export type Severity = ShapeOf<typeof severity>

/** What is watched of an endpoint: shares from 0 to 1, times in µs, slopes per second. */
export const metricName = oneOf(
  'cpu',
  'memory',
  'network-latency',
  'response-time',
  'check-time',
  'error-rate',
  'loss',
  'availability',
  'certificate-days',
)
export type MetricName = ShapeOf<typeof metricName>

const anomaly = objectOf({
  metric: metricName,
  model: oneOf('statistical', 'trend', 'percentile'),
  value: real,
  expected: real,
  /** How many times beyond its threshold: 1 is just at it. */
  score: positive,
  hasLeak: flag,
})
export type Anomaly = ShapeOf<typeof anomaly>

/**
 * From the health monitor: figures of an endpoint are not what they usually are. `inCommon`: those that are so, or nearly, of more endpoints of
 * its service than may be out at a time: what they share is the likelier cause. Severity is of the others; `info`: there are none.
 */
export const anomalyFound = defineSignal('signalbox.endpoint.anomaly-found', {
  data: objectOf({ ...ref, severity, score: positive, anomalies: listOf(anomaly), inCommon: listOf(metricName) }),
})

/** From the health monitor: they are again, or nobody knows any more what is usual. */
export const anomalyEnded = defineSignal('signalbox.endpoint.anomaly-ended', {
  data: objectOf({ ...ref, metrics: listOf(metricName), tookMs: positive }),
})

/** From the health monitor, or who sees as much as it does: a rule is broken. Not told again within its cool-down. */
export const healthAlerted = defineSignal('signalbox.health.alerted', {
  data: objectOf({
    /** Name of the rule: one of the config, or one that is always there such as `differential-observability`. */
    rule: text,
    severity,
    /** `service/id`; a service, where it is no fault of a single one; or the name of a node. */
    subject: text,
    metric: orNull(metricName),
    value: real,
    threshold: real,
    reason: text,
  }),
})
