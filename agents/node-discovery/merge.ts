import { elapsedMs } from '../../engine/writer.ts'
import type { DiscoveredNode, DiscoveryStrategy } from '../signals.ts'

/** A node as one strategy knows it. */
export interface Sighting {
  readonly node: string
  readonly by: DiscoveryStrategy
  /** host:port; empty: it says none. */
  readonly address: string
  readonly zone: string
  readonly capabilities: readonly string[]
  readonly lastSeenMs: number
  /** It was connected to, or has answered a question of ours. */
  readonly isVerified: boolean
}

export interface MergedNode extends DiscoveredNode {
  readonly lastSeenMs: number
}

/**
 * What strategies found, each node once. It is told apart by its name and nothing else: capabilities and sources of all are taken
 * together, and it was seen when it was seen last. Where two say different addresses, the one that was reached counts; of several, the
 * one that was seen last.
 */
export function mergeNodes(sightings: readonly Sighting[], now: number): MergedNode[] {
  const byNode = new Map<string, Sighting[]>()
  for (const sighting of sightings) {
    const all = byNode.get(sighting.node)
    if (all === undefined) byNode.set(sighting.node, [sighting])
    else all.push(sighting)
  }
  return [...byNode].map(([node, all]) => {
    const ages = (each: Sighting): number => elapsedMs(now, each.lastSeenMs)
    const latest = all.toSorted((a, b) => ages(a) - ages(b))
    const best = latest.toSorted((a, b) => rank(b) - rank(a))[0]!
    return {
      node,
      address: best.address,
      zone: latest.find(({ zone }) => zone !== '')?.zone ?? '',
      capabilities: [...new Set(all.flatMap(each => each.capabilities))].sort(),
      sources: [...new Set(all.map(({ by }) => by))].sort(),
      isVerified: all.some(({ isVerified }) => isVerified),
      lastSeenMs: latest[0]!.lastSeenMs,
    }
  })
}

function rank({ isVerified, address }: Sighting): number {
  return (isVerified ? 2 : 0) + (address === '' ? 0 : 1)
}
