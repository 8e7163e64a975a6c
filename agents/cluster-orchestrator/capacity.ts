import { ALL_BARS, type Config } from '../../engine/writer.ts'
import type { EndpointView, ServiceView, TablesView } from '../kit/tables.ts'
import type { Sight } from '../skills/operations/procedure.ts'

/** Requests in flight that an endpoint may have of which nothing else is known. */
export const CONNECTIONS_MAX = 100
/** A share below this says too little about the whole. */
const UTILISATION_MIN = 0.1

/**
 * Requests in flight that an endpoint can work on: the least of what is known.
 *
 *   the limit its latency has come to · what its service allows each endpoint · what it has now ÷ the share it says this uses
 */
export function capacityOf({ limit, inflight, utilisation }: EndpointView, endpointRequests: number): number {
  const known = [limit, endpointRequests].filter(each => each > 0)
  if (utilisation !== undefined && utilisation >= UTILISATION_MIN && inflight > 0) known.push(inflight / utilisation)
  return known.length === 0 ? CONNECTIONS_MAX : Math.min(...known)
}

/**
 * Requests in flight that a service needs, by Little's law: rate × time in the system. The rate is what the forecast exceeds one time in
 * twenty; without a forecast it is today's; without figures it is what is in flight now.
 *
 * Source  Little 1961, L = λ W
 */
export function demandOf(service: ServiceView, { metrics, forecasts }: Pick<Sight, 'metrics' | 'forecasts'>): number {
  const inflight = service.endpoints.reduce((sum, each) => sum + each.inflight, 0)
  const figures = metrics?.figures.services.find(each => each.service === service.name)?.last60s
  if (figures === undefined || figures.requests === 0) return inflight
  const perSecond = Math.max(forecasts.get(service.name)?.p95 ?? 0, figures.perSecond)
  return Math.max(inflight, (perSecond * figures.latencyUsP50) / 1e6)
}

/** Whether picks take it now. */
export function isRoutable({ bars, weight, factor }: EndpointView): boolean {
  return (bars & ALL_BARS) === 0 && weight > 0 && factor > 0
}

/** Endpoints of all services by `service/id`. */
export function endpointsByName({
  services,
}: TablesView): Map<string, { service: ServiceView; endpoint: EndpointView }> {
  return new Map(
    services.flatMap(service =>
      service.endpoints.map(endpoint => [`${service.name}/${endpoint.id}`, { service, endpoint }] as const),
    ),
  )
}

/**
 * Why these endpoints cannot be done without now; undefined: they can. Of each service that loses some enough must be left: in number, and
 * to carry what is expected.
 */
export function lossRefusal(targets: readonly string[], sight: Sight): string | undefined {
  const { minRoutable } = sight.config.agents['cluster-orchestrator'].policies
  const out = new Set(targets)
  for (const service of sight.tables.services) {
    const name = (endpoint: EndpointView): string => `${service.name}/${endpoint.id}`
    if (!service.endpoints.some(each => out.has(name(each)))) continue
    const left = service.endpoints.filter(each => !out.has(name(each)) && isRoutable(each))
    const wanted = Math.max(1, Math.min(minRoutable, service.endpoints.length - 1))
    if (left.length < wanted)
      return `${service.name} would have ${left.length} endpoints that are picked, ${wanted} at least are wanted`
    const allowed = endpointRequestsOf(sight.config, service.name)
    const capacity = left.reduce((sum, each) => sum + capacityOf(each, allowed), 0)
    const demand = demandOf(service, sight)
    if (capacity < demand) {
      return `what is left of ${service.name} carries ${Math.floor(capacity)} requests at a time, ${Math.ceil(demand)} are expected`
    }
  }
  return undefined
}

function endpointRequestsOf({ services }: Config, name: string): number {
  return Object.hasOwn(services, name) ? (services[name]?.limits?.endpointRequests ?? 0) : 0
}
