import {
  count,
  flag,
  integer,
  listOf,
  objectOf,
  oneOf,
  positive,
  real,
  type ShapeOf,
  text,
} from './kit/grammar/shapes.ts'
import { defineSignal } from './kit/grammar/signal.ts'

/**
 * What the agents tell each other. Rooms do not import rooms: what crosses from one to another is declared here, and
 * what an agent tells only itself is in its own signals.ts.
 */

/** An endpoint in a signal: where it is in the tables, and its service. `subject` names it for people: `service/id`. */
const ref = { row: count, generation: integer, service: text, id: text }
const endpointRef = objectOf(ref)
export type EndpointRef = ShapeOf<typeof endpointRef>

const healthWord = oneOf('unknown', 'healthy', 'degraded', 'unhealthy')
export type HealthWord = ShapeOf<typeof healthWord>

/** From the health monitor: active checks have changed their verdict. `reason` is that of the last check. */
export const healthChanged = defineSignal('signalbox.endpoint.health-changed', {
  data: objectOf({ ...ref, from: healthWord, to: healthWord, reason: text }),
})

const ejectedCheckedData = objectOf({ ...ref, hasPassed: flag })
export type EjectedChecked = ShapeOf<typeof ejectedCheckedData>

/**
 * From the health monitor: what a check of an endpoint said that is out for what its requests came to. It tells that the endpoint is
 * well again, or still is not, without a request that would have to wait for it.
 */
export const ejectedChecked = defineSignal('signalbox.endpoint.ejected-checked', {
  data: ejectedCheckedData,
  telemetry: true,
})

/** What an endpoint is ejected for: the key of the config it goes back to, and what its numbers mean. */
const ejectionCause = oneOf(
  // Failures in a row.
  'consecutive-5xx',
  'consecutive-gateway',
  'consecutive-local-origin',
  // Percent of its requests in an interval that went well, and of all that were answered at all.
  'success-rate',
  'success-rate-local-origin',
  // Percent that failed, and that were not answered at all.
  'failure-percentage',
  'failure-percentage-local-origin',
  // µs at the quantile.
  'latency',
  // ms without an answer, while another endpoint answers.
  'silence',
)
export type EjectionCause = ShapeOf<typeof ejectionCause>

/** An ejection: how many failures it rests on, what was found and the limit that this is beyond, in the cause's unit. */
const ejected = objectOf({
  ...ref,
  because: ejectionCause,
  failures: count,
  found: real,
  limit: real,
  ejections: count,
  forMs: positive,
})
export type Ejected = ShapeOf<typeof ejected>

/** From the failure detector: an endpoint gets no requests for `forMs`; its `ejections`-th time of late. */
export const endpointEjected = defineSignal('signalbox.endpoint.ejected', { data: ejected })

/** From the failure detector: an ejection is over, because its time was up, active checks pass again, or it answers after a silence. */
export const endpointReturned = defineSignal('signalbox.endpoint.returned', {
  data: objectOf({ ...ref, because: oneOf('time', 'healthy', 'answered') }),
})

/** How the requests of one endpoint ended in some span of time. */
const settled = objectOf({
  row: count,
  generation: integer,
  ok: count,
  error: count,
  timeout: count,
  abandoned: count,
  /** µs, over those that ended `ok`. */
  latencyUsSum: positive,
  latencyUsMax: positive,
})
export type Settled = ShapeOf<typeof settled>

/** From the failure detector, ten times a second while there is traffic: what was settled since the last one. */
export const settledBatch = defineSignal('signalbox.endpoint.settled-batch', {
  data: objectOf({ rows: listOf(settled) }),
  telemetry: true,
})

const openShare = objectOf({ service: text, open: count, of: count })

/** From the load balancer: too few endpoints of a service are left, health is ignored until there are more. */
export const servicePanicked = defineSignal('signalbox.service.panicked', { data: openShare })

/** From the load balancer: health counts again in a service. */
export const serviceCalmed = defineSignal('signalbox.service.calmed', { data: openShare })

/** How many requests of an endpoint took about so long: those that ended `ok` or ran into a timeout, as far as it is known. */
const latencyCount = objectOf({
  row: count,
  generation: integer,
  /** Of latency-buckets.ts, where its bounds in µs are. */
  bucket: count,
  count,
})
export type LatencyCount = ShapeOf<typeof latencyCount>

/** From the failure detector, once a second while there is traffic: latencies since the last time, by buckets that are not empty. */
export const latenciesCounted = defineSignal('signalbox.endpoint.latencies-counted', {
  data: objectOf({ rows: listOf(latencyCount) }),
  telemetry: true,
})

/** How requests went in a window of time. */
const figures = objectOf({
  /** Settled, those that were abandoned too. */
  requests: count,
  perSecond: positive,
  /** Of those that were not abandoned the part that failed, from 0 to 1. */
  errorShare: positive,
  /** µs, at the top of a bucket that is an eighth wide at most; 0: nothing is known. */
  latencyUsP50: count,
  latencyUsP95: count,
  latencyUsP99: count,
})
export type Figures = ShapeOf<typeof figures>

const windows = { last10s: figures, last60s: figures }

const metrics = objectOf({
  services: listOf(objectOf({ service: text, ...windows })),
  /** The busiest, the busiest first. */
  endpoints: listOf(objectOf({ ...ref, ...windows })),
  /** How many more had requests. */
  endpointsLeftOut: count,
})
export type Metrics = ShapeOf<typeof metrics>

/** From the metrics collector, every 5 s: how the requests of each service went, and of the busiest endpoints. */
export const metricsCollected = defineSignal('signalbox.metrics.collected', { data: metrics, telemetry: true })

/** From the configuration manager: another config is in force here. `changes`: a few words for each, and after 20 how many more. */
export const configChanged = defineSignal('signalbox.config.changed', {
  data: objectOf({
    version: count,
    /** SHA-256 of it in hex; the same on every node that has the same. */
    digest: text,
    changes: listOf(text),
  }),
})
