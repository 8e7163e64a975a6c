import { objectOf, positive, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { healthWord, ref } from './ref.ts'

/**
 * From the failure detector: two who look at one endpoint see different things. Its checks pass and its requests fail, or the other way round;
 * requests count, for they are what it is there for.
 */
export const differentialObserved = defineSignal('signalbox.endpoint.differential-observability', {
  data: objectOf({ ...ref, active: healthWord, passive: healthWord, errorShare: positive, reason: text }),
})
