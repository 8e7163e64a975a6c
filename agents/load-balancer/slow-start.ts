import { elapsedMs, type ServiceConfig } from '../../engine/writer.ts'
import type { EndpointView } from '../kit/tables.ts'

type SlowStart = ServiceConfig['slowStart']

/**
 * The share of its weight an endpoint gets `sinceMs` after it came, from minWeight to 1.
 *
 *   max(minWeight, (max(Δt, 1 ms) ÷ window) ^ (1 ÷ aggression))
 *
 * Source  Envoy, slow start mode.
 */
export function slowStartShare({ window, aggression, minWeight }: SlowStart, sinceMs: number): number {
  if (window === 0 || sinceMs >= window) return 1
  return Math.max(minWeight, (Math.max(sinceMs, 1) / window) ** (1 / aggression))
}

/**
 * The clock when an endpoint came in a way that calls for easing in, or undefined: it joined a service that others
 * were in already, while the control plane ran, or active checks passed again after they had failed.
 *
 * Endpoints that are there when everything starts are not eased in: there is nobody to carry the load meanwhile.
 */
export function cameMs(endpoint: EndpointView, others: readonly EndpointView[], bootMs: number): number | undefined {
  const { healthySinceMs, joinedMs, row } = endpoint
  // The table gives a new tenant the same moment for both, so they differ only after a return.
  if (healthySinceMs !== joinedMs) return healthySinceMs
  if (elapsedMs(joinedMs, bootMs) <= 0) return undefined
  const isLater = others.some(other => other.row !== row && elapsedMs(joinedMs, other.joinedMs) > 0)
  return isLater ? joinedMs : undefined
}
