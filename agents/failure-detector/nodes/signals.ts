import { trusted } from '../../kit/grammar/schema.ts'
import { count, flag, integer, objectOf, text } from '../../kit/grammar/shapes.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'

/** What the failure detectors of nodes tell each other beside their beats, and what the one tells itself. */

/**
 * To a node: are you there? `probe`: for which probe, empty where it is about the time it takes. `sentMs`: the clock of who pings, which says
 * nothing to anybody else.
 */
export const nodePinged = defineSignal('signalbox.node.pinged', {
  data: objectOf({ probe: text, sentMs: integer }),
  telemetry: true,
  reach: 'cluster',
})

/** Back to who pinged, with what it said. `incarnation`: which of its lives answers. */
export const nodePonged = defineSignal('signalbox.node.ponged', {
  data: objectOf({ probe: text, sentMs: integer, incarnation: count }),
  telemetry: true,
  reach: 'cluster',
})

/** To a helper: I do not hear this node, do you? */
export const probeAsked = defineSignal('signalbox.node.probe-asked', {
  data: objectOf({ probe: text, subject: text }),
  telemetry: true,
  reach: 'cluster',
})

/** From a helper: whether the node answered it. That it did not is said too: who hears neither is cut off itself. */
export const probeAnswered = defineSignal('signalbox.node.probe-answered', {
  data: objectOf({ probe: text, subject: text, isReached: flag, incarnation: count }),
  telemetry: true,
  reach: 'cluster',
})

/** To all: this node is silent, and nobody I asked reached it. It may refute that, with a greater incarnation. */
export const nodeSuspected = defineSignal('signalbox.node.suspected', {
  data: objectOf({ subject: text, incarnation: count }),
  reach: 'cluster',
})

/** To itself. */
export const beatDue = defineSignal('signalbox.beat.scheduled')
export const probeDue = defineSignal('signalbox.probe.scheduled', {
  data: trusted<{ readonly probe: string; readonly subject: string }>(),
})
export const assistDue = defineSignal('signalbox.assist.scheduled', { data: trusted<{ readonly probe: string }>() })

/** How long one node has been silent, and how surprising that is. */
export interface Silence {
  readonly node: string
  /** Since it was last heard, or vouched for by a helper. */
  readonly silenceMs: number
  readonly phi: number
  /** Whether it is heard by this node itself, as often as is usual. */
  readonly isHeard: boolean
}

/** What the look at all of them came to; `lateMs`: how much later than it should have been. */
export const silencesRead = defineSignal('signalbox.silences.read', {
  data: trusted<{ readonly silences: readonly Silence[]; readonly lateMs: number }>(),
})
