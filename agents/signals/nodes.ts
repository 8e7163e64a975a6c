import { count, listOf, objectOf, oneOf, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

export const nodeState = oneOf('alive', 'suspect', 'dead', 'left')
export type NodeState = ShapeOf<typeof nodeState>

/** From the failure detector: another node is taken for otherwise than before. `phi` at that moment. */
export const nodeHealthChanged = defineSignal('signalbox.node.health-changed', {
  data: objectOf({ node: text, incarnation: count, from: nodeState, to: nodeState, phi: positive, reason: text }),
})

const verdict = oneOf('keep', 'down-self', 'down-all')

/** From the partition handler: the nodes have fallen apart. `keep`: this side goes on deciding; otherwise it only routes. */
export const partitionDetected = defineSignal('signalbox.partition.detected', {
  data: objectOf({ partition: text, sides: listOf(listOf(text)), here: count, strategy: text, verdict }),
})

/** From the partition handler: they are together again. */
export const partitionHealed = defineSignal('signalbox.partition.healed', {
  data: objectOf({ partition: text, nodes: listOf(text), tookMs: positive }),
})

// Every agent of ours hears it, so that it is among what members say.
export { rightsChanged } from '../kit/member/membership-signals.ts'
