import { count, integer, listOf, objectOf, oneOf, positive, real, type ShapeOf } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { ref } from './ref.ts'

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
  // Percent of a second's that failed, and of the others' with what is granted on top.
  'burst',
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
