import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import type { Presence } from './datagram.ts'
import { type Group, postOf, type Received, type Recipient, type Words } from './post.ts'

/** One who has nothing to hear looks so often, in ms. */
const PATIENCE_MS = 30_000

/** A node takes no part in its group any more. */
export const partLeft = defineSignal('signalbox.presence.part-left')

/** Takes part in a group until the agent ends, leaves it, or takes part in another. */
export const takePart = defineAction({
  name: 'take-part',
  isOutside: true,
  done: partLeft,
  timeoutMs: 0,
  run: async (group: Group, { attachment, signal }) => {
    await postOf(attachment).open(group, signal)
    return null
  },
})

/** Leaves the group; where it takes part in none, nothing comes of it. */
export const leavePart = defineAction({
  name: 'leave-part',
  done: partLeft,
  run: (_: undefined, { attachment }) => {
    postOf(attachment).close()
    return null
  },
})

export interface Spoken {
  readonly kind: Presence['kind']
  /** Undefined: it was not said, for the node takes part in no group. */
  readonly nonce: string | undefined
}
export const presenceSpoken = defineSignal('signalbox.presence.spoken', { data: trusted<Spoken>() })

/** Says one thing, to all or to one: `here`, `who` or `answer`. */
export const speak = defineAction({
  name: 'announce-presence',
  done: presenceSpoken,
  run: ({ words, to }: { readonly words: Words; readonly to: Recipient }, { attachment }): Spoken => ({
    kind: words.kind,
    nonce: postOf(attachment).send(words, to),
  }),
})

export const presenceHeard = defineSignal('signalbox.presence.heard', {
  data: trusted<{ readonly received: readonly Received[] }>(),
})

/** Hears what is said in the group, as soon as it is. */
export const presence = defineSensor({
  name: 'presence',
  emits: presenceHeard,
  everyMs: 0,
  timeoutMs: 2 * PATIENCE_MS,
  isOutside: true,
  start: () => null,
  read: edge => postOf(edge.attachment).receive(PATIENCE_MS, edge),
  perceive: (memory: null, received: readonly Received[]) => ({
    memory,
    readings: received.length === 0 ? [] : [presenceHeard.of({ received })],
  }),
})

/** It is time to tell of oneself for the n-th time, in the n-th group one takes part in. */
export const announceDue = defineSignal('signalbox.presence.announce-due', {
  data: trusted<{ readonly part: number; readonly n: number }>(),
})
/** An answer that was waited with is to be given. */
export const answerDue = defineSignal('signalbox.presence.answer-due', {
  data: trusted<{ readonly nonce: string; readonly to: Recipient }>(),
})
/** It is time to look whether all have answered who were asked in a round. */
export const quietDue = defineSignal('signalbox.presence.quiet-due', { data: trusted<{ readonly round: number }>() })
/** It is time to try again to take part. */
export const partDue = defineSignal('signalbox.presence.part-due')
