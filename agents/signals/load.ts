import { listOf, objectOf, oneOf, positive, real, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

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

/** To the load balancer: pick by this policy from now on; the config's again with `''`. */
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
