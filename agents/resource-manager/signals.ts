import { defineSignal } from '../kit/grammar/signal.ts'

/** To itself: time to forget what endpoints said too long ago. */
export const forgetDue = defineSignal('signalbox.reports.scheduled')

/** To itself: time for a step towards the cost goal. */
export const costsDue = defineSignal('signalbox.costs.scheduled')
