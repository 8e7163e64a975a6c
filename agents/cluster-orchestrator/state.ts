import type { Config } from '../../engine/writer.ts'
import type { SignalOf } from '../kit/grammar/signal.ts'
import type { clusterHealthSensed, clusterOverviewed, leaderChanged, Metrics } from '../signals.ts'
import type { ClusterState } from '../skills/agreement/cluster-state.ts'
import { type AgentsKnown, byRole, missingIn } from './agents-known.ts'
import type { Holds } from './holds.ts'
import { JOINED, type Lifecycle } from './lifecycle.ts'
import { AllLatencies, type Performance } from './performance.ts'
import { type Improving, NOT_IMPROVING } from './self-optimising.ts'
import type { clusterStateSensed } from './signals.ts'
import type { OutSince } from './triggers.ts'

export type Leading = Pick<SignalOf<typeof leaderChanged>['data'], 'standing' | 'fence' | 'isHere' | 'because'>

export interface State {
  readonly config: Config
  readonly agents: AgentsKnown
  /** Agents came, or are otherwise, and that was not told yet. */
  readonly hasNews: boolean
  readonly leading: Leading
  readonly lifecycle: Lifecycle
  readonly holds: Holds
  /** Since it leads it has heard whom its operations keep out: before that, whom the leader before kept out stays out. */
  readonly hasResumed: boolean
  readonly cluster: ClusterState
  /** It is known what the cluster agrees on: all was read once, or there is nothing to read. */
  readonly isClusterKnown: boolean
  /** What this node would tell the others of each part, as far as it knows itself. */
  readonly facts: Readonly<Partial<Record<'config' | 'topology', unknown>>>
  readonly quarantined: readonly string[]
  readonly outSince: OutSince
  /** A look at the tables is due. */
  readonly isLookDue: boolean
  readonly metrics: Metrics | undefined
  /** Changed in place, see there. */
  readonly latencies: AllLatencies
  readonly performance: Performance | undefined
  readonly improving: Improving
  readonly emergencies: number
  readonly running: number
  /** Who is registered, and how many endpoints there are; undefined before the first look. */
  readonly sensed: SignalOf<typeof clusterStateSensed>['data'] | undefined
  readonly overview: SignalOf<typeof clusterOverviewed>['data'] | undefined
  readonly health: SignalOf<typeof clusterHealthSensed>['data'] | undefined
}

export function newState(config: Config): State {
  return {
    config,
    agents: new Map(),
    hasNews: false,
    leading: { standing: 'candidate', fence: 0, isHere: false, because: 'it has just begun' },
    lifecycle: JOINED,
    holds: new Map(),
    hasResumed: false,
    cluster: {},
    isClusterKnown: false,
    facts: {},
    quarantined: [],
    outSince: new Map(),
    isLookDue: false,
    metrics: undefined,
    latencies: new AllLatencies(),
    performance: undefined,
    improving: NOT_IMPROVING,
    emergencies: 0,
    running: 0,
    sensed: undefined,
    overview: undefined,
    health: undefined,
  }
}

/** What people are shown of it. */
export function describe(state: State): unknown {
  const { leading, lifecycle, agents, holds, config, running, emergencies, health, overview, performance, sensed } =
    state
  const { strategy, goals } = config.agents['cluster-orchestrator']
  return {
    ...{ leading, phase: lifecycle.phase, strategy, goals, running, emergencies },
    ...{
      registered: sensed?.agents ?? [],
      agents: byRole(agents),
      missing: missingIn(agents),
      holds: Object.fromEntries(holds),
    },
    ...{ health: health ?? null, overview: overview ?? null, performance: performance ?? null },
  }
}
