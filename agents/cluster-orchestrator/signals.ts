import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

/** To itself: time to see who has gone, and whether what is kept out is out. */
export const roundDue = defineSignal('signalbox.round.scheduled')

/** To itself: time to look at the tables. */
export const lookDue = defineSignal('signalbox.look.scheduled')

/** To itself: who is registered, and which endpoints there are, is otherwise than before. */
export const clusterStateSensed = defineSignal('signalbox.cluster.state-sensed', {
  data: trusted<{ readonly agents: readonly string[]; readonly endpoints: number; readonly services: number }>(),
})
