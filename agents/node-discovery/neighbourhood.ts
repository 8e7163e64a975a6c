import { hostname } from 'node:os'
import type { Config } from '../../engine/writer.ts'
import type { Setup } from '../kit/grammar/agent.ts'
import { act, type Directive, emit, schedule } from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { agentHeartbeat, topologyUpdated } from '../kit/member/membership-signals.ts'
import { type DiscoveredNode, nodeHealthChanged } from '../signals.ts'
import type { RegisteredNode } from '../skills/network/registered-nodes.ts'
import { membersChanged, nodesRegistered, registrySynced, syncRegistry } from '../skills/network/registry-nodes.ts'
import type { Sighting } from './merge.ts'
import {
  addressesOf,
  allNodes,
  answered,
  fail,
  forgetSilent,
  heardOf,
  type Nodes,
  newNodes,
  renamed,
  saidBack,
  seen,
  seenAll,
  toTell,
  tried,
  withTopology,
} from './nodes.ts'
import { silentAfterMs } from './presence/announcements.ts'
import { announceDue, answerDue, leavePart, partDue, presenceHeard, presenceSpoken } from './presence/speak.ts'
import { beginPart, beginTalk, onAnnounceDue, onAnswerDue, onHeard, onSpoken, type Talk } from './presence/talk.ts'
import { nodeTried, tryNode } from './try-node.ts'

/** What this node knows of others, and says to them. */
export interface Neighbourhood {
  readonly nodes: Nodes
  /** What this node is called outside the group. */
  readonly box: string
  /** Undefined: it takes part in no group. */
  readonly talk: Talk | undefined
  /** How many groups it has taken part in, one after the other. */
  readonly parts: number
  /** Whether the registry is asked who is there. */
  readonly hasRegistry: boolean
  /** How long a connection may take, in ms. */
  readonly timeoutMs: number
}

type Next = readonly [Neighbourhood, Directive[]]

/** Connected to at a time: the others are with the next sync. */
const TRIED_MAX = 64
/** Before it is tried again to take part in the group, in ms: an interface may not be up yet. */
const PART_AGAIN_MS = 10_000

/** Whether nodes are to find each other by multicast. */
export function hasGroup({ agents }: Config): boolean {
  const { strategies, multicast } = agents['node-discovery']
  return multicast.cluster !== '' && strategies.includes('multicast')
}

export function hasRegistry({ agents }: Config): boolean {
  return agents['node-discovery'].strategies.includes('registry')
}

export function beginNeighbourhood(config: Config, { incarnation, node: box = 'local' }: Setup): Next {
  const nodes = newNodes(nameOf(config, box), [box], incarnation)
  const timeoutMs = config.agents['node-discovery'].connectTimeout
  const neighbourhood = { nodes, box, talk: undefined, parts: 0, hasRegistry: hasRegistry(config), timeoutMs }
  return hasGroup(config) ? withGroup(neighbourhood, config) : [neighbourhood, []]
}

/** What this node is called: as is written, as its box is called, or as its machine is. */
function nameOf(config: Config, box: string): string {
  const { multicast } = config.agents['node-discovery']
  if (!hasGroup(config)) return box
  return multicast.node ?? (box === 'local' ? hostname().replace(/[^A-Za-z0-9._:-]/g, '-') : box)
}

/**
 * Goes on with another config: in another group, where it names one, and under the name that this node has there. What was known by a strategy that is not wanted any more is
 * forgotten.
 */
export function withConfig(before: Neighbourhood, config: Config, was: Config, now: number): Next {
  const timeoutMs = config.agents['node-discovery'].connectTimeout
  const named = renamed(before.nodes, nameOf(config, before.box), [before.box])
  const nodes = hasRegistry(config) ? named : seenAll(named, 'registry', [])
  const neighbourhood = { ...before, nodes, timeoutMs, hasRegistry: hasRegistry(config) }
  const wordsOf = (each: Config): string =>
    JSON.stringify([hasGroup(each), each.agents['node-discovery'].multicast, each.zone])
  if (wordsOf(config) === wordsOf(was)) return told(neighbourhood, [], now)
  if (hasGroup(config)) {
    const [next, directives] = withGroup(neighbourhood, config)
    return told(next, directives, now)
  }
  const left = { ...neighbourhood, nodes: seenAll(nodes, 'multicast', []), talk: undefined }
  return told(left, before.talk === undefined ? [] : [act(leavePart, undefined)], now)
}

function withGroup(before: Neighbourhood, config: Config): Next {
  const { multicast } = config.agents['node-discovery']
  const parts = before.parts + 1
  const [talk, directives] = beginTalk(multicast, before.nodes.here, config.zone, [], parts)
  return [{ ...before, talk, parts }, directives]
}

/** Hears what concerns nodes; undefined: it is something else. */
export function hearOfNodes(before: Neighbourhood, signal: Signal, now: number): Next | undefined {
  const { nodes, talk } = before
  if (nodesRegistered.is(signal) || registrySynced.is(signal)) return onRegistered(before, signal.data.nodes, now)
  if (membersChanged.is(signal)) return [before, asksRegistry(before)]
  if (nodeTried.is(signal)) {
    const { node, address, connectMs } = signal.data
    return told({ ...before, nodes: tried(nodes, node, address, connectMs) }, [], now)
  }
  if (nodeHealthChanged.is(signal)) return onHealth(before, signal.data, now)
  if (agentHeartbeat.is(signal)) {
    const { agent, node, incarnation } = signal.data
    return [{ ...before, nodes: heardOf(nodes, `${agent}@${node}`, incarnation) }, []]
  }
  if (talk === undefined) return undefined
  if (presenceHeard.is(signal)) {
    const heard = onHeard(talk, signal.data.received, now)
    const next = heard.seen.reduce(
      (known, { isAnswer, ...sighting }) =>
        isAnswer && sighting.address === '' ? answered(seen(known, sighting), sighting.node) : seen(known, sighting),
      nodes,
    )
    return told({ ...before, nodes: next, talk: heard.talk }, [...heard.directives, ...doubts(before, next)], now)
  }
  if (presenceSpoken.is(signal)) return [{ ...before, talk: onSpoken(talk, signal.data, now) }, []]
  if (answerDue.is(signal)) return [before, [onAnswerDue(talk, signal.data)]]
  if (partDue.is(signal)) return [before, [beginPart(talk)]]
  if (announceDue.is(signal)) {
    const [next, directives] = onAnnounceDue(talk, signal.data)
    return [{ ...before, talk: next }, directives]
  }
  return undefined
}

/** It could not take part in the group: again later. */
export function partAgain(): Directive {
  return schedule(PART_AGAIN_MS, partDue.of(null))
}

function asksRegistry({ hasRegistry }: Neighbourhood): Directive[] {
  return hasRegistry ? [act(syncRegistry, undefined)] : []
}

function onRegistered(before: Neighbourhood, registered: readonly RegisteredNode[], now: number): Next {
  // What was asked before a reload may answer after it.
  if (!before.hasRegistry) return [before, []]
  const sightings = registered.map(
    ({ node, address, zone, capabilities }): Sighting => ({
      ...{ node, by: 'registry', address, zone, capabilities, lastSeenMs: now },
      // Its lease says that it lives; where it is shows when it is connected to.
      isVerified: address === '',
    }),
  )
  const nodes = seenAll(before.nodes, 'registry', sightings)
  return told({ ...before, nodes }, doubts(before, nodes), now)
}

/**
 * The failure detector says how a node is. Who is said to be dead is out at once. Who is said to be back is connected to, and stays out
 * until that has shown it; where it says no address the word of the detector, which hears its beats, is what there is.
 */
function onHealth(
  before: Neighbourhood,
  { node, to }: { readonly node: string; readonly to: string },
  now: number,
): Next {
  const { nodes } = before
  if (nodes.selves.includes(node)) return [before, []]
  if (to === 'dead' || to === 'left') return told({ ...before, nodes: fail(nodes, node) }, [], now)
  if (to !== 'alive' || !nodes.failed.has(node)) return [before, []]
  const tries = addressesOf(nodes, node).map(address => tryOne(before, node, address))
  return told({ ...before, nodes: saidBack(nodes, node) }, tries, now)
}

/** Now and then: those that are silent go, those that are known are connected to, and who missed the last topology is told it. */
export function syncNodes(before: Neighbourhood, round: number, now: number): Next {
  const { talk } = before
  const nodes =
    talk === undefined
      ? before.nodes
      : forgetSilent(before.nodes, 'multicast', silentAfterMs(talk.options.announce), now)
  const named = allNodes(nodes, now).flatMap(({ node }) => addressesOf(nodes, node).map(address => ({ node, address })))
  const first = named.length <= TRIED_MAX ? 0 : (round * TRIED_MAX) % named.length
  const due = [...named.slice(first), ...named.slice(0, first)].slice(0, TRIED_MAX)
  const tries = due.map(({ node, address }) => tryOne(before, node, address))
  return told({ ...before, nodes }, [...asksRegistry(before), ...tries], now, true)
}

/** The nodes as others are told of them. */
export function discoveredNodes({ nodes }: Neighbourhood, now: number): DiscoveredNode[] {
  return allNodes(nodes, now).map(({ lastSeenMs: _, ...node }) => ({
    ...node,
    isVerified: node.isVerified && !nodes.failed.has(node.node),
  }))
}

/** Addresses that are new are connected to at once. */
function doubts(before: Neighbourhood, after: Nodes): Directive[] {
  return [...after.sightings].flatMap(([key, { node, address, isVerified }]) => {
    if (isVerified || address === '' || before.nodes.sightings.get(key)?.address === address) return []
    return [tryOne(before, node, address)]
  })
}

function tryOne({ timeoutMs }: Neighbourhood, node: string, address: string): Directive {
  return act(tryNode, { node, address, timeoutMs })
}

/** With the topology told, where it is another now. */
function told(before: Neighbourhood, directives: readonly Directive[], now: number, isRepair = false): Next {
  const { nodes, topology } = toTell(withTopology(before.nodes, now), isRepair)
  return [
    { ...before, nodes },
    [...directives, ...(topology === undefined ? [] : [emit(topologyUpdated.of(topology))])],
  ]
}
