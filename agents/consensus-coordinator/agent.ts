import type { Config } from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { type Step, stay } from '../kit/grammar/directive.ts'
import type { SignalOf } from '../kit/grammar/signal.ts'
import { consensusSensed } from '../signals.ts'
import { agreement } from '../skills/agreement/agreement.ts'

export interface State {
  /** How it stood with the store when it was last looked at; undefined before the first look. */
  readonly sensed: SignalOf<typeof consensusSensed>['data'] | undefined
  /** Motions under way here, and decisions that are remembered. */
  readonly open: number
  readonly decided: number
}

/** Motions that are followed at a time: each holds a timer and who waits for it. */
const OPEN_MAX = 256

const agrees = agreement.mount('agreement', {
  timeoutMs: ({ agents }: Config) => agents['consensus-coordinator'].timeout,
  openMax: OPEN_MAX,
})

/**
 * Consensus coordinator: has others decide together, for whoever asks.
 *
 * Intuition  agreement needs nobody in the middle, and asking for it should need no knowledge of how it is done: who is to vote, in which
 *            of their lives, which time it is of this subject, when nobody will answer any more.
 * listens    signalbox.consensus.request
 * emits      signalbox.consensus.answered · signalbox.consensus.sensed
 * writes     nothing
 * never      decides; votes on behalf of others; has more than 256 motions under way
 * reload     what is under way keeps the time it was given
 * restart    permanent; proposals lie in the store and go on without it. Who waited for an answer asks again and joins the same proposal
 *
 * Nothing depends on its being alive: whoever has a bridge of its own agrees by that.
 */
export const consensusCoordinator = defineAgent({
  name: 'consensus-coordinator',
  role: 'consensus-coordinator',
  capabilities: ['consensus'],
  listens: [consensusSensed],
  skills: [agrees],
  start: (): Step<State> => stay({ sensed: undefined, open: 0, decided: 0 }),
  decide(_, { data }, _now, slices) {
    const { open, decided } = slices.of(agrees)
    return stay({ sensed: data, open: open.size, decided: decided.size })
  },
  reload: state => stay(state),
  describe: state => state,
})

export default consensusCoordinator
