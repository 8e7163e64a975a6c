import type { Registration } from '../../bridge/registry.ts'

/** A node as the registry knows it. */
export interface RegisteredNode {
  readonly node: string
  /** host:port; empty: it says none. */
  readonly address: string
  readonly zone: string
  readonly capabilities: readonly string[]
}

/** What an entry is registered as that speaks for a node, and for no agent of it. */
const NODE_ROLE = 'node'
const NODES_MAX = 1024

/**
 * The nodes that entries of the registry speak of, each once: an entry of the role `node` is one; an agent is on the node that its meta
 * say, or its name, `agent@node`. An agent that says neither is of this node, of which nobody has to be told.
 *
 *   { agent, role, capabilities, zone, meta } ──▶ { node: meta.node, else what stands behind @, else of a node its name; … }
 */
export function nodesOf(registrations: readonly Registration[]): RegisteredNode[] {
  const nodes = new Map<string, RegisteredNode>()
  for (const registration of registrations) {
    const node = nodeOf(registration)
    if (node === undefined || (!nodes.has(node) && nodes.size >= NODES_MAX)) continue
    const { capabilities, zone = '', meta } = registration
    const before = nodes.get(node)
    nodes.set(node, {
      node,
      address: textOf(meta, 'address') ?? before?.address ?? '',
      zone: before?.zone || String(zone),
      capabilities: [...new Set([...(before?.capabilities ?? []), ...capabilities.map(String)])].sort(),
    })
  }
  return [...nodes.values()]
}

function nodeOf({ agent, role, meta }: Registration): string | undefined {
  const said = textOf(meta, 'node')
  if (said !== undefined) return said
  const at = agent.indexOf('@')
  if (at >= 0) return agent.slice(at + 1)
  return role === NODE_ROLE ? agent : undefined
}

/** What others wrote is looked at before it is believed. */
function textOf(meta: Registration['meta'], key: string): string | undefined {
  const value: unknown = typeof meta === 'object' && meta !== null && Object.hasOwn(meta, key) ? meta[key] : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}
