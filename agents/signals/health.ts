import { flag, objectOf, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { endpointRef, healthWord, ref } from './ref.ts'

/** From the health monitor: active checks have changed their verdict. `reason` is that of the last check. */
export const healthChanged = defineSignal('signalbox.endpoint.health-changed', {
  data: objectOf({ ...ref, from: healthWord, to: healthWord, reason: text }),
})

/** From the health monitor: there is no such endpoint any more. What is known of it concerns nobody; another of its name is another endpoint. */
export const endpointGone = defineSignal('signalbox.endpoint.unwatched', { data: endpointRef })

const ejectedCheckedData = objectOf({ ...ref, hasPassed: flag, isLate: flag })
export type EjectedChecked = ShapeOf<typeof ejectedCheckedData>

/**
 * From the health monitor: what a check of an endpoint said that is out for what its requests came to, or kept out by quarantine. It tells that the endpoint is
 * well again, or still is not, without a request that would have to wait for it. `isLate`: it has not failed but for its time being up, which may be
 * no more than that everybody here was slow.
 */
export const ejectedChecked = defineSignal('signalbox.endpoint.ejected-checked', {
  data: ejectedCheckedData,
  telemetry: true,
})
