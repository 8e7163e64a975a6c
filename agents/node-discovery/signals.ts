import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import type { Answer } from './answer.ts'

/** What node discovery tells only itself. None of it crosses to another agent, so none of it is checked. */

/** A source was asked; as its own schedule said, or because somebody wants to know now. */
export const sourceAnswered = defineSignal('signalbox.discovery.source-answered', {
  data: trusted<Answer>(),
  telemetry: true,
})

/** The same, asked out of turn: `round` is what it is asked for. */
export const lookedUp = defineSignal('signalbox.discovery.looked-up', {
  data: trusted<{ readonly round: number; readonly answer: Answer }>(),
})

/** Whether an endpoint can be connected to. */
export interface Tried {
  readonly url: string
  /** null: it could not. */
  readonly connectMs: number | null
  readonly reason: string
}
export const endpointTried = defineSignal('signalbox.discovery.endpoint-tried', { data: trusted<Tried>() })

/** The same of all that the config has written down. */
export const writtenTried = defineSignal('signalbox.discovery.written-tried', {
  data: trusted<{
    readonly round: number
    readonly services: readonly { readonly service: string; readonly missed: readonly string[] }[]
  }>(),
})

/** What came of an edit of the tables. */
export interface Settled {
  readonly service: string
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly refused: readonly Refused[]
}
export interface Refused {
  readonly wish: 'add' | 'remove'
  readonly ids: readonly string[]
  readonly because: string
}
export const serviceSettled = defineSignal('signalbox.discovery.service-settled', { data: trusted<Settled>() })

export const settleDue = defineSignal('signalbox.discovery.settle-due', {
  data: trusted<{ readonly service: string }>(),
})
export const tryDue = defineSignal('signalbox.discovery.try-due', { data: trusted<{ readonly url: string }>() })
/** At which pace it was told to do this: with another since, it is not done. */
interface Paced {
  readonly pace: number
}
export const roundDue = defineSignal('signalbox.discovery.round-due', { data: trusted<Paced>() })
export const roundOver = defineSignal('signalbox.discovery.round-over', {
  data: trusted<{ readonly round: number }>(),
})
export const syncDue = defineSignal('signalbox.discovery.sync-due', { data: trusted<Paced>() })
