import {
  count,
  flag,
  listOf,
  mapOf,
  objectOf,
  oneOf,
  orNull,
  positive,
  real,
  type ShapeOf,
  text,
} from '../grammar/shapes.ts'
import { defineSignal } from '../grammar/signal.ts'

/** What every agent says and hears of itself and its like, whatever else it does. */

export type Health = 'healthy' | 'degraded' | 'failed'

const health = oneOf('healthy', 'degraded', 'failed')

const beat = { agent: text, role: text, node: text, incarnation: count, health, queued: count }
const heartbeatData = objectOf(beat)

/** From every agent, every few seconds: it lives, and how it is. */
export const agentHeartbeat = defineSignal('signalbox.agent.heartbeat', { data: heartbeatData, telemetry: true })

/** From every agent: it is otherwise than before, and why. */
export const agentStatusChanged = defineSignal('signalbox.agent.status-changed', {
  data: objectOf({ agent: text, role: text, from: health, to: health, reasons: listOf(text) }),
})

/** To every agent: how are you? */
export const healthRequested = defineSignal('signalbox.agent.health-requested', {
  data: objectOf({ requester: text }),
  overflow: 'reject',
})

/** From every agent that was asked: at once, whatever else is broken. */
export const healthReported = defineSignal('signalbox.agent.health-reported', {
  data: objectOf({ ...beat, reasons: listOf(text) }),
  answers: healthRequested,
})

const topologyData = objectOf({
  version: count,
  nodes: listOf(text),
  /** From each node to those it reaches, with the latency last measured, in ms. */
  connections: mapOf(mapOf(real)),
})
export type Topology = ShapeOf<typeof topologyData>

/** Which nodes there are and who reaches whom; of two the one with the higher version counts. */
export const topologyUpdated = defineSignal('signalbox.topology.updated', { data: topologyData, level: 'debug' })

/** From a node that leaves in good order, the last it says: it is not missed. */
export const nodeLeft = defineSignal('signalbox.node.left', { data: objectOf({ node: text }), reach: 'cluster' })

/** From the partition handler: whether this node may decide anything for the cluster. Routing goes on either way. */
export const rightsChanged = defineSignal('signalbox.node.rights-changed', {
  data: objectOf({ mayDecide: flag, because: text }),
})
/** Of a proposal: what it is about, and what is proposed, words and numbers by name. */
const proposal = { id: text, type: text, subject: text, payload: mapOf(text) }

/** A proposal these agents are to vote on: by their names, on a node among others as `name@node`. */
export const consensusOpened = defineSignal('signalbox.consensus.opened', {
  data: objectOf({ ...proposal, voters: listOf(text) }),
})

const coordinationData = objectOf({
  ...proposal,
  status: oneOf('accepted', 'rejected', 'expired', 'unknown'),
  fence: count,
})
export type Coordination = ShapeOf<typeof coordinationData>

/** What became of a proposal. */
export const consensusDecided = defineSignal('signalbox.consensus.decided', { data: coordinationData })
export type Heartbeat = ShapeOf<typeof heartbeatData>

const award = objectOf({
  subject: text,
  episode: count,
  /** Who is to give it; null: nobody. */
  winner: orNull(text),
  price: orNull(positive),
  fence: count,
  /** The winner is who hears this. */
  isMine: flag,
})
export type TenderAward = ShapeOf<typeof award>

/** What became of a tender that an agent could bid for. */
export const tenderAwarded = defineSignal('signalbox.tender.awarded', { data: award })
