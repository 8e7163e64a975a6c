import {
  count,
  integer,
  listOf,
  objectOf,
  oneOf,
  orNull,
  positive,
  real,
  type ShapeOf,
  text,
} from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { ref } from './ref.ts'

const loadForecast = objectOf({
  service: text,
  /** From now. */
  horizonMs: positive,
  /** Requests per second: now, as expected then, and what they exceed one time in twenty. */
  perSecond: positive,
  expected: positive,
  p95: positive,
  /** From 0 to 1, by how well forecasts like this one came true. */
  confidence: positive,
})
export type LoadForecast = ShapeOf<typeof loadForecast>

/** From the predictor: how many requests a service will get. */
export const loadForecasted = defineSignal('signalbox.service.load-forecasted', {
  data: objectOf({ services: listOf(loadForecast) }),
  telemetry: true,
})

const latencyForecastShape = objectOf({ row: count, generation: integer, latencyUs: positive, horizonMs: positive })
export type LatencyForecast = ShapeOf<typeof latencyForecastShape>

/** From the predictor: how long requests to endpoints will take. */
export const latencyForecasted = defineSignal('signalbox.endpoint.latency-forecasted', {
  data: objectOf({ rows: listOf(latencyForecastShape) }),
  telemetry: true,
})

export const predictionWhat = oneOf('failure', 'degradation', 'exhaustion')

const prediction = {
  ...ref,
  what: predictionWhat,
  /** From 0 to 1, calibrated: of a hundred that say 0.8 some eighty come true. */
  probability: positive,
  confidence: positive,
  /** Until it happens; null: not known. */
  etaMs: orNull(positive),
  /** What it rests on, for people: `latency grows by 10 % a second`. */
  reasons: listOf(text),
}
const predictionShape = objectOf(prediction)
export type Prediction = ShapeOf<typeof predictionShape>

/** From the predictor: an endpoint is expected to fail, to become slow, or to run out of something. */
export const troublePredicted = defineSignal('signalbox.endpoint.trouble-predicted', { data: predictionShape })

/** From the predictor: what was expected of an endpoint is not any more, because it came or because it did not, or because nobody looks. */
export const predictionWithdrawn = defineSignal('signalbox.endpoint.prediction-withdrawn', {
  data: objectOf({ ...ref, what: predictionWhat, because: oneOf('came-true', 'did-not-come', 'gone', 'unwatched') }),
})

/** To the predictor: what do you expect of this endpoint? */
export const predictionRequested = defineSignal('signalbox.endpoint.predict', {
  data: objectOf({ service: text, id: text }),
  overflow: 'reject',
})

/** From the predictor: what it expects, likely or not; none, and why, where nothing can be said yet. */
export const predictionGiven = defineSignal('signalbox.endpoint.predicted', {
  data: objectOf({
    service: text,
    id: text,
    predictions: listOf(predictionShape),
    /** Of all together: less where they disagree. */
    confidence: positive,
    because: orNull(text),
  }),
  answers: predictionRequested,
})

const tunable = { service: text, tunable: text, value: real }

/** To whoever tunes: try this value of a tunable of a service, and keep it as long as its p99 is not the worse for it. */
export const tunableProposed = defineSignal('signalbox.service.tunable-proposed', {
  data: objectOf({ ...tunable, by: text }),
})

/** From the predictor: a tunable of a service has another value, on trial or because the one before was better after all. */
export const tunableChanged = defineSignal('signalbox.service.tunable-changed', {
  data: objectOf({ ...tunable, before: real, because: text }),
})
