import type { ServiceConfig } from '../config/schema.ts'
import { OVERPROVISIONING, type ServiceText, type UpstreamText } from '../memory/service-text.ts'
import { findPolicy } from '../policies/registry.ts'

/** What of a service's config every pick must know, in the form the structure carries. `zone` is that of this node. */
export function serviceTextOf(name: string, service: ServiceConfig, zone: string): ServiceText {
  const { policy, panicThreshold, failOnPanic, overprovisioning, limits, breaker, retry, subsetting, capacity } =
    service
  const isAdaptive = service.adaptiveConcurrency !== undefined
  const isZoneAware = findPolicy(policy.name)?.isZoneAware === true
  const locality = service.locality ?? (isZoneAware ? { mode: 'zone-aware' as const, minEndpoints: 6 } : undefined)
  const upstream = upstreamTextOf(service)
  const hasBudget = retry.budget > 0 || retry.budgetMin > 0
  return {
    name,
    policy,
    panicThreshold,
    ...(failOnPanic && { failOnPanic }),
    ...(overprovisioning !== OVERPROVISIONING && { overprovisioning }),
    ...(locality !== undefined && { locality: { ...locality, zone } }),
    ...(limits !== undefined && { limits: limitsText(limits) }),
    ...(breaker !== undefined && { breaker: breakerText(breaker) }),
    ...(isAdaptive && { isAdaptive }),
    ...(capacity.header && { hearsLoad: true }),
    ...(hasBudget && { retryBudget: { share: retry.budget, min: retry.budgetMin } }),
    ...(subsetting !== undefined && { subsetting }),
    ...(upstream !== undefined && { upstream }),
  }
}

/** How endpoints of a service are connected to; undefined where that is as ever. */
export function upstreamTextOf({ tls, protocol }: Pick<ServiceConfig, 'tls' | 'protocol'>): UpstreamText | undefined {
  const isHttp2 = protocol === 'http2'
  if (tls === undefined && !isHttp2) return undefined
  return { ...(isHttp2 && { isHttp2 }), ...(tls !== undefined && { tls }) }
}

/** How long a request waits for room is for who lets it wait. */
function limitsText({ queueTimeout: _, ...limits }: NonNullable<ServiceConfig['limits']>): ServiceText['limits'] {
  return limits
}

function breakerText(breaker: NonNullable<ServiceConfig['breaker']>): ServiceText['breaker'] {
  const { window: windowMs, openFor: openForMs, maxOpenFor: maxOpenForMs, ...rest } = breaker
  return { ...rest, windowMs, openForMs, maxOpenForMs }
}
