import { count, listOf, objectOf, oneOf, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

/** What is wrong with an endpoint, as far as it says what might help. */
export const failureKind = oneOf(
  // It answers checks, and not as it should.
  'failed-check',
  // No connection to it comes about.
  'refused',
  // Its certificate, or ours, is not believed.
  'untrusted',
  // Requests to it fail, or take too long.
  'errors',
  // Its memory is full.
  'memory',
  // Its certificate runs out.
  'expiring',
)
export type FailureKind = ShapeOf<typeof failureKind>

/** To the health monitor: try to have this endpoint well again. It does so by itself after a critical alert. */
export const recoveryRequested = defineSignal('signalbox.endpoint.recover', {
  data: objectOf({ service: text, id: text, kind: failureKind, because: text, by: text }),
  overflow: 'reject',
})

const recovery = { service: text, id: text, kind: failureKind }

/** From the health monitor: it is this node that repairs the endpoint. */
export const recoveryBegun = defineSignal('signalbox.endpoint.recovery-begun', {
  data: objectOf({ ...recovery, because: text, fence: count }),
})

/**
 * From the health monitor: what came of it. `elsewhere`: another node repairs it; `off`: the config wants no automatic recovery;
 * `tried`: what was done, step by step.
 */
export const recoveryEnded = defineSignal('signalbox.endpoint.recovery-ended', {
  data: objectOf({
    ...recovery,
    outcome: oneOf('recovered', 'failed', 'elsewhere', 'off'),
    attempts: count,
    tried: listOf(text),
    because: text,
    tookMs: positive,
  }),
})

const incident = { incident: text, subject: text, because: text }

/** From the health monitor: an incident has reached another level, 1 to 3; each is reached once. 1 is for the cluster orchestrator to act on. */
export const incidentEscalated = defineSignal('signalbox.incident.escalated', {
  data: objectOf({ ...incident, level: count, afterMs: positive, repeats: count, tried: listOf(text) }),
  level: 'error',
})

/**
 * A person is needed, until somebody says that one has come: automatic recovery was tried in vain, or is off, an emergency lasts too long, or
 * a partition does. From whichever agent it comes, the health monitor tells the operator and whoever is paged, where the config names them.
 */
export const humanNeeded = defineSignal('signalbox.incident.human-needed', {
  data: objectOf({ ...incident, tried: listOf(text) }),
  level: 'fatal',
})

/** To the health monitor: somebody sees to it; it is not escalated further. */
export const incidentAcknowledged = defineSignal('signalbox.incident.acknowledged', {
  data: objectOf({ incident: text, by: text }),
  overflow: 'reject',
})

/** From the health monitor: it is over. */
export const incidentResolved = defineSignal('signalbox.incident.resolved', {
  data: objectOf({ ...incident, afterMs: positive, level: count }),
})
