import type { NodesSeen } from '../signals/nodes.ts'

/** Who hears whom, as far as one node knows: what it hears itself, and what those it hears have said. */
export interface Connectivity {
  readonly reachable: ReadonlySet<string>
  readonly indirect: ReadonlySet<string>
}

/**
 * Reads the matrix of who hears whom. Who is alive is reachable, be it that only others hear it. Where of two reachable nodes one does
 * not hear the other, both are connected indirectly.
 *
 *          hears   a   b   c
 *   a (me)         ·   no  yes       c hears b: b is reachable, and a and b are connected indirectly
 *   b              ?   ·   ?         b is not heard, so what it said is old
 *   c              yes yes ·
 */
export function readConnectivity({ node: me, others }: NodesSeen): Connectivity {
  const alive = others.filter(({ state }) => state === 'alive')
  const reachable = new Set([me, ...alive.map(({ node }) => node)])
  const indirect = new Set<string>()
  const cut = (a: string, b: string): void => void indirect.add(a).add(b)
  for (const { node, isHeard, hears, more } of alive) {
    if (!isHeard) cut(me, node)
    // Where not all names fitted into what it said, a name that is not there says nothing.
    else if (more === 0) for (const other of reachable) if (other !== node && !hears.includes(other)) cut(node, other)
  }
  return { reachable, indirect }
}

/** The parts the members fall into, each sorted, this node's first; those that are gone are together as far as they last heard each other. */
export function sidesOf({ node: me, others }: NodesSeen, members: readonly string[], reachable: ReadonlySet<string>) {
  const hears = new Map(others.map(({ node, hears: heard }) => [node, heard]))
  const here = members.filter(node => reachable.has(node))
  const left = new Set(members.filter(node => !reachable.has(node)))
  const sides = here.length > 0 ? [here] : [[me]]
  for (const first of [...left].sort()) {
    if (!left.delete(first)) continue
    const side = [first]
    for (const node of side) {
      for (const next of hears.get(node) ?? []) if (left.delete(next)) side.push(next)
    }
    sides.push(side)
  }
  return sides.map(side => side.sort())
}

/** What has happened, as far as can be told from one side. */
export type Cause =
  /** One node is silent to all that are heard. */
  | 'crash'
  /** Several fell silent together, or this one hears nobody: it is the way between them. */
  | 'partition'
  /** Some hear a node and others do not. */
  | 'link'

export function causeOf(gone: number, reachable: number, indirect: number): Cause {
  if (gone === 0 && indirect > 0) return 'link'
  return gone === 1 && reachable > 1 ? 'crash' : 'partition'
}

/** A name for a partition: the same on all nodes that see the same sides. FNV-1a over the sorted sides. */
export function partitionId(sides: readonly (readonly string[])[]): string {
  const text = sides
    .map(side => side.join(','))
    .sort()
    .join('|')
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
