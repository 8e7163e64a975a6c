import { z } from 'zod'
import { defineSignal } from './kit/signal.ts'

/**
 * What the agents tell each other. Rooms do not import rooms: what crosses from one to another is declared here, and
 * what an agent tells only itself is in its own signals.ts.
 */

const count = z.int().min(0)

/** An endpoint in a signal: where it is in the tables, and its service. `subject` names it for people: `service/id`. */
const endpointRef = z.object({ row: count, generation: z.int(), service: z.string(), id: z.string() }).readonly()
export type EndpointRef = z.output<typeof endpointRef>

const healthWord = z.enum(['unknown', 'healthy', 'degraded', 'unhealthy'])
export type HealthWord = z.output<typeof healthWord>

/** From the health monitor: active checks have changed their verdict. `reason` is that of the last check. */
export const healthChanged = defineSignal('signalbox.endpoint.health-changed', {
  data: endpointRef.unwrap().extend({ from: healthWord, to: healthWord, reason: z.string() }).readonly(),
})

const ejectedCheckedData = endpointRef.unwrap().extend({ hasPassed: z.boolean() }).readonly()
export type EjectedChecked = z.output<typeof ejectedCheckedData>

/**
 * From the health monitor: what a check of an endpoint said that is out for what its requests came to. It tells that the endpoint is
 * well again, or still is not, without a request that would have to wait for it.
 */
export const ejectedChecked = defineSignal('signalbox.endpoint.ejected-checked', {
  data: ejectedCheckedData,
  telemetry: true,
})

/** What an endpoint is ejected for: the key of the config it goes back to, and what its numbers mean. */
const ejectionCause = z.enum([
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
])
export type EjectionCause = z.output<typeof ejectionCause>

/** An ejection: how many failures it rests on, what was found and the limit that this is beyond, in the cause's unit. */
const ejected = endpointRef
  .unwrap()
  .extend({
    because: ejectionCause,
    failures: count,
    found: z.number(),
    limit: z.number(),
    ejections: count,
    forMs: z.number().min(0),
  })
  .readonly()
export type Ejected = z.output<typeof ejected>

/** From the failure detector: an endpoint gets no requests for `forMs`; its `ejections`-th time of late. */
export const endpointEjected = defineSignal('signalbox.endpoint.ejected', { data: ejected })

/** From the failure detector: an ejection is over, because its time was up, active checks pass again, or it answers after a silence. */
export const endpointReturned = defineSignal('signalbox.endpoint.returned', {
  data: endpointRef
    .unwrap()
    .extend({ because: z.enum(['time', 'healthy', 'answered']) })
    .readonly(),
})

/** How the requests of one endpoint ended in some span of time. */
const settled = z
  .object({
    row: count,
    generation: z.int(),
    ok: count,
    error: count,
    timeout: count,
    abandoned: count,
    /** µs, over those that ended `ok`. */
    latencyUsSum: z.number().min(0),
    latencyUsMax: z.number().min(0),
  })
  .readonly()
export type Settled = z.output<typeof settled>

/** From the failure detector, ten times a second while there is traffic: what was settled since the last one. */
export const settledBatch = defineSignal('signalbox.endpoint.settled-batch', {
  data: z.object({ rows: z.array(settled).readonly() }).readonly(),
  telemetry: true,
})

const openShare = z.object({ service: z.string(), open: count, of: count }).readonly()

/** From the load balancer: too few endpoints of a service are left, health is ignored until there are more. */
export const servicePanicked = defineSignal('signalbox.service.panicked', { data: openShare })

/** From the load balancer: health counts again in a service. */
export const serviceCalmed = defineSignal('signalbox.service.calmed', { data: openShare })
