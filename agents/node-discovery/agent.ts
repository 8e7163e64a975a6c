import type { Config } from '../../engine/writer.ts'
import { defineAgent, type Setup } from '../kit/grammar/agent.ts'
import { type Directive, emit, mount, type Step, schedule, stay, unmount } from '../kit/grammar/directive.ts'
import { actionFailed } from '../kit/grammar/own-signals.ts'
import type { Signal, SignalOf } from '../kit/grammar/signal.ts'
import { agentHeartbeat, topologyUpdated } from '../kit/member/membership-signals.ts'
import {
  discoveryDone,
  discoveryRefused,
  discoveryRequested,
  endpointsDiscovered,
  healthChanged,
  nodeHealthChanged,
  sourceChanged,
} from '../signals.ts'
import { networkAnalysis } from '../skills/network/network-analysis.ts'
import { membersChanged, nodesRegistered, registryNodes, syncRegistry } from '../skills/network/registry-nodes.ts'
import { findsOf, hearOfFinds, onAnswer, settleAll, withPlans } from './finds.ts'
import { hearOfRounds, look, onRequest } from './look.ts'
import { discover } from './look-up.ts'
import { beginNeighbourhood, hasRegistry, hearOfNodes, partAgain, syncNodes, withConfig } from './neighbourhood.ts'
import { type Plan, plansOf } from './plans.ts'
import * as speech from './presence/speak.ts'
import { NO_ROUNDS } from './rounds.ts'
import { settleService } from './settle-service.ts'
import { lookedUp, roundDue, roundOver, settleDue, sourceAnswered, syncDue, tryDue, writtenTried } from './signals.ts'
import { sourceSkill } from './source-skill.ts'
import type { State } from './state.ts'
import { tryEndpoint, tryWritten } from './try-endpoint.ts'
import { tryNode } from './try-node.ts'

/** By how much what is done at intervals strays, so that nodes that started together do not move together. */
const SPREAD = 0.1
/** Ids in one telling: people read it. */
const TOLD_MAX = 256

/**
 * Node discovery: finds the endpoints of services and the nodes of the cluster, and shows that they are there before anybody is sent to
 * them.
 *
 *   files, names, neighbours, registry ──▶ held, by source ──▶ connected to ──▶ tables
 *   group, registry ──▶ nodes ──▶ connected to ──▶ topology
 *
 * Intuition  what is heard of is a claim, and what was connected to is a fact. A source that says something new is believed at once, one
 *            that leaves something out is asked again: it is worse to lose an endpoint by mistake than to try a dead one.
 * listens    signalbox.discovery.request · signalbox.endpoint.health-changed · signalbox.node.health-changed · heartbeats of agents
 * emits      signalbox.service.endpoints-discovered, -refused · signalbox.discovery.source-changed, .finished · signalbox.topology.updated;
 *            by its skill for networks signalbox.endpoint.connectivity-measured, .risk-changed
 * writes     no word; it adds and removes endpoints that are marked as found, by the rules of publication
 * never      removes what the config or an operator added; believes who says that something dead is back where it can be connected to;
 *            connects to anything but what it was told of
 * reload     what is known of sources that stay is kept; what others had found is taken out with the config
 * restart    permanent; what was found is in the tables, marked, and stays until its source was heard again
 */
export const nodeDiscovery = defineAgent({
  name: 'node-discovery',
  role: 'node-discovery',
  listens: [
    discoveryRequested,
    healthChanged,
    nodeHealthChanged,
    agentHeartbeat,
    actionFailed,
    sourceAnswered,
    membersChanged,
    nodesRegistered,
  ],
  own: [
    roundDue,
    roundOver,
    settleDue,
    syncDue,
    tryDue,
    speech.announceDue,
    speech.answerDue,
    speech.partDue,
    speech.quietDue,
  ],
  emits: [endpointsDiscovered, discoveryRefused, sourceChanged, discoveryDone, topologyUpdated],
  actions: [
    discover,
    tryEndpoint,
    tryWritten,
    settleService,
    tryNode,
    syncRegistry,
    speech.takePart,
    speech.leavePart,
    speech.speak,
  ],
  sensors: [speech.presence],
  start,
  reload,
  decide,
  describe: ({ finds, neighbourhood: { nodes, talk }, missed }) => ({
    sources: Object.fromEntries(
      [...finds.sources].slice(0, 64).map(([key, { held, fault }]) => [key, { endpoints: held.size, fault }]),
    ),
    nodes: nodes.book.topology.nodes,
    topologyVersion: nodes.book.topology.version,
    topologyHistory: nodes.book.history.slice(-5),
    failedNodes: [...nodes.failed.keys()].slice(0, 64),
    unheard: talk?.guard.unheard ?? null,
    writtenAndMissed: Object.fromEntries([...missed].filter(([, ids]) => ids.length > 0)),
  }),
})

export default nodeDiscovery

function start(setup: Setup): Step<State> {
  const { config } = setup
  const { connectTimeout } = config.agents['node-discovery']
  const plans = plansOf(config)
  const [neighbourhood, directives] = beginNeighbourhood(config, setup)
  const finds = findsOf(plans, connectTimeout)
  const state = { config, finds, neighbourhood, rounds: NO_ROUNDS, missed: new Map(), syncs: 0, pace: 0 }
  return {
    state,
    directives: [
      ...plans.map(plan => mount(sourceSkill(plan))),
      mount(networkOf(config)),
      ...(hasRegistry(config) ? [mount(registryOf(config))] : []),
      ...directives,
      nextRound(state),
      nextSync(state),
    ],
  }
}

function nextRound({ config, pace }: State): Directive {
  const { interval } = config.agents['node-discovery']
  return schedule(interval, roundDue.of({ pace }), interval * SPREAD)
}

function nextSync({ config, pace }: State): Directive {
  const { topologySync } = config.agents['node-discovery']
  return schedule(topologySync, syncDue.of({ pace }), topologySync * SPREAD)
}

/** Looks at what it is told to look at now; what has changed in how is begun anew. */
function reload(before: State, config: Config, now: number): Step<State> {
  const [was, next] = [plansOf(before.config), plansOf(config)]
  const textOf = (plan: Plan | undefined): string => JSON.stringify(plan)
  const find = (plans: readonly Plan[], { key }: Plan): Plan | undefined => plans.find(plan => plan.key === key)
  const directives: Directive[] = [
    ...was.filter(plan => textOf(find(next, plan)) !== textOf(plan)).map(plan => unmount(`source ${plan.key}`)),
    ...next.filter(plan => textOf(find(was, plan)) !== textOf(plan)).map(plan => mount(sourceSkill(plan))),
    ...renewed(before.config, config, knobs => [knobs.interval, knobs.connectTimeout, knobs.riskThreshold], networkOf),
    ...renewed(before.config, config, knobs => [knobs.topologySync, knobs.strategies.includes('registry')], registryOf),
  ]
  const [finds, more] = withPlans(before.finds, next, config.agents['node-discovery'].connectTimeout)
  const [neighbourhood, most] = withConfig(before.neighbourhood, config, before.config, now)
  const missed = new Map([...before.missed].filter(([service]) => Object.hasOwn(config.services, service)))
  const paceOf = ({ agents }: Config): string =>
    [agents['node-discovery'].interval, agents['node-discovery'].topologySync].join()
  const isSamePace = paceOf(before.config) === paceOf(config)
  const state = { ...before, config, finds, neighbourhood, missed, pace: before.pace + (isSamePace ? 0 : 1) }
  return {
    state,
    directives: [...directives, ...more, ...most, ...(isSamePace ? [] : [nextRound(state), nextSync(state)])],
  }
}

type Knobs = Config['agents']['node-discovery']

/** A skill that goes on with other options is another one. */
function renewed(
  was: Config,
  next: Config,
  options: (knobs: Knobs) => unknown,
  mounted: typeof networkOf | typeof registryOf,
): Directive[] {
  const textOf = ({ agents }: Config): string => JSON.stringify(options(agents['node-discovery']))
  if (textOf(was) === textOf(next)) return []
  const isWanted = mounted !== registryOf || hasRegistry(next)
  return [unmount(mounted(was).key), ...(isWanted ? [mount(mounted(next))] : [])]
}

function networkOf({ agents }: Config) {
  const { interval, connectTimeout, riskThreshold } = agents['node-discovery']
  return networkAnalysis.mount('network', { intervalMs: interval, timeoutMs: connectTimeout, riskThreshold })
}

function registryOf({ agents }: Config) {
  return registryNodes.mount('registry', { syncMs: agents['node-discovery'].topologySync })
}

function decide(state: State, signal: Signal, now: number): Step<State> {
  const step = hearOf(state, signal, now)
  // What a round waits for may be heard by others first.
  const [rounds, directives] = hearOfRounds(step.state, signal, now)
  return { state: { ...step.state, rounds }, directives: [...step.directives, ...directives] }
}

function hearOf(state: State, signal: Signal, now: number): Step<State> {
  const found = hearOfFinds(state.finds, signal)
  if (found !== undefined) return { state: { ...state, finds: found[0] }, directives: found[1] }
  const heard = hearOfNodes(state.neighbourhood, signal, now)
  if (heard !== undefined) return { state: { ...state, neighbourhood: heard[0] }, directives: heard[1] }
  if (lookedUp.is(signal)) {
    const [finds, directives] = onAnswer(state.finds, signal.data.answer, true)
    return { state: { ...state, finds }, directives }
  }
  if (discoveryRequested.is(signal)) return onRequest(state, signal, now)
  if (roundDue.is(signal)) return signal.data.pace === state.pace ? onRoundDue(state, now) : stay(state)
  if (syncDue.is(signal)) return signal.data.pace === state.pace ? onSyncDue(state, now) : stay(state)
  if (writtenTried.is(signal)) return onWrittenTried(state, signal.data.services)
  if (actionFailed.is(signal)) return onActionFailed(state, signal.data)
  return stay(state)
}

/** Sources have times of their own: what is looked for here is who has none. And what tables have lost is put back. */
function onRoundDue(before: State, now: number): Step<State> {
  const { strategies } = before.config.agents['node-discovery']
  const wanted = strategies.filter(strategy => strategy !== 'dns' && strategy !== 'file')
  const { state, directives } = look(before, wanted, undefined, now) ?? stay(before)
  const [finds, more] = settleAll(state.finds)
  return {
    state: { ...state, finds },
    directives: [...directives, ...more, nextRound(before)],
  }
}

function onSyncDue(before: State, now: number): Step<State> {
  const syncs = before.syncs + 1
  const [neighbourhood, directives] = syncNodes(before.neighbourhood, syncs, now)
  return {
    state: { ...before, neighbourhood, syncs },
    directives: [...directives, nextSync(before)],
  }
}

/** What is written down is routed to whatever this says; people are told. */
function onWrittenTried(
  state: State,
  services: readonly { service: string; missed: readonly string[] }[],
): Step<State> {
  const directives: Directive[] = []
  const missed = new Map(state.missed)
  for (const { service, missed: ids } of services) {
    const before = missed.get(service) ?? []
    if (before.join(' ') === ids.join(' ')) continue
    missed.set(service, ids)
    const unverified = ids.slice(0, TOLD_MAX)
    directives.push(
      emit(endpointsDiscovered.of({ service, by: 'static', added: [], removed: [], unverified }, service)),
    )
  }
  return { state: { ...state, missed }, directives }
}

/** Who could not take part in the group tries again; anything else that fails is no affair of the world outside. */
function onActionFailed(state: State, { action, fault, params }: SignalOf<typeof actionFailed>['data']): Step<State> {
  if (action === speech.takePart.name) {
    const { group, port } = params as { group: string; port: number }
    const about = { service: '', source: `multicast:${group}:${port}`, by: 'multicast' as const, reason: fault }
    return { state, directives: [emit(sourceChanged.of(about)), partAgain()] }
  }
  if (action === discover.name) return stay(state)
  throw new Error(`action ${action} has failed: ${fault}`)
}
