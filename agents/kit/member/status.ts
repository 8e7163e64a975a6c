import type { AnyAgent, ConfigInForce } from '../grammar/agent.ts'
import type { Interest, Slices } from '../grammar/skill.ts'
import type { Membership, MembershipOptions } from './membership.ts'

/** An agent as it is now: what every agent is beside its own affairs, as plain data of bounded size. */
export interface AgentReport {
  /** `name@node`: the same over all its lives, and no other agent's. */
  readonly agentId: string
  readonly clusterRole: string
  /** Where it is, and which of its lives this is. */
  readonly clusterNode: { readonly node: string; readonly incarnation: number }
  readonly knownNodes: readonly string[]
  readonly clusterTopology: Membership['topology']
  /** What its own definition shows of its state, and under `skills` what its skills show of theirs; null where none shows anything. */
  readonly localState: unknown
  /** Other agents, by `name@node`; times on the region's clock, in ms. */
  readonly peerConnections: Readonly<Record<string, unknown>>
  /** Null: unregistered, and trying. */
  readonly registration: Membership['registration']
  /** Ids of open proposals it is to vote on. */
  readonly consensusParticipation: readonly string[]
  readonly coordinationHistory: Membership['coordinations']
  readonly performanceMetrics: Membership['doing']
  readonly healthStatus: { readonly health: Membership['health']; readonly reasons: readonly string[] }
  /** Its own last one, on the region's clock, in ms; null before the first. */
  readonly lastHeartbeat: number | null
  /** `configVersion`: which config it works with, see ConfigInForce. */
  readonly clusteringConfig: { readonly heartbeatMs: number; readonly configVersion: number }
  /** The knobs of the agents that detect failures, and of the one that sets weights. */
  readonly failureDetectionConfig: unknown
  readonly optimizationConfig: unknown
  /** What it is made of, by name, its skills included: all agents are of one kind. */
  readonly madeOf: AgentParts
}

/** Actions, sensors and skills by name, signals by type, words of the tables by column. Membership, which every agent has, is left out. */
export interface AgentParts {
  readonly actions: readonly string[]
  readonly sensors: readonly string[]
  readonly skills: readonly string[]
  readonly listens: readonly string[]
  readonly emits: readonly string[]
  readonly writes: readonly string[]
}

export function reportOf(
  agent: AnyAgent,
  state: unknown,
  member: Membership,
  { agent: name, node, incarnation, heartbeatMs }: MembershipOptions,
  { config: { agents }, configVersion }: ConfigInForce,
  slices?: Slices,
): AgentReport {
  return {
    agentId: `${name}@${node}`,
    clusterRole: agent.role,
    clusterNode: { node, incarnation },
    knownNodes: member.knownNodes,
    clusterTopology: member.topology,
    // The first report comes before the agent itself has begun.
    localState: state === undefined ? null : localStateOf(agent, state, slices),
    peerConnections: Object.fromEntries(member.peers),
    registration: member.registration,
    consensusParticipation: member.participation,
    coordinationHistory: member.coordinations,
    performanceMetrics: member.doing,
    healthStatus: { health: member.health, reasons: member.reasons },
    lastHeartbeat: member.heartbeatMs,
    clusteringConfig: { heartbeatMs, configVersion },
    failureDetectionConfig: {
      'health-monitor': agents['health-monitor'],
      'failure-detector': agents['failure-detector'],
    },
    optimizationConfig: { 'load-balancer': agents['load-balancer'] },
    madeOf: partsOf(agent),
  }
}

function localStateOf({ describe, skills }: AnyAgent, state: unknown, slices: Slices | undefined): unknown {
  const own = describe?.(state) ?? null
  const shown = skills.flatMap(each => (each.describe && slices ? [[each.key, each.describe(slices.of(each))]] : []))
  return shown.length === 0 ? own : { ...(own as object), skills: Object.fromEntries(shown) }
}

function partsOf({ actions, sensors, skills, listens, emits, writes }: AnyAgent): AgentParts {
  const all = [{ actions, sensors, listens, emits }, ...skills]
  const interest = (each: Interest): string => (typeof each === 'string' ? each : each.type)
  return {
    actions: unique(all.flatMap(each => each.actions.map(({ name }) => name))),
    sensors: unique(all.flatMap(each => each.sensors.map(({ name }) => name))),
    skills: unique(skills.map(({ skill }) => skill)),
    listens: unique(all.flatMap(each => each.listens.map(interest))),
    emits: unique(all.flatMap(each => each.emits.map(({ type }) => type))),
    writes,
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
