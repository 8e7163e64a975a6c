import { defineAction } from '../grammar/action.ts'
import { act, type Directive, emit, reply, report, type Step, stay } from '../grammar/directive.ts'
import { trusted } from '../grammar/schema.ts'
import { defineSensor } from '../grammar/sensor.ts'
import { defineSignal } from '../grammar/signal.ts'
import { defineSkill, type Mounted } from '../grammar/skill.ts'
import { appended } from '../run/bounded.ts'
import type { Doing } from '../run/pace.ts'
import {
  agentHeartbeat,
  agentStatusChanged,
  type Coordination,
  consensusDecided,
  consensusOpened,
  type Health,
  type Heartbeat,
  healthReported,
  healthRequested,
  rightsChanged,
  type Topology,
  topologyUpdated,
} from './membership-signals.ts'

/** Another agent, as its last heartbeat told. */
export interface Peer {
  readonly node: string
  readonly incarnation: number
  readonly health: Health
  readonly sinceMs: number
  readonly heardMs: number
}

export interface Membership {
  readonly knownNodes: readonly string[]
  readonly topology: Topology
  readonly peers: ReadonlyMap<string, Peer>
  /** Null: unregistered, and trying. */
  readonly registration: { readonly revision: number; readonly registeredMs: number } | null
  readonly participation: readonly string[]
  readonly coordinations: readonly Coordination[]
  readonly doing: Doing
  /** Signals its mailbox had no room for, at the heartbeat before the last. */
  readonly droppedBefore: number
  readonly health: Health
  readonly reasons: readonly string[]
  readonly heartbeatMs: number | null
}

export interface MembershipOptions {
  readonly agent: string
  readonly role: string
  readonly node: string
  readonly incarnation: number
  /** From one heartbeat to the next, in ms. */
  readonly heartbeatMs: number
}

const NODES_MAX = 1024
const PEERS_MAX = 256
const PARTICIPATION_MAX = 256
const COORDINATIONS_MAX = 100

/** So many signals waiting at a heartbeat: it does not keep up. The mailbox of others' signals holds twice as many. */
const QUEUED_DEGRADED = 512
/** A decision that takes longer than a beat of the thread keeps all of it waiting. */
const HANDLING_US_DEGRADED = 100_000

/** While its registration is under way it looks that often whether it is there … */
const REGISTERING_MS = 500
/** … for five seconds: what has not come by then is kept by something that will not be over soon, and is noticed with the next heartbeat. */
const REGISTERING_LOOKS = 10

const NOTHING_DONE: Doing = { handled: 0, handledPerSecond: 0, handlingUsP99: 0, failures: 0, queued: 0, dropped: 0 }

/** To itself: how it has been doing. */
const selfSensed = defineSignal('signalbox.self.sensed', { data: trusted<{ readonly doing: Doing }>() })

/** To itself: the registry has another entry of it than before, or none any more, which is 0. */
const entrySensed = defineSignal('signalbox.entry.sensed', { data: trusted<{ readonly revision: number }>() })

const registryTold = defineSignal('signalbox.registry.told')

const rightsTold = defineSignal('signalbox.rights.told')

const tellBridge = defineAction({
  name: 'tell-bridge',
  done: rightsTold,
  run: ({ mayDecide, because }: { readonly mayDecide: boolean; readonly because: string }, { bridge }) => {
    bridge?.rights.set(mayDecide, because)
    return null
  },
})

const tellRegistry = defineAction({
  name: 'tell-registry',
  done: registryTold,
  run: (change: { readonly health: Health }, { place }) => {
    place?.update(change)
    return null
  },
})

/** How an agent is, by how it has been doing since the last time. `before` failed is two looks of a full mailbox. */
export function judgeHealth(before: Membership, doing: Doing): Pick<Membership, 'health' | 'reasons'> {
  const dropped = doing.dropped - before.doing.dropped
  const reasons = [
    ...(dropped > 0 ? [`${dropped} signals had no room in its mailbox`] : []),
    ...(doing.queued >= QUEUED_DEGRADED ? [`${doing.queued} signals wait in its mailbox`] : []),
    ...(doing.handlingUsP99 >= HANDLING_US_DEGRADED
      ? [`a decision takes it up to ${Math.round(doing.handlingUsP99 / 1000)} ms`]
      : []),
    ...(doing.failures > 0 ? [`${doing.failures} of its actions or sensors have failed`] : []),
  ]
  if (reasons.length === 0) return { health: 'healthy', reasons }
  const isDrowning = dropped > 0 && before.doing.dropped > before.droppedBefore
  return { health: isDrowning ? 'failed' : 'degraded', reasons }
}

/**
 * What every agent is besides itself: a member of the cluster. It says that it lives and how it is, keeps its place in the registry,
 * knows the others by their heartbeats, and answers for its health at once.
 *
 *   every heartbeat ──▶ look at itself ──▶ heartbeat to all · status, where it has changed · word to the registry
 *   now and then ─────▶ look whether the registry has it ──▶ heartbeat to all, where that has changed
 *
 * Nothing of it grows without bound.
 */
export function membership(options: MembershipOptions): Mounted<Membership> {
  const skill = defineSkill({
    name: 'membership',
    listens: [agentHeartbeat, healthRequested, topologyUpdated, consensusOpened, consensusDecided, rightsChanged],
    own: [registryTold, rightsTold],
    emits: [agentHeartbeat, agentStatusChanged, healthReported],
    actions: [tellRegistry, tellBridge],
    sensors: [
      defineSensor({
        name: 'entry',
        emits: entrySensed,
        everyMs: options.heartbeatMs,
        start: () => ({ revision: 0, looks: 0 }),
        read: ({ place }) => place?.revision,
        perceive(before, found: number | undefined) {
          const revision = found ?? 0
          const looks = found === 0 ? Math.min(before.looks + 1, REGISTERING_LOOKS) : 0
          return {
            memory: { revision, looks },
            readings: revision === before.revision ? [] : [entrySensed.of({ revision })],
            ...(found === 0 &&
              before.looks < REGISTERING_LOOKS && { nextMs: Math.min(REGISTERING_MS, options.heartbeatMs) }),
          }
        },
      }),
      defineSensor({
        name: 'self',
        emits: selfSensed,
        everyMs: options.heartbeatMs,
        spreadMs: options.heartbeatMs / 10,
        start: () => null,
        read: ({ self }) => self(),
        perceive: (memory, doing: Doing) => ({ memory, readings: [selfSensed.of({ doing })] }),
      }),
    ],
    start: ({ node }: MembershipOptions): Step<Membership> => ({ state: newMember(node), directives: [report()] }),
    decide(member, signal, now) {
      switch (signal.type) {
        case 'signalbox.self.sensed':
          return onSensed(member, signal.data.doing, options, now)
        case 'signalbox.entry.sensed':
          return onEntry(member, signal.data.revision, options, now)
        case 'signalbox.agent.heartbeat':
          return stay(onHeartbeat(member, signal.data, options, now))
        case 'signalbox.agent.health-requested':
          return {
            state: member,
            directives: [reply(signal, healthReported.of({ ...beatOf(member, options), reasons: member.reasons }))],
          }
        case 'signalbox.topology.updated':
          return stay(onTopology(member, signal.data, options))
        case 'signalbox.consensus.opened':
          return stay(onOpened(member, signal.data, options))
        case 'signalbox.consensus.decided':
          return stay(onDecided(member, signal.data))
        case 'signalbox.node.rights-changed':
          return { state: member, directives: [act(tellBridge, signal.data)] }
        default:
          return stay(member)
      }
    },
  })
  return skill.mount('membership', options)
}

function newMember(node: string): Membership {
  return {
    knownNodes: [node],
    topology: { version: 0, nodes: [node], connections: {} },
    peers: new Map(),
    registration: null,
    participation: [],
    coordinations: [],
    doing: NOTHING_DONE,
    droppedBefore: 0,
    health: 'healthy',
    reasons: [],
    heartbeatMs: null,
  }
}

function beatOf({ health, doing }: Membership, { agent, role, node, incarnation }: MembershipOptions) {
  return { agent, role, node, incarnation, health, queued: doing.queued }
}

function onSensed(before: Membership, doing: Doing, options: MembershipOptions, now: number): Step<Membership> {
  const { health, reasons } = judgeHealth(before, doing)
  const member: Membership = {
    ...before,
    ...{ doing, droppedBefore: before.doing.dropped, health, reasons, heartbeatMs: now },
  }
  const directives: Directive[] = [emit(agentHeartbeat.of(beatOf(member, options), options.agent))]
  if (health !== before.health) {
    const { agent, role } = options
    directives.push(
      emit(agentStatusChanged.of({ agent, role, from: before.health, to: health, reasons }, agent)),
      act(tellRegistry, { health }),
    )
  }
  return { state: member, directives: [...directives, report()] }
}

/** Who is registered may be found from now on: the others hear at once that it is there, those too that were not when it began. */
function onEntry(before: Membership, revision: number, options: MembershipOptions, now: number): Step<Membership> {
  const registration = revision === 0 ? null : { revision, registeredMs: now }
  const member: Membership = { ...before, registration, heartbeatMs: now }
  return { state: member, directives: [emit(agentHeartbeat.of(beatOf(member, options), options.agent)), report()] }
}

function onHeartbeat(
  member: Membership,
  { agent, node, incarnation, health }: Heartbeat,
  options: MembershipOptions,
  now: number,
): Membership {
  if (agent === options.agent && node === options.node) return member
  const name = `${agent}@${node}`
  const known = member.peers.get(name)
  if (known !== undefined && known.incarnation > incarnation) return member
  if (known === undefined && member.peers.size >= PEERS_MAX) return member
  const sinceMs = known?.incarnation === incarnation ? known.sinceMs : now
  const peers = new Map(member.peers).set(name, { node, incarnation, health, sinceMs, heardMs: now })
  return { ...member, peers, knownNodes: withAll(member.knownNodes, [node]) }
}

function onTopology(member: Membership, topology: Topology, { node }: MembershipOptions): Membership {
  if (topology.version <= member.topology.version) return member
  return { ...member, topology, knownNodes: withAll([node], topology.nodes) }
}

function onOpened(
  member: Membership,
  { id, voters }: { readonly id: string; readonly voters: readonly string[] },
  { agent, node }: MembershipOptions,
): Membership {
  // Where its like is on other nodes it votes by the name that says where it is.
  if (!(voters.includes(agent) || voters.includes(`${agent}@${node}`)) || member.participation.includes(id))
    return member
  return { ...member, participation: appended(member.participation, id, PARTICIPATION_MAX) }
}

function onDecided(member: Membership, decided: Coordination): Membership {
  if (!member.participation.includes(decided.id)) return member
  return {
    ...member,
    participation: member.participation.filter(id => id !== decided.id),
    coordinations: appended(member.coordinations, decided, COORDINATIONS_MAX),
  }
}

function withAll(nodes: readonly string[], more: readonly string[]): readonly string[] {
  const news = more.filter(node => !nodes.includes(node))
  return news.length === 0 ? nodes : [...nodes, ...new Set(news)].slice(0, NODES_MAX)
}
