import { defineSignal } from '../kit/grammar/signal.ts'

/** To itself: some fact has changed, time to fold them out of turn. */
export const lookDue = defineSignal('signalbox.look.scheduled')

/** To itself: time to fold the facts. */
export const tickDue = defineSignal('signalbox.tick.scheduled')

/** To itself: weight is on its way from some endpoints to others, time for the next step. */
export const shiftDue = defineSignal('signalbox.shift.scheduled')

/** To itself: time to adapt weights to how requests went. */
export const adaptDue = defineSignal('signalbox.adaptation.scheduled')

/** To itself: time to adapt thresholds to what is usual. */
export const thresholdsDue = defineSignal('signalbox.thresholds.scheduled')
