import { defineSignal } from '../kit/grammar/signal.ts'

/** To itself: some fact has changed, time to fold them out of turn. */
export const lookDue = defineSignal('signalbox.look.scheduled')

/** To itself: time to fold the facts. */
export const tickDue = defineSignal('signalbox.tick.scheduled')
