import {
  count,
  flag,
  listOf,
  mapOf,
  objectOf,
  oneOf,
  orNull,
  positive,
  type ShapeOf,
  text,
} from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

/** To the consensus coordinator: have these agents (all of a role; none: those of the asker's) decide on something. */
export const motionRequested = defineSignal('signalbox.consensus.request', {
  data: objectOf({
    type: text,
    subject: text,
    role: text,
    payload: mapOf(text),
    timeoutMs: positive,
    /** `majority`, `unanimous`, `any`, `quorum:3`, `threshold:70%`. Empty: majority. */
    rule: text,
  }),
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

/** From the consensus coordinator, every few seconds: what is under way, and how the store answers. Null: it does not, or nothing was decided. */
export const consensusSensed = defineSignal('signalbox.consensus.sensed', {
  data: objectOf({
    isReachable: flag,
    term: count,
    open: count,
    oldestMs: positive,
    answeredMs: orNull(positive),
    lastDecisionMs: orNull(positive),
  }),
  telemetry: true,
})

/**
 * From whoever stands for a role that one leads at a time: it leads from now on, or does not any more. Who acts on its behalf says the
 * fence; of two the higher counts.
 */
export const leaderChanged = defineSignal('signalbox.leader.changed', {
  data: objectOf({
    role: text,
    isHere: flag,
    standing: oneOf('candidate', 'leader', 'alone', 'barred', 'withdrawn'),
    fence: count,
    because: text,
  }),
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
