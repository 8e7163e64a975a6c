import { defineSignal } from '../kit/grammar/signal.ts'

/** To itself: time to see who has gone, and whether what is kept out is out. */
export const roundDue = defineSignal('signalbox.round.scheduled')

/** To itself: time to look at the tables. */
export const lookDue = defineSignal('signalbox.look.scheduled')
