import { count, objectOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

const openShare = objectOf({ service: text, open: count, of: count })

/** From the load balancer: too few endpoints of a service are left, health is ignored until there are more. */
export const servicePanicked = defineSignal('signalbox.service.panicked', { data: openShare })

/** From the load balancer: health counts again in a service. */
export const serviceCalmed = defineSignal('signalbox.service.calmed', { data: openShare })
