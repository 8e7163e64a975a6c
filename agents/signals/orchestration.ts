import { count, flag, listOf, mapOf, objectOf, oneOf, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

/** To the consensus coordinator: have these agents (all of a role; none: those of the asker's) decide on something. */
export const motionRequested = defineSignal('signalbox.consensus.request', {
  data: objectOf({ type: text, subject: text, role: text, payload: mapOf(text), timeoutMs: positive }),
  overflow: 'reject',
})

/** From the consensus coordinator: what became of it. `unknown` is an answer, and never a yes. */
export const motionDecided = defineSignal('signalbox.consensus.answered', {
  data: objectOf({
    proposal: text,
    status: oneOf('accepted', 'rejected', 'expired', 'unknown'),
    fence: count,
    because: text,
  }),
  answers: motionRequested,
})

export const operationName = oneOf(
  'scale_cluster',
  'rebalance_load',
  'optimize_performance',
  'handle_emergency',
  'maintenance_window',
)
export type OperationName = ShapeOf<typeof operationName>

/** To the cluster orchestrator: carry out an operation. `options` as text, by name. */
export const operationRequested = defineSignal('signalbox.operation.request', {
  data: objectOf({ operation: operationName, options: mapOf(text), by: text }),
  overflow: 'reject',
})

/** From the cluster orchestrator: it is under way, or why it is not. */
export const operationAnswered = defineSignal('signalbox.operation.answered', {
  data: objectOf({ id: text, operation: operationName, isTaken: flag, because: text }),
  answers: operationRequested,
})

/** From the cluster orchestrator: it is over. */
export const operationFinished = defineSignal('signalbox.operation.finished', {
  data: objectOf({
    id: text,
    operation: operationName,
    status: oneOf('done', 'failed', 'rolled-back', 'aborted'),
    because: text,
    tookMs: positive,
    before: mapOf(text),
    after: mapOf(text),
  }),
})

export const emergencyType = oneOf('node_failure', 'network_partition', 'resource_exhaustion')
export type EmergencyType = ShapeOf<typeof emergencyType>

const emergency = { id: text, type: emergencyType, subject: text }

/** From the cluster orchestrator: immediate actions were done, in this order. */
export const emergencyStarted = defineSignal('signalbox.emergency.started', {
  data: objectOf({ ...emergency, actions: listOf(text), tookMs: positive }),
})
export const emergencyEscalated = defineSignal('signalbox.emergency.escalated', {
  data: objectOf({ ...emergency, level: count, because: text, afterMs: positive }),
})
export const emergencyResolved = defineSignal('signalbox.emergency.resolved', {
  data: objectOf({ ...emergency, met: listOf(text), afterMs: positive }),
})
