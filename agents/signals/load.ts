import {
  count,
  flag,
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
import { ref } from './ref.ts'

export const surgeClass = oneOf('organic', 'hot-key', 'retry-storm', 'slow-endpoint')
export type SurgeClass = ShapeOf<typeof surgeClass>

/** From the load balancer: a service gets far more requests than it did. */
export const surgeBegun = defineSignal('signalbox.service.surge-begun', {
  data: objectOf({ service: text, class: surgeClass, perSecond: positive, usual: positive }),
})

/** From the load balancer: it does not any more. */
export const surgeEnded = defineSignal('signalbox.service.surge-ended', {
  data: objectOf({ service: text, class: surgeClass, tookMs: positive, peakPerSecond: positive }),
})

/** From the load balancer: load lay unevenly for what endpoints can carry, and weights are being moved. Coefficients of variation. */
export const loadRebalanced = defineSignal('signalbox.service.rebalanced', {
  data: objectOf({ service: text, because: text, unevennessBefore: real, unevennessExpected: real }),
})

/** To the load balancer: even out the load of a service now. Answered when its weights have moved. */
export const rebalanceRequested = defineSignal('signalbox.service.rebalance', {
  data: objectOf({ service: text, by: text }),
  overflow: 'reject',
})
export const rebalanceDone = defineSignal('signalbox.service.rebalance-finished', {
  data: objectOf({ service: text, unevennessBefore: real, unevennessAfter: real }),
  answers: rebalanceRequested,
})

/**
 * To the load balancer: pick by this policy from now on; the config's again with `''`. One that would have keys leave their endpoints is taken
 * only with a `!` after its name.
 */
export const policyRequested = defineSignal('signalbox.service.policy', {
  data: objectOf({ service: text, policy: text, by: text }),
  overflow: 'reject',
})
export const policyTaken = defineSignal('signalbox.service.policy-taken', {
  data: objectOf({ service: text, policy: text, before: text, refused: text }),
  answers: policyRequested,
})

const zonePreference = objectOf({ zone: text, factor: positive })

/** From the topology optimizer: how much of their weight endpoints of each zone should keep, from 0 to 1, as seen from here. */
export const zonesPreferred = defineSignal('signalbox.zone.preference-changed', {
  data: objectOf({ service: text, zones: listOf(zonePreference), because: text }),
})

/** From the resource manager: how much of its weight each endpoint should keep for what it costs, from 0 to 1. */
export const costsWeighed = defineSignal('signalbox.service.costs-weighed', {
  data: objectOf({ service: text, factors: listOf(objectOf({ id: text, factor: positive })), because: text }),
})

const sheddingWish = objectOf({ service: text, from: text, by: text, forMs: positive })
export type SheddingWish = ShapeOf<typeof sheddingWish>

/**
 * To the resource manager: turn away requests of this class (`sheddable`, `sheddable-plus`, `critical`) and of cheaper ones for so long. Asked
 * again by the same, the last word counts; 0 ms: not any more.
 */
export const sheddingRequested = defineSignal('signalbox.service.shed', { data: sheddingWish, overflow: 'reject' })

const summary = objectOf({
  service: text,
  id: text,
  /** Requests in flight, the mean of some seconds. */
  inflight: positive,
  perSecond: positive,
  /** µs, smoothed; 0: nothing is known. */
  latencyUs: positive,
})
export type LoadSummary = ShapeOf<typeof summary>

/** From the load balancer, every few seconds while there is traffic: what this node has sent to endpoints, the busiest of them. For the others. */
export const loadSummarised = defineSignal('signalbox.node.load-summarised', {
  data: objectOf({ rows: listOf(summary) }),
  telemetry: true,
  reach: 'cluster',
})

const breakerState = oneOf('closed', 'open', 'half-open')
export type BreakerState = ShapeOf<typeof breakerState>

/** From the load balancer: the breaker of an endpoint is otherwise than a moment ago. `trips`: how often in a row it was opened. */
export const breakerChanged = defineSignal('signalbox.endpoint.breaker-changed', {
  data: objectOf({ ...ref, from: breakerState, to: breakerState, trips: count, openForMs: positive }),
})

/** To the load balancer: open the breaker of an endpoint, or close it. It goes on by itself from there, as after failures. */
export const breakerRequested = defineSignal('signalbox.endpoint.breaker', {
  data: objectOf({ service: text, id: text, wish: oneOf('open', 'close'), by: text }),
  overflow: 'reject',
})
export const breakerWorked = defineSignal('signalbox.endpoint.breaker-worked', {
  data: objectOf({ service: text, id: text, isOpen: flag, refused: text }),
  answers: breakerRequested,
})

const routeWish = objectOf({ service: text, hash: count, requestClass: text })
export type RouteRequested = ShapeOf<typeof routeWish>

/**
 * To the load balancer: where would a request be sent now, and why there? `hash` as `pick` takes it, 0 for none; `requestClass` by its name.
 * Nothing is sent, and nothing counted.
 */
export const routeRequested = defineSignal('signalbox.service.route', {
  data: routeWish,
  overflow: 'reject',
})

const route = objectOf({
  service: text,
  outcome: oneOf('route_to', 'circuit_breaker_open', 'no_available_nodes'),
  /** Id of the endpoint, its url, and which tenant of its row it is; null where there is none. */
  routeTo: orNull(text),
  url: orNull(text),
  generation: orNull(count),
  /** Why there; of `no_available_nodes` why none: `all_nodes_unavailable`, `no_available_capacity`, `shed`, `unknown_service`. */
  reason: text,
  /** The policy that decides. */
  algorithm: text,
  /** Effective weights of the endpoints, 32 of them at most, the chosen one first; 0: not picked. */
  weights: listOf(objectOf({ id: text, weight: positive, why: text })),
  /** Those whose breakers are open, and when the first of them lets a probe through. */
  failedNodes: listOf(text),
  retryAfterMs: positive,
})
export type RouteGiven = ShapeOf<typeof route>

export const routeGiven = defineSignal('signalbox.service.route-given', { data: route, answers: routeRequested })

const measuredErrors = objectOf({ ...ref, requests: count, errorShare: positive })

/** From the load balancer, of endpoints with twenty requests or more in the last ten seconds: how many of them failed. */
export const errorsMeasured = defineSignal('signalbox.endpoint.errors-measured', {
  data: objectOf({ rows: listOf(measuredErrors) }),
  telemetry: true,
})

const responseTime = objectOf({
  row: count,
  generation: count,
  requests: count,
  latencyUsP50: count,
  latencyUsP95: count,
  latencyUsP99: count,
})
export type ResponseTime = ShapeOf<typeof responseTime>

/** From the load balancer, every five seconds while there is traffic: how long the requests of endpoints took, all of them. */
export const responseTimesMeasured = defineSignal('signalbox.endpoint.response-times-measured', {
  data: objectOf({ rows: listOf(responseTime) }),
  telemetry: true,
})

/**
 * From the load balancer: the way to an endpoint is congested, or is not any more: requests run into timeouts, or connecting takes far longer. For
 * those who watch: no agent acts on it.
 */
export const congestionChanged = defineSignal('signalbox.endpoint.congestion-changed', {
  data: objectOf({ ...ref, isCongested: flag, timeoutShare: positive, connectInflation: positive }),
})

/** From the load balancer: load lies unevenly over the endpoints of a service for what each can carry. From 0, evenly, up. */
export const distributionUneven = defineSignal('signalbox.service.distribution-uneven', {
  data: objectOf({ service: text, coefficientOfVariation: positive, gini: positive, endpoints: count }),
  telemetry: true,
})

/**
 * From the load balancer that proposed it: the load balancers have agreed which share of a service's capacity each may use in a surge, by their
 * names in the registry. Of two the one with the greater fence counts.
 */
export const admissionAgreed = defineSignal('signalbox.service.admission-agreed', {
  data: objectOf({ service: text, shares: mapOf(positive), fence: count, forMs: positive }),
  reach: 'cluster',
})
