import type { Config } from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { act, type Directive, emit, reply, type Step, schedule, stay, tell } from '../kit/grammar/directive.ts'
import { actionFailed } from '../kit/grammar/own-signals.ts'
import type { Signal, SignalOf } from '../kit/grammar/signal.ts'
import type { Slices } from '../kit/grammar/skill.ts'
import { agentHeartbeat, topologyUpdated } from '../kit/member/membership-signals.ts'
import { lookAtTables, type TablesView, tablesSeen } from '../kit/tables.ts'
import {
  agentsDiscovered,
  cancelAnswered,
  cancelRequested,
  clusterHealthSensed,
  clusterOverviewed,
  clusterPerformanceSensed,
  clusterStateChanged,
  configChanged,
  endpointEjected,
  endpointQuarantined,
  endpointReleased,
  endpointReturned,
  healthChanged,
  incidentEscalated,
  latenciesCounted,
  leaderChanged,
  lifecycleChanged,
  lifecycleRequested,
  type Metrics,
  metricsCollected,
  nodeHealthChanged,
  operationRequested,
  operationsListed,
  operationsRequested,
  partitionDetected,
  resourceExhausted,
} from '../signals.ts'
import { writeRecord } from '../skills/agreement/cluster-records.ts'
import { followRecords, recordsFollowed } from '../skills/agreement/cluster-state.ts'
import { candidacyChanged, leadership } from '../skills/agreement/leadership.ts'
import { coordination } from '../skills/operations/coordination.ts'
import { emergencyResponse, emergencySuspected } from '../skills/operations/emergency.ts'
import { HELD_BY, holdsWanted, operationCalledOff, operationsPaused } from '../skills/operations/operation-signals.ts'
import { operations } from '../skills/operations/operations.ts'
import type { Procedures } from '../skills/operations/procedure.ts'
import { heard, missingIn, seenOf, sorted } from './agents-known.ts'
import { followed, publishing } from './cluster-facts.ts'
import { goalsOf } from './goals.ts'
import { holdDirectives, withHold, withoutTarget } from './holds.ts'
import * as lifecycle from './lifecycle.ts'
import { cancelOperation, listOperations } from './listing.ts'
import { maintenanceWindow } from './maintenance.ts'
import { optimizePerformance } from './optimize.ts'
import { performanceOf } from './performance.ts'
import { rebalanceLoad } from './rebalance.ts'
import { scaleCluster } from './scale.ts'
import { BY_ITSELF, improve } from './self-optimising.ts'
import {
  clusterHealthSensor,
  clusterOverviewSensor,
  clusterPerformanceSensor,
  clusterStateSensor,
  ROLE,
} from './sensors.ts'
import { clusterStateSensed, lookDue, roundDue } from './signals.ts'
import { describe, newState, type State } from './state.ts'
import { lookForFailures, suspicionOf } from './triggers.ts'

/** Who has gone is noticed, and what is kept out is looked after, at this pace. */
const ROUND_MS = 5_000
/** From a word that something is out to the look who is: many of them may come at once. */
const LOOK_MS = 1_000

/** The five operations but `handle_emergency`, which a skill of its own meets. */
export const PROCEDURES_BY_NAME: Procedures = {
  scale_cluster: scaleCluster,
  rebalance_load: rebalanceLoad,
  optimize_performance: optimizePerformance,
  maintenance_window: maintenanceWindow,
}

const leads = leadership.mount('leadership', { role: ROLE, leaseMs: ({ agents }: Config) => agents[ROLE].lease })
const coordinates = coordination.mount('coordination', { deadlineMsMax: 600_000 })
const operates = operations.mount('operations', { role: ROLE, procedures: PROCEDURES_BY_NAME })
const meets = emergencyResponse.mount('emergencies', { role: ROLE })

/**
 * Cluster orchestrator: carries out what concerns all of the cluster, one node at a time, and meets emergencies.
 *
 * Intuition  each agent does its own work best by itself. What is left is what needs several of them, an order of steps, and somebody who
 *            looks whether it helped: scaling, evening out, improving, maintenance, emergencies.
 * listens    signalbox.operation.request · signalbox.coordination.request · signalbox.lifecycle.request, and what makes an emergency
 * emits      signalbox.operation.… · signalbox.emergency.… · signalbox.leader.changed · signalbox.agents.discovered · signalbox.cluster.…
 * writes     the bar HELD
 * never      acts for others without its term of office; takes out more than the rules of publication let it, nor what leaves too little
 * restart    permanent; what was under way lies in the store, and whoever leads next goes on with it
 *
 *                     ┌ leadership ── leaderChanged ──┬──▶ operations ──▶ coordination ──▶ other agents
 *   other nodes ◀──▶ store                            ├──▶ emergencies ── immediate actions ──▶ other agents
 *                     └ cluster records ◀── facts ────┴──▶ this agent ── holdsWanted ──▶ HELD
 *
 * Without a store it acts for this node alone, and says so.
 */
export const clusterOrchestrator = defineAgent({
  name: ROLE,
  role: ROLE,
  capabilities: ['orchestration'],
  listens: [
    agentHeartbeat,
    topologyUpdated,
    configChanged,
    metricsCollected,
    latenciesCounted,
    healthChanged,
    endpointEjected,
    endpointReturned,
    endpointQuarantined,
    endpointReleased,
    nodeHealthChanged,
    incidentEscalated,
    partitionDetected,
    resourceExhausted,
    operationsRequested,
    cancelRequested,
    lifecycleRequested,
    leaderChanged,
    holdsWanted,
    actionFailed,
  ],
  own: [
    roundDue,
    lookDue,
    emergencySuspected,
    candidacyChanged,
    operationsPaused,
    operationRequested,
    operationCalledOff,
  ],
  emits: [
    ...[operationsListed, cancelAnswered, lifecycleChanged, agentsDiscovered],
    ...[clusterStateChanged, clusterOverviewed, clusterHealthSensed, clusterPerformanceSensed],
  ],
  writes: ['heldBar'],
  actions: [lookAtTables, followRecords, writeRecord],
  sensors: [clusterStateSensor, clusterOverviewSensor, clusterHealthSensor, clusterPerformanceSensor],
  skills: [leads, coordinates, operates, meets],
  start: ({ config }): Step<State> => ({
    state: newState(config),
    directives: [schedule(ROUND_MS, roundDue.of(null)), act(followRecords, { since: 0, known: [], isFirst: true })],
  }),
  reload: (state, config) => stay({ ...state, config }),
  decide,
  describe,
})

export default clusterOrchestrator

function decide(state: State, signal: Signal, now: number, slices: Slices): Step<State> {
  if (agentHeartbeat.is(signal)) return onHeartbeat(state, signal.data, now)
  if (latenciesCounted.is(signal)) {
    state.latencies.add(signal.data.rows)
    return stay(state)
  }
  if (metricsCollected.is(signal)) return onMetrics(state, signal.data, now, slices)
  if (roundDue.is(signal)) return onRound(state, now, slices)
  if (lookDue.is(signal)) return { state: { ...state, isLookDue: false }, directives: [act(lookAtTables, undefined)] }
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  if (leaderChanged.is(signal)) return onLeader(state, signal.data)
  if (holdsWanted.is(signal)) return onHolds(state, signal.data)
  if (recordsFollowed.is(signal)) return followed(state, signal.data)
  if (operationsRequested.is(signal)) {
    return { state, directives: [listOperations(signal, slices.of(operates), slices.of(meets), state.leading, now)] }
  }
  if (cancelRequested.is(signal)) {
    return { state, directives: cancelOperation(signal, slices.of(operates), slices.of(meets), state.leading) }
  }
  if (lifecycleRequested.is(signal)) {
    return turn(state, lifecycle.ask(state.lifecycle, signal, slices.of(operates).running.size, now))
  }
  if (clusterOverviewed.is(signal)) return stay({ ...state, overview: signal.data })
  if (clusterHealthSensed.is(signal)) return stay({ ...state, health: signal.data })
  if (clusterStateSensed.is(signal)) {
    return { state: { ...state, sensed: signal.data }, directives: [act(lookAtTables, undefined)] }
  }
  return onFact(state, signal)
}

function onHeartbeat(state: State, beat: SignalOf<typeof agentHeartbeat>['data'], now: number): Step<State> {
  const { known, isNews } = heard(state.agents, beat, now)
  return stay({ ...state, agents: known, hasNews: state.hasNews || isNews })
}

function tellAgents({ agents }: State, gone: readonly string[]): Directive {
  return emit(agentsDiscovered.of({ agents: seenOf(agents), gone, missing: missingIn(agents) }))
}

/** Who has gone, what is to be kept out, what the others are to know, whether draining is over. */
function onRound(before: State, now: number, slices: Slices): Step<State> {
  const { known, gone } = sorted(before.agents, now)
  const running = slices.of(operates).running.size
  const state: State = { ...before, agents: known, hasNews: false, running, emergencies: slices.of(meets).open.size }
  const directives: Directive[] = [schedule(ROUND_MS, roundDue.of(null))]
  if (gone.length > 0 || before.hasNews) directives.push(tellAgents(state, gone))
  if (state.holds.size > 0 || holdsOfOthers(state).length > 0) directives.push(act(lookAtTables, undefined))
  const published = publishing(state)
  const turned = turn(published.state, lifecycle.look(state.lifecycle, running, now))
  return { state: turned.state, directives: [...directives, ...published.directives, ...turned.directives] }
}

function onTables(state: State, tables: TablesView, now: number): Step<State> {
  const wanted = new Set([...[...state.holds.values()].flat(), ...holdsOfOthers(state)])
  const mayRelease = state.isClusterKnown && (state.hasResumed || !state.leading.isHere)
  const directives = holdDirectives(wanted, tables, mayRelease)
  const { outSince, suspicions } = lookForFailures(state.outSince, tables, now)
  if (state.config.agents[ROLE].strategy !== 'manual') {
    directives.push(...suspicions.map(suspicion => tell(emergencySuspected.of(suspicion))))
  }
  const after = { ...state, outSince }
  // Until fewer are out, or it is an emergency and looked after as that.
  return outSince.size > suspicions.length ? lookSoon(after, directives) : { state: after, directives }
}

function lookSoon(state: State, directives: readonly Directive[] = []): Step<State> {
  if (state.isLookDue) return { state, directives }
  return { state: { ...state, isLookDue: true }, directives: [...directives, schedule(LOOK_MS, lookDue.of(null))] }
}

/** What the one that leads keeps out on all nodes; the leader itself knows better. */
function holdsOfOthers({ leading, hasResumed, cluster }: State): readonly string[] {
  if (leading.isHere && hasResumed) return []
  const said = cluster.holds?.value
  return Array.isArray(said) ? said.filter(each => typeof each === 'string') : []
}

function onLeader(state: State, leading: SignalOf<typeof leaderChanged>['data']): Step<State> {
  const after: State = { ...state, leading, hasResumed: false }
  // Who is alone has nobody to read from.
  const isClusterKnown = state.isClusterKnown || leading.standing === 'alone'
  return { state: { ...after, isClusterKnown }, directives: [act(lookAtTables, undefined)] }
}

function onHolds(before: State, { by, targets }: SignalOf<typeof holdsWanted>['data']): Step<State> {
  const hasResumed = before.hasResumed || (by === HELD_BY && before.leading.isHere)
  const { state, directives } = publishing({ ...before, holds: withHold(before.holds, by, targets), hasResumed })
  return { state, directives: [act(lookAtTables, undefined), ...directives] }
}

function onMetrics(before: State, metrics: Metrics, now: number, slices: Slices): Step<State> {
  before.latencies.rotate()
  const state: State = { ...before, metrics, performance: performanceOf(metrics, before.latencies) }
  const { strategy } = state.config.agents[ROLE]
  if (strategy !== 'adaptive' || !state.leading.isHere || state.lifecycle.phase !== 'joined') return stay(state)
  const { running } = slices.of(operates)
  const isAtIt = [...running.values()].some(({ operation }) => operation === 'optimize_performance')
  const { improving, begins } = improve(state.improving, metrics, goalsOf(state.config), now)
  const wish = operationRequested.of({ operation: 'optimize_performance', options: {}, by: BY_ITSELF })
  return { state: { ...state, improving }, directives: begins && !isAtIt ? [tell(wish)] : [] }
}

function onFact(state: State, signal: Signal): Step<State> {
  const suspicion = suspicionOf(signal)
  if (suspicion !== undefined) {
    const isManual = state.config.agents[ROLE].strategy === 'manual'
    return { state, directives: isManual ? [] : [tell(emergencySuspected.of(suspicion))] }
  }
  if (healthChanged.is(signal) || endpointEjected.is(signal) || endpointReturned.is(signal)) return lookSoon(state)
  if (configChanged.is(signal)) return withFact(state, 'config', signal.data.digest)
  if (topologyUpdated.is(signal)) return withFact(state, 'topology', { nodes: [...signal.data.nodes].sort() })
  if (endpointQuarantined.is(signal)) {
    const { service, id, standing } = signal.data
    const target = `${service}/${id}`
    const isSure = standing !== 'local' && !state.quarantined.includes(target)
    // The quarantine keeps it out from now on, and looks when it is well; an operation has its own time.
    const holds = withoutTarget(state.holds, target, HELD_BY)
    const quarantined = isSure ? [...state.quarantined, target].sort() : state.quarantined
    const step = publishing({ ...state, holds, quarantined })
    return { state: step.state, directives: [act(lookAtTables, undefined), ...step.directives] }
  }
  if (endpointReleased.is(signal)) {
    const { service, id } = signal.data
    return publishing({ ...state, quarantined: state.quarantined.filter(each => each !== `${service}/${id}`) })
  }
  return stay(state)
}

function withFact(state: State, name: 'config' | 'topology', value: unknown): Step<State> {
  return publishing({ ...state, facts: { ...state.facts, [name]: value } })
}

function turn(state: State, { lifecycle: next, takesOperations, stands, answers }: lifecycle.Turn): Step<State> {
  const { phase } = next
  const because = `this node is ${phase}`
  const directives: Directive[] = [
    ...(takesOperations === undefined ? [] : [tell(operationsPaused.of({ isPaused: !takesOperations, because }))]),
    ...(stands === undefined || stands === 'yes' ? [] : [tell(candidacyChanged.of({ isWilling: false, because }))]),
    ...(stands === undefined || stands === 'no' ? [] : [tell(candidacyChanged.of({ isWilling: true, because }))]),
    ...answers.map(answer => reply(answer.question, lifecycleChanged.of({ phase, because: answer.because }))),
  ]
  return { state: { ...state, lifecycle: next }, directives }
}
