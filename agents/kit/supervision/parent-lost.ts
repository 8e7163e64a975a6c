import { trusted } from '../grammar/schema.ts'
import { defineSignal } from '../grammar/signal.ts'

/** Which agents were lost: those of one thread. */
export interface ParentLost {
  readonly thread: string
}

/** Told to an agent whose roster entry says `onParentDeath: 'tell'` when the agent it belongs to is down. It comes from nobody else. */
export const parentLost = defineSignal('signalbox.parent.lost', { data: trusted<ParentLost>() })
