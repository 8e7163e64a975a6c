import { z } from 'zod'
import { defineSignal } from './signal.ts'

/** What every agent says and hears of itself and its like, whatever else it does. */

export type Health = 'healthy' | 'degraded' | 'failed'

const health = z.enum(['healthy', 'degraded', 'failed'])
const whole = z.int().min(0)

export const heartbeatData = z
  .object({ agent: z.string(), role: z.string(), node: z.string(), incarnation: whole, health, queued: whole })
  .readonly()

/** From every agent, every few seconds: it lives, and how it is. */
export const agentHeartbeat = defineSignal('signalbox.agent.heartbeat', { data: heartbeatData, telemetry: true })

/** From every agent: it is otherwise than before, and why. */
export const agentStatusChanged = defineSignal('signalbox.agent.status-changed', {
  data: z
    .object({ agent: z.string(), role: z.string(), from: health, to: health, reasons: z.array(z.string()).readonly() })
    .readonly(),
})

/** To every agent: how are you? */
export const healthRequested = defineSignal('signalbox.agent.health-requested', {
  data: z.object({ requester: z.string() }).readonly(),
  overflow: 'reject',
})

/** From every agent that was asked: at once, whatever else is broken. */
export const healthReported = defineSignal('signalbox.agent.health-reported', {
  data: heartbeatData
    .unwrap()
    .extend({ reasons: z.array(z.string()).readonly() })
    .readonly(),
  answers: healthRequested,
})

const topologyData = z
  .object({
    version: whole,
    nodes: z.array(z.string()).readonly(),
    /** From each node to those it reaches, with the latency last measured, in ms. */
    connections: z.record(z.string(), z.record(z.string(), z.number())).readonly(),
  })
  .readonly()
export type Topology = z.output<typeof topologyData>

/** Which nodes there are and who reaches whom; of two the one with the higher version counts. */
export const topologyUpdated = defineSignal('signalbox.topology.updated', { data: topologyData })

/** A proposal these agents are to vote on. */
export const consensusOpened = defineSignal('signalbox.consensus.opened', {
  data: z.object({ id: z.string(), subject: z.string(), voters: z.array(z.string()).readonly() }).readonly(),
})

const coordinationData = z
  .object({
    id: z.string(),
    subject: z.string(),
    status: z.enum(['accepted', 'rejected', 'expired', 'unknown']),
    fence: whole,
  })
  .readonly()
export type Coordination = z.output<typeof coordinationData>

/** What became of a proposal. */
export const consensusDecided = defineSignal('signalbox.consensus.decided', { data: coordinationData })
export type Heartbeat = z.output<typeof heartbeatData>
