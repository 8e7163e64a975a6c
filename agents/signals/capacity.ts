import {
  count,
  flag,
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

const share = orNull(positive)

/** What an endpoint says of itself: used shares from 0 to 1, null for what it does not say. */
const capacity = objectOf({
  ...ref,
  cpu: share,
  memory: share,
  network: share,
  utilisation: share,
  maxConnections: share,
})
export type Capacity = ShapeOf<typeof capacity>

/** From whoever has read it (checks, answers): how much of their capacity endpoints use. */
export const capacityReported = defineSignal('signalbox.endpoint.capacity-reported', {
  data: objectOf({ by: oneOf('health-body', 'header', 'config', 'agent'), rows: listOf(capacity) }),
  telemetry: true,
})

/** What a process may be short of. */
export const RESOURCES = ['cpu', 'memory', 'loop-delay', 'sockets'] as const
export const resource = oneOf(...RESOURCES)
export type Resource = ShapeOf<typeof resource>

const resources = objectOf({
  cpu: positive,
  memory: positive,
  sockets: positive,
  loopDelayUsP99: positive,
  rssBytes: positive,
  heapBytes: positive,
})
export type Resources = ShapeOf<typeof resources>

/**
 * From the resource manager, every second: what this process uses, as shares of its limits; `loopDelayUsP99` is what it is, over all threads
 * that keep the clock. `heapBytes` are of the thread of agents alone.
 */
export const resourcesMeasured = defineSignal('signalbox.node.resources-measured', {
  data: resources,
  telemetry: true,
})

/** From the resource manager: this process is short of something, or is not any more. */
export const resourceExhausted = defineSignal('signalbox.node.resource-exhausted', {
  data: objectOf({ resource, used: real, limit: real, isOver: flag }),
})

/**
 * From the resource manager, now and then: what this process is short of. All else has been enough since it was told last, which is `calmFor`
 * ago: for who was not there to hear `resourceExhausted`, and for what nobody is left to take back.
 */
export const resourcesJudged = defineSignal('signalbox.node.resources-judged', {
  data: objectOf({ short: listOf(resource) }),
  telemetry: true,
})

/** From the resource manager: requests of this class and of lower ones are turned away; null: none are. */
export const sheddingChanged = defineSignal('signalbox.service.shedding-changed', {
  data: objectOf({ service: text, from: orNull(text), because: text }),
})

/** From the resource manager: no more than so many requests of a service are let in at a time; null: any number. */
export const admissionChanged = defineSignal('signalbox.service.admission-changed', {
  data: objectOf({ service: text, admitted: orNull(count), because: text }),
})

/** To the resource manager: how would you spread the load of a service, or of all with `''`, for what it is to cost? */
export const allocationRequested = defineSignal('signalbox.service.allocate', {
  data: objectOf({ service: text, by: text }),
  overflow: 'reject',
})

const allotted = objectOf({
  id: text,
  /** Requests at a time that it should have, and the share that is of all. */
  requests: positive,
  share: positive,
  costPerHour: positive,
})

const allocation = objectOf({
  service: text,
  /** Requests in flight that are to be spread; those that fit nowhere. */
  demand: positive,
  shortage: positive,
  costPerHour: positive,
  goalPerHour: positive,
  isWithinGoal: flag,
  endpoints: listOf(allotted),
})
export type Allocation = ShapeOf<typeof allocation>

/** From the resource manager: so. */
export const allocationPlanned = defineSignal('signalbox.service.allocated', {
  data: objectOf({ services: listOf(allocation) }),
  answers: allocationRequested,
})

const spare = objectOf({
  service: text,
  /** Requests at a time that its endpoints could work on beside those they have. */
  requests: positive,
  /** What an hour of the cheapest of them costs. */
  costPerHour: positive,
})
export type Spare = ShapeOf<typeof spare>

/** From a resource manager: what it could give, where endpoints say what they can bear. */
export const capacityOffered = defineSignal('signalbox.node.capacity-offered', {
  data: objectOf({ services: listOf(spare) }),
  telemetry: true,
})

const capacityWish = objectOf({ service: text, requests: positive, reserve: positive, forMs: positive, by: text })
export type CapacityWish = ShapeOf<typeof capacityWish>

/** To a resource manager: find somebody who takes so many requests of a service at a time, for so long, for `reserve` an hour at most. */
export const capacityRequested = defineSignal('signalbox.service.capacity-request', {
  data: capacityWish,
  overflow: 'reject',
})

const capacityGrant = objectOf({
  service: text,
  requests: positive,
  status: oneOf('granted', 'refused', 'unknown'),
  winner: orNull(text),
  pricePerHour: orNull(positive),
  fence: count,
  because: text,
})
export type CapacityGrant = ShapeOf<typeof capacityGrant>

/** From a resource manager: who takes them, and what for. */
export const capacityGranted = defineSignal('signalbox.service.capacity-granted', {
  data: capacityGrant,
  answers: capacityRequested,
})
