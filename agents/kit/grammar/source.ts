/**
 * Who says a signal, as its `source` says it.
 *
 *   /signalbox/agents/health-monitor              an agent of this node
 *   /signalbox/nodes/b/agents/health-monitor      an agent of node b
 */
const AGENTS = '/signalbox/agents/'
const AWAY = /^\/signalbox\/nodes\/([^/]+)\/agents\/[^/]+$/

/** In place of the name of a node: the one it is said on. */
export const HERE = ''

export function sourceOf(agent: string): string {
  return `${AGENTS}${agent}`
}

/** How other nodes read the source of a signal from this one. */
export function sourceAway(node: string, source: string): string {
  return `/signalbox/nodes/${node}/agents/${source.slice(AGENTS.length)}`
}

/** The other node a signal is from; undefined: this one, or no node at all. */
export function nodeOf(source: string): string | undefined {
  return AWAY.exec(source)?.[1]
}
