import { defineSignal } from './kit/signal.ts'
import type { RowRef } from './kit/table-port.ts'

/**
 * What the agents tell each other. Rooms do not import rooms: what crosses from one to another is declared here, and
 * what an agent tells only itself is in its own signals.ts.
 */

/** An endpoint in a signal: where it is in the tables, and its service. `subject` names it for people: `service/id`. */
export interface EndpointRef extends RowRef {
  readonly service: string
  readonly id: string
}

export type HealthWord = 'unknown' | 'healthy' | 'degraded' | 'unhealthy'

/** From the health monitor: active checks have changed their verdict. `reason` is that of the last check. */
export const healthChanged = defineSignal<EndpointRef & { from: HealthWord; to: HealthWord; reason: string }>(
  'signalbox.endpoint.health-changed',
)

export interface EjectedChecked extends EndpointRef {
  readonly hasPassed: boolean
}

/**
 * From the health monitor: what a check of an endpoint said that is out for what its requests came to. It tells that the endpoint is
 * well again, or still is not, without a request that would have to wait for it.
 */
export const ejectedChecked = defineSignal<EjectedChecked>('signalbox.endpoint.ejected-checked', { telemetry: true })

/** What an endpoint is ejected for: the key of the config it goes back to, and what its numbers mean. */
export type EjectionCause =
  /** Failures in a row. */
  | 'consecutive-5xx'
  | 'consecutive-gateway'
  | 'consecutive-local-origin'
  /** Percent of its requests in an interval that went well, and of all that were answered at all. */
  | 'success-rate'
  | 'success-rate-local-origin'
  /** Percent that failed, and that were not answered at all. */
  | 'failure-percentage'
  | 'failure-percentage-local-origin'
  /** µs at the quantile. */
  | 'latency'
  /** ms without an answer, while another endpoint answers. */
  | 'silence'

/** An ejection: how many failures it rests on, what was found and the limit that this is beyond, in the cause's unit. */
export interface Ejected extends EndpointRef {
  readonly because: EjectionCause
  readonly failures: number
  readonly found: number
  readonly limit: number
  readonly ejections: number
  readonly forMs: number
}

/** From the failure detector: an endpoint gets no requests for `forMs`; its `ejections`-th time of late. */
export const endpointEjected = defineSignal<Ejected>('signalbox.endpoint.ejected')

/** From the failure detector: an ejection is over, because its time was up, active checks pass again, or it answers after a silence. */
export const endpointReturned = defineSignal<EndpointRef & { because: 'time' | 'healthy' | 'answered' }>(
  'signalbox.endpoint.returned',
)

/** How the requests of one endpoint ended in some span of time. */
export interface Settled extends RowRef {
  readonly ok: number
  readonly error: number
  readonly timeout: number
  readonly abandoned: number
  /** µs, over those that ended `ok`. */
  readonly latencyUsSum: number
  readonly latencyUsMax: number
}

/** From the failure detector, ten times a second while there is traffic: what was settled since the last one. */
export const settledBatch = defineSignal<{ rows: readonly Settled[] }>('signalbox.endpoint.settled-batch', {
  telemetry: true,
})

/** From the load balancer: too few endpoints of a service are left, health is ignored until there are more. */
export const servicePanicked = defineSignal<{ service: string; open: number; of: number }>('signalbox.service.panicked')

/** From the load balancer: health counts again in a service. */
export const serviceCalmed = defineSignal<{ service: string; open: number; of: number }>('signalbox.service.calmed')
