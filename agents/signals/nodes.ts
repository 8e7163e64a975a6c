import { count, flag, listOf, objectOf, oneOf, orNull, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal, type SignalOf } from '../kit/grammar/signal.ts'

export const nodeState = oneOf('alive', 'suspect', 'dead', 'left')
export type NodeState = ShapeOf<typeof nodeState>

/**
 * From the failure detector: another node is taken for otherwise than before. `phi` at that moment. `left`: it said goodbye, or has been dead
 * for so long that it is forgotten.
 */
export const nodeHealthChanged = defineSignal('signalbox.node.health-changed', {
  data: objectOf({ node: text, incarnation: count, from: nodeState, to: nodeState, phi: positive, reason: text }),
})

/**
 * From the failure detector, to those of all nodes, every heartbeat: this node lives, whom it hears, and of whom it knows that it does not
 * hear. `rank`: the how-manieth it joined as, 0 for those that found nobody; null while it still listens.
 */
export const nodeBeat = defineSignal('signalbox.node.beat', {
  data: objectOf({
    node: text,
    incarnation: count,
    rank: orNull(count),
    hears: listOf(text),
    missing: listOf(text),
    /** How many names there was no room for. */
    more: count,
  }),
  telemetry: true,
  reach: 'cluster',
})

const nodeSeen = objectOf({
  node: text,
  incarnation: count,
  rank: orNull(count),
  state: nodeState,
  /** By itself, not by others that say they do. */
  isHeard: flag,
  /** Up to 1,000. */
  phi: positive,
  silenceMs: positive,
  /** Of its last pings, in ms; null before the first answer. */
  roundTripMs: orNull(positive),
  roundTripMsP95: orNull(positive),
  /** As its last heartbeat said. */
  hears: listOf(text),
  missing: listOf(text),
  more: count,
})
export type NodeSeen = ShapeOf<typeof nodeSeen>

/** From the failure detector, every heartbeat where there are other nodes: all that are known, as they look from here. */
export const nodesSeen = defineSignal('signalbox.node.seen', {
  data: objectOf({
    node: text,
    incarnation: count,
    rank: orNull(count),
    /** How unwell this node itself is, 0 to 8. */
    localHealth: count,
    others: listOf(nodeSeen),
  }),
  telemetry: true,
})
export type NodesSeen = SignalOf<typeof nodesSeen>['data']

const verdict = oneOf('keep', 'down-self', 'down-all')

/** From the partition handler: the nodes have fallen apart. `keep`: this side goes on deciding; otherwise it only routes. */
export const partitionDetected = defineSignal('signalbox.partition.detected', {
  data: objectOf({ partition: text, sides: listOf(listOf(text)), here: count, strategy: text, verdict }),
})

/** From the partition handler: they are together again, but for those that were given up and did not come; or fall apart in another way now. */
export const partitionHealed = defineSignal('signalbox.partition.healed', {
  data: objectOf({ partition: text, nodes: listOf(text), tookMs: positive }),
})

// Every agent of ours hears it, so that it is among what members say.
export { rightsChanged } from '../kit/member/membership-signals.ts'
