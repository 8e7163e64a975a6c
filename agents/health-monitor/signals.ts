import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import type { RowRef } from '../kit/table-port.ts'
import type { CheckKind } from '../signals.ts'

/** To itself: time to see which endpoints there are. */
export const lookDue = defineSignal('signalbox.look.scheduled')

/** An endpoint, and which of the chains of checks this one is of: another config or an ejection begins another chain, and the old one ends. */
export interface Round extends RowRef {
  readonly round: number
}

/** To itself: time to check this endpoint. */
export const checkDue = defineSignal('signalbox.check.scheduled', { data: trusted<Round>() })

/** A closer look at an endpoint, and which of its chains it is of. */
export interface CloserLook extends Round {
  readonly kind: CheckKind
}

/** To itself: time for a closer look. */
export const closerDue = defineSignal('signalbox.closer-look.scheduled', { data: trusted<CloserLook>() })

/**
 * How a check ended. `degraded`: it passed, and the endpoint asks to be spared where others suffice. `void`: it came to nothing through no fault of the endpoint, because this very thread stood still
 * for longer than the check was allowed to take.
 */
export interface Checked extends Round {
  readonly verdict: 'passed' | 'degraded' | 'failed' | 'void'
  /** For people: `200`, `503`, `ECONNREFUSED`, `no answer within 500 ms`. */
  readonly reason: string
  /** It has failed because its time was up. */
  readonly isLate: boolean
  readonly tookMs: number
}

/** To itself: a check is done. */
export const endpointChecked = defineSignal('signalbox.endpoint.checked', { data: trusted<Checked>() })
