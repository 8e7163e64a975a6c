import { extname } from 'node:path'
import type { RosterEntry } from './kit/supervision/roster-entry.ts'

/**
 * The agents, in the order they start; they stop in reverse. The health monitor comes first, so that its first checks
 * are under way while the others start.
 */
export const ROSTER: readonly RosterEntry[] = [
  { name: 'health-monitor', group: 'health', module: room('health-monitor'), restart: 'permanent' },
  { name: 'failure-detector', group: 'health', module: room('failure-detector'), restart: 'permanent' },
  { name: 'load-balancer', group: 'prediction', module: room('load-balancer'), restart: 'permanent' },
  { name: 'predictor', group: 'prediction', module: room('predictor'), restart: 'permanent' },
  { name: 'resource-manager', group: 'prediction', module: room('resource-manager'), restart: 'permanent' },
  { name: 'topology-optimizer', group: 'prediction', module: room('topology-optimizer'), restart: 'permanent' },
  { name: 'consensus-coordinator', group: 'consensus', module: room('consensus-coordinator'), restart: 'permanent' },
  { name: 'cluster-orchestrator', group: 'consensus', module: room('cluster-orchestrator'), restart: 'permanent' },
  { name: 'partition-handler', group: 'consensus', module: room('partition-handler'), restart: 'permanent' },
  { name: 'node-discovery', group: 'consensus', module: room('node-discovery'), restart: 'permanent' },
  { name: 'metrics-collector', group: 'consensus', module: room('metrics-collector'), restart: 'permanent' },
  { name: 'configuration-manager', group: 'consensus', module: room('configuration-manager'), restart: 'permanent' },
]

/** href of a room's agent; the same file name in the build as in the sources. */
function room(name: string): string {
  return new URL(`./${name}/agent${extname(import.meta.url)}`, import.meta.url).href
}
