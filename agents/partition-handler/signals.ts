import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

/** To itself: time to see what the other nodes said. */
export const viewDue = defineSignal('signalbox.view.scheduled')

/** To itself: who has the lease of the side that decides; null: the store does not say. */
export const leaseSought = defineSignal('signalbox.side-lease.sought', {
  data: trusted<{ readonly picture: string; readonly holder: string | null }>(),
})
