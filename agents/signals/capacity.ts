import { flag, listOf, objectOf, oneOf, orNull, positive, real, type ShapeOf, text } from '../kit/grammar/shapes.ts'
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

const resource = oneOf('cpu', 'memory', 'loop-delay', 'sockets')

/** From the resource manager, every few seconds: what this process uses, as shares of its limits; `loopDelayUsP99` is what it is. */
export const resourcesMeasured = defineSignal('signalbox.node.resources-measured', {
  data: objectOf({
    cpu: positive,
    memory: positive,
    sockets: positive,
    loopDelayUsP99: positive,
    rssBytes: positive,
    heapBytes: positive,
  }),
  telemetry: true,
})

/** From the resource manager: this process is short of something, or is not any more. */
export const resourceExhausted = defineSignal('signalbox.node.resource-exhausted', {
  data: objectOf({ resource, used: real, limit: real, isOver: flag }),
})

/** From the resource manager: requests of this class and of lower ones are turned away; null: none are. */
export const sheddingChanged = defineSignal('signalbox.service.shedding-changed', {
  data: objectOf({ service: text, from: orNull(text), because: text }),
})
