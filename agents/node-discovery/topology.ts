import type { Topology } from '../kit/member/membership-signals.ts'
import { appended } from '../kit/run/bounded.ts'

/** What one version changed. */
export interface TopologyChange {
  readonly version: number
  readonly atMs: number
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface TopologyBook {
  readonly topology: Topology
  /** The oldest first. */
  readonly history: readonly TopologyChange[]
}

const HISTORY_MAX = 100
/** Versions of one life of the agent; a later life begins above them, for the higher version counts. */
const LIFE_VERSIONS = 1_000_000
/** Latencies that differ by less say the same: by a quarter, or half a millisecond. */
const SHARE = 0.25
const MS = 0.5

export function newTopology(here: string, incarnation: number): TopologyBook {
  return { topology: { version: (incarnation - 1) * LIFE_VERSIONS, nodes: [here], connections: {} }, history: [] }
}

/**
 * The topology as it is now, under the next version; the same book where nothing has changed. `reached`: what each node that this one
 * reaches takes, in ms.
 */
export function nextTopology(
  before: TopologyBook,
  here: string,
  nodes: readonly string[],
  reached: Readonly<Record<string, number>>,
  atMs: number,
): TopologyBook {
  const all = [...new Set([here, ...nodes])].sort()
  const known = before.topology
  const added = all.filter(node => !known.nodes.includes(node))
  const removed = known.nodes.filter(node => !all.includes(node))
  const isSame = added.length === 0 && removed.length === 0 && isReachedSame(known.connections[here] ?? {}, reached)
  if (isSame) return before
  const version = known.version + 1
  const connections = Object.keys(reached).length === 0 ? {} : { [here]: reached }
  return {
    topology: { version, nodes: all, connections },
    history: appended(before.history, { version, atMs, added, removed }, HISTORY_MAX),
  }
}

function isReachedSame(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): boolean {
  const nodes = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...nodes].every(node => {
    const [a, b] = [before[node], after[node]]
    return a !== undefined && b !== undefined && Math.abs(a - b) <= Math.max(MS, a * SHARE)
  })
}
