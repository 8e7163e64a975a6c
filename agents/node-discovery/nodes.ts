import { elapsedMs } from '../../engine/writer.ts'
import type { Topology } from '../kit/member/membership-signals.ts'
import { type MergedNode, mergeNodes, type Sighting } from './merge.ts'
import { newTopology, nextTopology, type TopologyBook } from './topology.ts'

/** The nodes of the cluster: who saw them, which of them are believed to live, and who reaches whom. */
export interface Nodes {
  readonly here: string
  /** All that this node is called, here or in the registry: of itself nobody has to be told. */
  readonly selves: readonly string[]
  /** By strategy and node. */
  readonly sightings: ReadonlyMap<string, Sighting>
  /** By node: what a connection took, in ms. Who could not be connected to is not among them. */
  readonly reached: ReadonlyMap<string, number>
  /** Nodes that were said to have failed. */
  readonly failed: ReadonlyMap<string, Failed>
  readonly book: TopologyBook
  /** The version that was told last, and to which lives of which agents. */
  readonly told: { readonly version: number; readonly hearers: string }
  /** Agents that were heard of, and their lives. */
  readonly hearers: ReadonlyMap<string, number>
}

/**
 * How a node that was said to have failed stands. A connection alone brings none back, for the system takes connections for a process that
 * stands still; a word alone brings back who says no address.
 *
 *   dead, left ──▶ out ── alive ──▶ said-back ── connected to ──▶ back
 *                   ├──── alive, and it says no address ─────────▶ back
 *                   └──── it answers a question of ours ─────────▶ back
 */
export type Failed = 'out' | 'said-back'

const NODES_MAX = 1024
const HEARERS_MAX = 256

export function newNodes(here: string, selves: readonly string[], incarnation: number): Nodes {
  const book = newTopology(here, incarnation)
  return {
    here,
    selves: [here, ...selves],
    sightings: new Map(),
    reached: new Map(),
    failed: new Map(),
    book,
    // That a node is there by itself nobody has to be told; in a later life others may know what was true in an earlier one.
    told: { version: incarnation === 1 ? book.topology.version : -1, hearers: '' },
    hearers: new Map(),
  }
}

/** This node is called otherwise from now on. */
export function renamed(nodes: Nodes, here: string, selves: readonly string[]): Nodes {
  if (here === nodes.here) return nodes
  const all = [here, ...selves]
  const sightings = new Map([...nodes.sightings].filter(([, { node }]) => !all.includes(node)))
  return { ...nodes, here, selves: all, sightings }
}

/** A strategy has seen a node. */
export function seen(nodes: Nodes, sighting: Sighting): Nodes {
  if (nodes.selves.includes(sighting.node)) return nodes
  const key = `${sighting.by} ${sighting.node}`
  if (!nodes.sightings.has(key) && nodes.sightings.size >= NODES_MAX) return nodes
  const before = nodes.sightings.get(key)
  // An address that was connected to is no other for being said again.
  const isVerified = sighting.isVerified || (before?.isVerified === true && before.address === sighting.address)
  return { ...nodes, sightings: new Map(nodes.sightings).set(key, { ...sighting, isVerified }) }
}

/** A strategy knows these nodes, and no others any more. */
export function seenAll(nodes: Nodes, by: Sighting['by'], sightings: readonly Sighting[]): Nodes {
  const names = new Set(sightings.map(({ node }) => node))
  const kept = [...nodes.sightings].filter(([, each]) => each.by !== by || names.has(each.node))
  return sightings.reduce(seen, { ...nodes, sightings: new Map(kept) })
}

/** Forgets those that a strategy has not seen for so long. */
export function forgetSilent(nodes: Nodes, by: Sighting['by'], silentMs: number, now: number): Nodes {
  const kept = [...nodes.sightings].filter(([, each]) => each.by !== by || elapsedMs(now, each.lastSeenMs) <= silentMs)
  return kept.length === nodes.sightings.size ? nodes : { ...nodes, sightings: new Map(kept) }
}

/** A node was connected to at the address it says, or could not be (null). */
export function tried(before: Nodes, node: string, address: string, connectMs: number | null): Nodes {
  const sightings = new Map(
    [...before.sightings].map(([key, each]) => [
      key,
      each.node === node && each.address === address ? { ...each, isVerified: connectMs !== null } : each,
    ]),
  )
  const reached = new Map(before.reached)
  if (connectMs === null) reached.delete(node)
  else reached.set(node, connectMs)
  const after = { ...before, sightings, reached }
  return connectMs !== null && before.failed.get(node) === 'said-back' ? withoutFailed(after, node) : after
}

/** A node is taken for dead, or has left: it is out, with all that was measured of it. */
export function fail(before: Nodes, node: string): Nodes {
  const reached = new Map(before.reached)
  reached.delete(node)
  const failed = new Map(before.failed).set(node, 'out')
  if (failed.size > NODES_MAX) failed.delete(failed.keys().next().value!)
  const sightings = new Map(
    [...before.sightings].map(([key, each]) => [key, each.node === node ? { ...each, isVerified: false } : each]),
  )
  return { ...before, failed, reached, sightings }
}

/** A node that had failed is said to be back, by whoever said that it had: that is to be shown where there is an address to show it at. */
export function saidBack(before: Nodes, node: string): Nodes {
  if (!before.failed.has(node)) return before
  if (addressesOf(before, node).length > 0) return { ...before, failed: new Map(before.failed).set(node, 'said-back') }
  const sightings = new Map(
    [...before.sightings].map(([key, each]) => [key, each.node === node ? { ...each, isVerified: true } : each]),
  )
  return withoutFailed({ ...before, sightings }, node)
}

/** A node has answered a question of ours: it lives, whatever was said. */
export function answered(before: Nodes, node: string): Nodes {
  return before.failed.has(node) ? withoutFailed(before, node) : before
}

function withoutFailed(before: Nodes, node: string): Nodes {
  const failed = new Map(before.failed)
  failed.delete(node)
  return { ...before, failed }
}

/** Where strategies say that a node is, each address once. */
export function addressesOf({ sightings }: Nodes, node: string): string[] {
  const addresses = [...sightings.values()].flatMap(each => (each.node === node ? [each.address] : []))
  return [...new Set(addresses)].filter(address => address !== '')
}

export function allNodes({ sightings }: Nodes, now: number): MergedNode[] {
  return mergeNodes([...sightings.values()], now)
}

/** Who is believed to be there: reached, or heard to answer, and not said to have failed since. */
export function livingNodes(nodes: Nodes, now: number): MergedNode[] {
  return allNodes(nodes, now).filter(({ node, isVerified }) => isVerified && !nodes.failed.has(node))
}

/** With the topology that this comes to: another version where it has changed. */
export function withTopology(nodes: Nodes, now: number): Nodes {
  const living = livingNodes(nodes, now).map(({ node }) => node)
  const reached = Object.fromEntries([...nodes.reached].filter(([node]) => living.includes(node)))
  return { ...nodes, book: nextTopology(nodes.book, nodes.here, living, reached, now) }
}

/** The topology where it is to be told: a version that was not yet, or on a repair an agent that has not heard the last one. */
export function toTell(before: Nodes, isRepair: boolean): { nodes: Nodes; topology: Topology | undefined } {
  const { topology } = before.book
  const hearers = [...before.hearers].map(each => each.join('#')).join(' ')
  const isNew = topology.version !== before.told.version
  const hasMissed = isRepair && before.book.history.length > 0 && hearers !== before.told.hearers
  if (!isNew && !hasMissed) return { nodes: before, topology: undefined }
  return { nodes: { ...before, told: { version: topology.version, hearers } }, topology }
}

/** An agent lives, in this life: one that was started since has not heard what was told before. */
export function heardOf(nodes: Nodes, agent: string, incarnation: number): Nodes {
  if (nodes.hearers.get(agent) === incarnation) return nodes
  if (!nodes.hearers.has(agent) && nodes.hearers.size >= HEARERS_MAX) return nodes
  return { ...nodes, hearers: new Map(nodes.hearers).set(agent, incarnation) }
}
