import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import type { Settled } from '../signals.ts'
import type { Silent } from './silence.ts'

/** To itself: time to empty the outcome rings. */
export const drainDue = defineSignal('signalbox.drain.scheduled')

/** To itself: time to see whose ejection is over. */
export const tickDue = defineSignal('signalbox.tick.scheduled')

/**
 * To itself: the interval of a service is over, its endpoints can be compared. Another config may begin another chain of intervals
 * (`round`), and the old one ends.
 */
export const intervalDue = defineSignal('signalbox.interval.scheduled', {
  data: trusted<{ service: string; round: number }>(),
})

/** What came out of the rings for one endpoint. */
export interface Drained extends Settled {
  /** Index of its service. */
  readonly service: number
  /** How they ended, in order, see outcomes.ts; those that were abandoned say nothing and are left out. */
  readonly codes: readonly number[]
  /** How long they took as far as it is known: those that ended `ok`, and those that ran into a timeout. */
  readonly latenciesUs: readonly number[]
}

/** To itself: endpoints keep requests waiting for longer than is usual. */
export const silenceHeard = defineSignal('signalbox.silence.heard', { data: trusted<{ rows: readonly Silent[] }>() })

/** To itself: the rings were emptied. */
export const outcomesDrained = defineSignal('signalbox.outcomes.drained', {
  data: trusted<{ rows: readonly Drained[] }>(),
})
