import { defineSignal } from '../kit/signal.ts'
import type { Settled } from '../signals.ts'
import type { Streak } from './streak.ts'

/** To itself: time to empty the outcome rings. */
export const drainDue = defineSignal<null>('signalbox.drain.scheduled')

/** To itself: time to see whose ejection is over. */
export const tickDue = defineSignal<null>('signalbox.tick.scheduled')

/** What came out of the rings for one endpoint: the counts, and the failures in a row. */
export interface Drained extends Settled {
  /** Index of its service. */
  readonly service: number
  readonly streak: Streak
}

/** To itself: the rings were emptied. */
export const outcomesDrained = defineSignal<{ rows: readonly Drained[] }>('signalbox.outcomes.drained')
