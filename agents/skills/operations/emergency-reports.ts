import type { Signal } from '../../kit/grammar/signal.ts'
import {
  type EmergencyType,
  nodeHealthChanged,
  nodesSeen,
  partitionDetected,
  partitionHealed,
  RESOURCES,
  resourceExhausted,
  resourcesJudged,
} from '../../signals.ts'

/** Nodes, partitions and resources that others report on, and whether each is well; by `keyOf`. */
export type Reports = ReadonlyMap<string, boolean>

const REPORTS_MAX = 256

/** All kinds of signals by which something is reported on. */
export const REPORTING = [
  nodeHealthChanged,
  nodesSeen,
  partitionDetected,
  partitionHealed,
  resourceExhausted,
  resourcesJudged,
] as const

export function keyOf(type: EmergencyType, subject: string): string {
  return `${type} ${subject}`
}

/** What a signal says of each that it reports on. */
export function reportsIn(signal: Signal): Reports {
  if (nodeHealthChanged.is(signal)) return ofNode(signal.data.node, signal.data.to)
  if (nodesSeen.is(signal)) {
    return new Map(signal.data.others.flatMap(({ node, state }) => [...ofNode(node, state)]))
  }
  if (partitionDetected.is(signal)) return new Map([[keyOf('network_partition', signal.data.partition), false]])
  if (partitionHealed.is(signal)) return new Map([[keyOf('network_partition', signal.data.partition), true]])
  if (resourcesJudged.is(signal)) {
    const { short } = signal.data
    return new Map(RESOURCES.map(each => [keyOf('resource_exhaustion', each), !short.includes(each)]))
  }
  if (!resourceExhausted.is(signal)) return NOTHING
  // `isOver` of a resource: it is over its limit.
  return new Map([[keyOf('resource_exhaustion', signal.data.resource), !signal.data.isOver]])
}

const NOTHING: Reports = new Map()

/** Nobody waits for one that has left. */
function ofNode(node: string, state: string): Reports {
  return new Map([[keyOf('node_failure', node), state === 'alive' || state === 'left']])
}

/** The latest are kept. */
export function withReports(before: Reports, news: Reports): Reports {
  if ([...news].every(([key, isWell]) => before.get(key) === isWell)) return before
  const after = new Map(before)
  for (const [key, isWell] of news) {
    after.delete(key)
    after.set(key, isWell)
    if (after.size > REPORTS_MAX) after.delete(after.keys().next().value!)
  }
  return after
}
