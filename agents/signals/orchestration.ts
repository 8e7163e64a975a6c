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

/** To the cluster orchestrator: take back what an operation, or an emergency, has done so far, and end it. */
export const cancelRequested = defineSignal('signalbox.operation.cancel', {
  data: objectOf({ id: text, by: text }),
  overflow: 'reject',
})

/** From the cluster orchestrator: it ends, or why not. `isKnown`: there is one of this id, or another orchestrator may have it. */
export const cancelAnswered = defineSignal('signalbox.operation.cancel-answered', {
  data: objectOf({ id: text, isTaken: flag, isKnown: flag, because: text }),
  answers: cancelRequested,
})

export const operationStatus = oneOf('running', 'done', 'failed', 'rolled-back', 'aborted')
export type OperationStatus = ShapeOf<typeof operationStatus>

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

const operation = objectOf({
  id: text,
  operation: operationName,
  options: mapOf(text),
  by: text,
  status: operationStatus,
  /** What it is at, or was at last. */
  stage: text,
  because: text,
  /** Wall clock, RFC 3339. */
  startedAt: text,
  tookMs: positive,
  before: mapOf(text),
  after: mapOf(text),
})
export type OperationRecord = ShapeOf<typeof operation>

/** To the cluster orchestrator: which operations are there? One by its id, or all with `''`. */
export const operationsRequested = defineSignal('signalbox.operation.list', {
  data: objectOf({ id: text }),
  overflow: 'reject',
})

/** From the cluster orchestrator: those that run, and the last that ended, the latest first. */
export const operationsListed = defineSignal('signalbox.operation.listed', {
  data: objectOf({ operations: listOf(operation), leads: flag }),
  answers: operationsRequested,
})

const task = {
  /** Whose task it is. */
  role: text,
  what: oneOf('rebalance', 'policy', 'discover', 'allocate'),
  /** A service; of `discover` nothing. */
  subject: text,
  /** Of `policy`: its name. */
  detail: text,
}
const taskShape = objectOf(task)
export type Task = ShapeOf<typeof taskShape>

/** To the cluster orchestrator: have these tasks done, all at once. */
export const coordinationRequested = defineSignal('signalbox.coordination.request', {
  data: objectOf({ tasks: listOf(taskShape), deadlineMs: positive, by: text }),
  overflow: 'reject',
})

const taskResult = objectOf({
  ...task,
  /** `silent`: no answer by the deadline; `late`: one that came after it. */
  status: oneOf('done', 'failed', 'late', 'silent'),
  because: text,
  tookMs: positive,
  /** What it said of before and after, by name. */
  figures: mapOf(text),
})
export type TaskResult = ShapeOf<typeof taskResult>

/** From the cluster orchestrator: what came of the tasks, as far as it was known by the deadline. `id`: sixteen hexadecimal digits. */
export const coordinationEnded = defineSignal('signalbox.coordination.ended', {
  data: objectOf({ id: text, results: listOf(taskResult) }),
  answers: coordinationRequested,
})

/** From the cluster orchestrator, now and then: how tasks for others go. Sums since its start, but for `open`. */
export const coordinationSensed = defineSignal('signalbox.coordination.sensed', {
  data: objectOf({ open: count, ended: count, failed: count, late: count }),
  telemetry: true,
})

const agentSeen = objectOf({ agent: text, role: text, node: text, health: oneOf('healthy', 'degraded', 'failed') })
export type AgentSeen = ShapeOf<typeof agentSeen>

/** From the cluster orchestrator: agents came or went. `missing`: roles that nobody has here. */
export const agentsDiscovered = defineSignal('signalbox.agents.discovered', {
  data: objectOf({ agents: listOf(agentSeen), gone: listOf(text), missing: listOf(text) }),
})

/** From the cluster orchestrator: what all nodes agree on is otherwise. Equal hashes, equal states. */
export const clusterStateChanged = defineSignal('signalbox.cluster.state-changed', {
  data: objectOf({ hash: text, versions: mapOf(count), changed: listOf(text) }),
  level: 'debug',
})

/** From the cluster orchestrator, now and then: what there is, and who leads. */
export const clusterOverviewed = defineSignal('signalbox.cluster.overviewed', {
  data: objectOf({
    /** Endpoints by their state. */
    endpoints: mapOf(count),
    agents: mapOf(count),
    services: count,
    versions: mapOf(count),
    leader: text,
    fence: count,
    /** Whether anything can be decided for the cluster now. */
    hasQuorum: flag,
  }),
  telemetry: true,
})

/** From the cluster orchestrator, while there is traffic: how all requests went in the last 10 s. */
export const clusterPerformanceSensed = defineSignal('signalbox.cluster.performance-sensed', {
  data: objectOf({
    perSecond: positive,
    errorShare: positive,
    latencyUsP50: count,
    latencyUsP99: count,
    requests: count,
  }),
  telemetry: true,
})

/** From the cluster orchestrator, now and then: how well the cluster is, from 0 to 1, and what is missing to 1. */
export const clusterHealthSensed = defineSignal('signalbox.cluster.health-sensed', {
  data: objectOf({ score: positive, reasons: listOf(text) }),
  telemetry: true,
})

/** To the cluster orchestrator: how this node takes part in what is done for all. */
export const lifecycleRequested = defineSignal('signalbox.lifecycle.request', {
  data: objectOf({ deed: oneOf('join', 'drain', 'leave', 'restart'), deadlineMs: positive, by: text }),
  overflow: 'reject',
})

/** From the cluster orchestrator: it does, or why not. */
export const lifecycleChanged = defineSignal('signalbox.lifecycle.changed', {
  data: objectOf({ phase: oneOf('joined', 'draining', 'drained', 'left'), because: text }),
  answers: lifecycleRequested,
})

export const emergencyType = oneOf('node_failure', 'network_partition', 'resource_exhaustion')
export type EmergencyType = ShapeOf<typeof emergencyType>

const emergency = { id: text, type: emergencyType, subject: text }

/** From the cluster orchestrator: immediate actions were done, in this order. */
export const emergencyStarted = defineSignal('signalbox.emergency.started', {
  data: objectOf({ ...emergency, actions: listOf(text), tookMs: positive }),
  level: 'warn',
})

/** From the cluster orchestrator: nothing is done about something that is wrong, for so many emergencies are being met already. */
export const emergencyRefused = defineSignal('signalbox.emergency.refused', {
  data: objectOf({ type: emergencyType, subject: text, because: text }),
  level: 'error',
})

export const emergencyEscalated = defineSignal('signalbox.emergency.escalated', {
  data: objectOf({ ...emergency, level: count, because: text, afterMs: positive }),
  level: 'error',
})
export const emergencyResolved = defineSignal('signalbox.emergency.resolved', {
  data: objectOf({ ...emergency, met: listOf(text), afterMs: positive }),
})
