import { count, listOf, objectOf, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { ref } from './ref.ts'

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
