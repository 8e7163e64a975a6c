import { elapsedMs } from '../../engine/writer.ts'
import type { Heartbeat } from '../kit/member/membership-signals.ts'
import type { AgentSeen } from '../signals.ts'

/** Roles that a whole cluster has somebody for. */
export const ROLES = [
  'node-discovery',
  'load-balancer',
  'health-monitor',
  'cluster-orchestrator',
  'consensus-coordinator',
  'failure-detector',
  'partition-handler',
  'resource-manager',
  'topology-optimizer',
  'predictor',
  'metrics-collector',
  'configuration-manager',
] as const

/** An agent as it last told of itself. */
export interface Known extends AgentSeen {
  readonly incarnation: number
  readonly heardMs: number
}

/** Agents by `name@node`. */
export type AgentsKnown = ReadonlyMap<string, Known>

const KNOWN_MAX = 1_024
/** Three heartbeats, and some for a busy machine: who is silent for so long has gone. */
export const SILENT_MS = 17_000

/** Who has told that it lives; undefined: it was known, as it is, and nothing but the moment is new. */
export function heard(
  known: AgentsKnown,
  { agent, role, node, incarnation, health }: Heartbeat,
  now: number,
): { readonly known: AgentsKnown; readonly isNews: boolean } {
  const name = `${agent}@${node}`
  const before = known.get(name)
  // An earlier life of it that was still on its way counts for nothing.
  if (before !== undefined && before.incarnation > incarnation) return { known, isNews: false }
  if (before === undefined && known.size >= KNOWN_MAX) return { known, isNews: false }
  const isNews = before === undefined || before.incarnation !== incarnation || before.health !== health
  return { known: new Map(known).set(name, { agent, role, node, health, incarnation, heardMs: now }), isNews }
}

/** Those that are silent for too long, and the others. */
export function sorted(
  known: AgentsKnown,
  now: number,
): { readonly known: AgentsKnown; readonly gone: readonly string[] } {
  const gone = [...known].flatMap(([name, { heardMs }]) => (elapsedMs(now, heardMs) > SILENT_MS ? [name] : []))
  if (gone.length === 0) return { known, gone }
  return { known: new Map([...known].filter(([name]) => !gone.includes(name))), gone }
}

export function seenOf(known: AgentsKnown): AgentSeen[] {
  return [...known.values()].map(({ agent, role, node, health }) => ({ agent, role, node, health }))
}

/** Roles that nobody has; its own is had by who asks. */
export function missingIn(known: AgentsKnown): string[] {
  const there = new Set([...known.values()].map(({ role }) => role))
  return ROLES.filter(role => role !== 'cluster-orchestrator' && !there.has(role))
}

export function byRole(known: AgentsKnown): Record<string, string[]> {
  const roles: Record<string, string[]> = {}
  for (const [name, { role, health }] of known) {
    if (!Object.hasOwn(roles, role)) roles[role] = []
    roles[role]!.push(`${name} ${health}`)
  }
  return roles
}
