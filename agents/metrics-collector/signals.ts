import { defineSignal } from '../kit/grammar/signal.ts'

/** To itself: time to close the slice under way. */
export const sliceDue = defineSignal('signalbox.slice.scheduled')
