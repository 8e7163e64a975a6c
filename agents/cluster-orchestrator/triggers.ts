import { EJECTED, elapsedMs, HEALTH_UNHEALTHY, UNHEALTHY } from '../../engine/writer.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import type { ServiceView, TablesView } from '../kit/tables.ts'
import { incidentEscalated, nodeHealthChanged, partitionDetected, resourceExhausted } from '../signals.ts'
import type { Suspicion } from '../skills/operations/emergency-state.ts'

/** So long most of a service has to be out: what restarts one after the other, or fails one check, is back by then. */
export const MOSTLY_OUT_MS = 10_000

const BY = 'cluster-orchestrator'
/** Whose incidents are: it has people called itself, in time. */
const HEALTH_MONITOR = 'health-monitor'

/**
 * What is an emergency. It is not one when an endpoint fails: that is what the health monitor and the failure detector are there for.
 *
 *   node_failure          more than half of the endpoints of a service unhealthy or ejected for 10 s · another node is dead
 *                         · what the health monitor could not repair of one endpoint
 *   network_partition     the partition handler says that the nodes have fallen apart
 *   resource_exhaustion   the resource manager says that this process is short of something
 */
export function suspicionOf(signal: Signal): Suspicion | undefined {
  if (nodeHealthChanged.is(signal)) {
    const { node, to, reason } = signal.data
    return to === 'dead' ? { type: 'node_failure', subject: node, targets: [], by: BY, because: reason } : undefined
  }
  if (incidentEscalated.is(signal)) {
    const { level, subject, because } = signal.data
    const isEndpoint = subject.includes('/')
    if (level !== 1 || !isEndpoint) return undefined
    return { type: 'node_failure', subject, targets: [subject], by: HEALTH_MONITOR, because }
  }
  if (partitionDetected.is(signal)) {
    const { partition, sides, here, verdict } = signal.data
    const said = sides.map((side, i) => `${side.join(', ')}${i === here ? ` (this side: ${verdict})` : ''}`).join(' | ')
    return { type: 'network_partition', subject: partition, targets: [], by: BY, because: said }
  }
  if (resourceExhausted.is(signal)) {
    const { resource, used, limit, isOver } = signal.data
    const because = `${resource} is ${used} of ${limit}`
    return isOver ? { type: 'resource_exhaustion', subject: resource, targets: [], by: BY, because } : undefined
  }
  return undefined
}

/** Since when most of a service has been out, by its name. */
export type OutSince = ReadonlyMap<string, number>

/** Looks who is out; `suspicions`: of services of which most has been for long enough. */
export function lookForFailures(
  before: OutSince,
  { services }: TablesView,
  now: number,
): { readonly outSince: OutSince; readonly suspicions: readonly Suspicion[] } {
  const outSince = new Map<string, number>()
  const suspicions: Suspicion[] = []
  for (const service of services) {
    const out = outOf(service)
    if (out.length * 2 <= service.endpoints.length) continue
    const sinceMs = before.get(service.name) ?? now
    outSince.set(service.name, sinceMs)
    if (elapsedMs(now, sinceMs) < MOSTLY_OUT_MS) continue
    const because = `${out.length} of ${service.endpoints.length} endpoints are out`
    suspicions.push({ type: 'node_failure', subject: service.name, targets: out, by: BY, because })
  }
  return { outSince, suspicions }
}

/** Endpoints that fail; those that somebody keeps out for a reason of his own do not. */
function outOf({ name, endpoints }: ServiceView): string[] {
  return endpoints.flatMap(({ id, bars, health }) =>
    (bars & (UNHEALTHY | EJECTED)) !== 0 || health === HEALTH_UNHEALTHY ? [`${name}/${id}`] : [],
  )
}
