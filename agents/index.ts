/**
 * signalbox/agents: the control plane. Agents in threads of their own watch the endpoints and write down what they
 * found; picks read it. Hand `agents` to createSignalbox, or a roster with agents of your own besides.
 */
import type { Control } from '../engine/writer.ts'
import type { SequencerKeeper } from './bridge/sequencer-keeper.ts'
import { KINDS } from './kinds.ts'
import { checkRoster, checkSupervision } from './kit/supervision/check-roster.ts'
import type { Placement, SupervisionOptions } from './kit/supervision/placement.ts'
import type { ProfileName } from './kit/supervision/profile.ts'
import type { RosterEntry } from './kit/supervision/roster-entry.ts'
import type { TestCluster, TestClusterOptions } from './kit/virtual/test-cluster.ts'
import type { Opened } from './kit/virtual/virtual-node.ts'
import { type TestControlPlane, type TestPlaneOptions, VirtualPlane } from './kit/virtual/virtual-plane.ts'
import { ROSTER } from './roster.ts'

export type { AwardResult } from './bridge/auction.ts'
export type { MeetingResult } from './bridge/barrier.ts'
export { Bridge, type BridgeOptions, type BridgeStatus, type Motion } from './bridge/bridge.ts'
export type { Result } from './bridge/consensus.ts'
export type { Leadership } from './bridge/election.ts'
export { FenceGate } from './bridge/fence.ts'
export type { FencedRecord, FencedRecords } from './bridge/fenced-records.ts'
export { type Decision, isBorneOut, type Proposal, type Vote } from './bridge/proposal.ts'
export type { Criteria, Registered, Registration } from './bridge/registry.ts'
export type { Answer, Change, Entry, Lease, Listing, Store, StoreStatus, Watch } from './bridge/store.ts'
export { rollDie } from './kit/dice.ts'
export {
  type Action,
  type ActionDefinition,
  defineAction,
  type Edge,
  type RegistryPlace,
} from './kit/grammar/action.ts'
export { type Agent, type AgentDefinition, defineAgent, type Setup } from './kit/grammar/agent.ts'
export {
  act,
  ask,
  type Directive,
  emit,
  mount,
  reply,
  report,
  type Step,
  schedule,
  stay,
  tell,
  unmount,
  writeEndpoint,
  writeService,
} from './kit/grammar/directive.ts'
export { actionFailed, asked, sensorFailed, unanswered } from './kit/grammar/own-signals.ts'
export { type Schema, trusted } from './kit/grammar/schema.ts'
export {
  defineSensor,
  type Percept,
  type Sensor,
  type SensorDefinition,
  type SensorEdge,
} from './kit/grammar/sensor.ts'
export {
  type Draft,
  defineSignal,
  type Overflow,
  type Reach,
  type Signal,
  type SignalKind,
  type SignalOf,
  type SignalOptions,
  toNode,
} from './kit/grammar/signal.ts'
export {
  defineSkill,
  type Interest,
  type Mounted,
  type Skill,
  type SkillDefinition,
  type Slices,
} from './kit/grammar/skill.ts'
export * from './kit/member/membership-signals.ts'
export type { AgentReport } from './kit/member/status.ts'
export { type ParentLost, parentLost } from './kit/supervision/parent-lost.ts'
export type { Placement, SupervisionOptions } from './kit/supervision/placement.ts'
export type { ProfileName } from './kit/supervision/profile.ts'
export type { RosterEntry } from './kit/supervision/roster-entry.ts'
export type { EndpointColumn, RowRef, ServiceColumn } from './kit/table-port.ts'
export { type EndpointView, lookAtTables, type ServiceView, type TablesView, tablesSeen } from './kit/tables.ts'
export type { Carried, Link, Network } from './kit/virtual/network.ts'
export type { TestCluster, TestClusterOptions, TestNode } from './kit/virtual/test-cluster.ts'
export type { TestControlPlane, TestPlaneOptions } from './kit/virtual/virtual-plane.ts'
export { ROSTER } from './roster.ts'
export * from './signals.ts'

export interface AgentsOptions extends SupervisionOptions {
  /** The agents, in the order they start. Default: ROSTER; `[...ROSTER, { name, module, restart }]` adds one of yours. */
  roster?: readonly RosterEntry[]
  /**
   * Which agents share a thread: those of a group (`grouped`), none (`dedicated`), or all (`shared`). One that is not permanent
   * or belongs to another has its own. Default: what the config says under `agents.threads`, and that is `grouped`.
   */
  threads?: Placement
  /**
   * How closely the threads are watched. `default` finds one that hangs after a second, `fast` after some 100 ms, for ten times
   * as many wake-ups and a spare thread. Default: what the config says under `agents.supervision`, and that is `default`.
   */
  profile?: ProfileName
  /**
   * File in which what agents agreed on outlives the process: one line for each change, synced once for all of a turn. One process of a
   * machine keeps it at a time, see FILE.lock beside it; as long as another does, or it cannot be opened, agents run unregistered, and it is tried
   * again. Default: it is kept in memory, and a sequencer that begins anew begins with nothing and a higher term.
   */
  storeFile?: string
}

/**
 * A control plane for createSignalbox.
 *
 * Agents run in threads that do not keep the process alive. A thread that ends by a fault, hangs or has filled 70 % of its
 * memory is restarted with all of its agents: within 20 ms, then after 50, 100, 200 ms …. A group that fails a fourth time within five
 * seconds rests for ten, which is logged as fatal, and is then tried from the beginning; each time it does not help the rest is
 * twice as long, up to five minutes. The tables stay as they are meanwhile, and routing goes on. Options change all of these.
 *
 * An agent whose config says `agents.<name>.enabled: false` is not started.
 *
 * Throws SBX_AGENT_INVALID when the roster is not as it must be (see checkRoster) or an option is out of its range. Starting
 * rejects with SBX_AGENT_FAILED when an agent cannot be started.
 */
export function createAgents(options: AgentsOptions = {}): Control {
  const { roster = ROSTER, threads: _, profile: __, storeFile: ___, ...supervision } = options
  checkRoster(roster)
  checkSupervision(supervision)
  return {
    async start(link) {
      // Loaded here, by whoever has agents run: this door is loaded in every thread of agents of yours too.
      const { startAgents } = await import('./start-agents.ts')
      return startAgents(roster, options, link)
    },
  }
}

/** The agents of signalbox, those of ROSTER, as createAgents() makes them. */
export const agents: Control = createAgents()

/**
 * A control plane for tests: the same agents, supervised the same way, in this thread and in virtual time. Hand it to createSignalbox as
 * `control`; then time passes as far as `advance` lets it, for picks of the box too, and chance follows from `seed`.
 *
 *   const plane = createTestControlPlane({ agents: { 'health-monitor': mock } })
 *   const box = await createSignalbox(config, { control: plane })
 *   await plane.advance(10_000)
 *
 * Throws SBX_AGENT_INVALID as createAgents does. createSignalbox rejects with SBX_AGENT_FAILED when an agent cannot be started, and with
 * SBX_AGENT_INVALID when the plane runs a box already.
 */
export function createTestControlPlane(options: TestPlaneOptions = {}): TestControlPlane {
  const loadBridging = async () => (await import('./virtual-bridging.ts')).virtualBridging()
  return new VirtualPlane(options.roster ?? ROSTER, KINDS, loadBridging, options)
}

/**
 * Several nodes for tests: each a box with its agents as createTestControlPlane runs them, all on one virtual clock, one seed and one store,
 * which they reach over a network that can lose, delay and be cut.
 *
 *   const cluster = await createTestCluster({ nodes: 5, seed: 7, open: control => createSignalbox(config, { control }) })
 *   await cluster.advance(10_000)
 *   cluster.partition([['a', 'b', 'c'], ['d', 'e']]) //      'store' in a group cuts that as well
 *   await cluster.advance(12_000)
 *   cluster.node('d').box.router('api').pick() //            routing goes on
 *   cluster.node('d').plane.state('partition-handler') //    what an agent of node d knows
 *   cluster.heal()
 *   await cluster.close()
 *
 * Signals of kinds with `reach: 'cluster'` travel as JSON, half a millisecond by default, and may be lost. A monotonic clock of one node says
 * nothing to another. In the registry an agent is called `name@node` there. Throws and rejects as createTestControlPlane does.
 */
export async function createTestCluster<Box extends Opened>(
  options: TestClusterOptions<Box>,
): Promise<TestCluster<Box>> {
  const { VirtualCluster } = await import('./virtual-cluster.ts')
  const cluster = new VirtualCluster(options)
  await cluster.startAll()
  return cluster
}

/**
 * Something to agree through without any agents: a sequencer in a thread of its own that does not keep the process alive. `open()` gives a
 * store for this thread, and a Bridge over it is all there is to it:
 *
 *   const sequencer = await startSequencer()
 *   const bridge = new Bridge(sequencer.open(), { agent: 'worker-1', incarnation: 1 })
 *
 * `file`: where changes outlive the process, one line for each, synced once for all of a turn. Left out: they are kept in memory.
 * Rejects with SBX_STORE_REFUSED where the file cannot be read or written, or another process of this machine keeps it.
 */
export async function startSequencer(file?: string): Promise<SequencerKeeper> {
  const { SequencerKeeper } = await import('./bridge/sequencer-keeper.ts')
  return SequencerKeeper.start(file)
}
