import { isLoopback, printListenAddress } from './address.ts'
import type { ListenConfig } from './listen-schema.ts'
import type { Finding } from './problems.ts'
import { routeFindings } from './route-agreement.ts'
import type { AdaptiveConcurrencyConfig, AdminConfig, EndpointConfig, OutlierConfig, RouteConfig } from './schema.ts'
import { tlsFindings } from './tls-findings.ts'
import { printDuration } from './units.ts'
import { tlsKeyFindings } from './upstream-findings.ts'
import type { UpstreamTlsConfig } from './upstream-schema.ts'
import { show } from './wording.ts'

/** What of a config could be read. A whole `Config` is one of these; of a faulty one, some parts may be missing. */
export interface Parts {
  listen?: readonly ListenConfig[] | undefined
  admin?: AdminConfig | undefined
  services: Record<
    string,
    {
      endpoints: readonly (EndpointConfig | undefined)[]
      discover?: readonly unknown[] | undefined
      outlier?: OutlierConfig | undefined
      adaptiveConcurrency?: AdaptiveConcurrencyConfig | undefined
      tls?: UpstreamTlsConfig | undefined
    }
  >
  routes: readonly (RouteConfig | undefined)[]
}

/**
 * What is wrong between keys that are each right by themselves. `tree` is what was written, `parts` what was read of it;
 * a part that could not be read has had its finding already and gets no second one here.
 */
export function disagreements(tree: unknown, parts: Parts, options: { needsRoutes: boolean }): Finding[] {
  const root = (typeof tree === 'object' && tree !== null ? tree : {}) as Record<string, unknown>
  return [
    ...listenFindings(root, parts),
    ...tlsFindings(root, parts.listen ?? []),
    ...Object.entries(parts.services).flatMap(
      ([name, { endpoints, discover = [], outlier, adaptiveConcurrency, tls }]) => [
        ...endpointFindings(root, name, endpoints),
        ...outlierFindings(name, outlier),
        ...adaptiveFindings(name, adaptiveConcurrency),
        ...tlsKeyFindings(name, tls, endpoints, discover.length > 0),
      ],
    ),
    ...routeFindings(root, Object.keys(parts.services), parts.routes, options.needsRoutes),
  ]
}

function listenFindings(root: Record<string, unknown>, { listen = [], admin }: Parts): Finding[] {
  const findings: Finding[] = []
  const taken = new Set<string>()
  for (const [index, address] of listen.entries()) {
    const text = printListenAddress(address)
    // Port 0 asks for any free port, so two of them are two.
    if (address.port !== 0 && taken.has(text)) {
      findings.push({ path: ['listen', index], message: `${text} is listened on already; write each address once` })
    }
    taken.add(text)
  }
  if (admin === undefined) return findings
  const text = printListenAddress(admin.listen)
  if (admin.listen.port !== 0 && taken.has(text)) {
    const message = `${text} is an address of the proxy too; give the admin listener another`
    findings.push({ path: ['admin', 'listen'], message })
  }
  if (!isLoopback(admin.listen.address) && admin.token === '') {
    const isWritten = typeof root.admin === 'object' && root.admin !== null && 'token' in root.admin
    const message = `${isWritten ? 'empty' : 'missing'}; ${text} is not loopback, so write a token or listen on 127.0.0.1`
    findings.push({ path: ['admin', 'token'], message })
  }
  return findings
}

function endpointFindings(
  root: Record<string, unknown>,
  service: string,
  endpoints: readonly (EndpointConfig | undefined)[],
): Finding[] {
  const findings: Finding[] = []
  const first = new Map<string, number>()
  for (const [index, endpoint] of endpoints.entries()) {
    if (endpoint === undefined) continue
    const before = first.get(endpoint.id)
    if (before === undefined) {
      first.set(endpoint.id, index)
      continue
    }
    const key = writtenId(root, service, index) === undefined ? 'url' : 'id'
    const message =
      key === 'id'
        ? `${show(endpoint.id)} is the id of endpoints[${before}] too; write another`
        : `gives the id ${show(endpoint.id)}, which endpoints[${before}] has too; write an id`
    findings.push({ path: ['services', service, 'endpoints', index, key], message })
  }
  return findings
}

function writtenId(root: Record<string, unknown>, service: string, index: number): unknown {
  const services = root.services as Record<string, { endpoints: { id?: unknown }[] }>
  return services[service]!.endpoints[index]!.id
}

function outlierFindings(service: string, outlier: OutlierConfig | undefined): Finding[] {
  if (outlier === undefined || outlier.maxEjection >= outlier.baseEjection) return []
  const [max, base] = [printDuration(outlier.maxEjection), printDuration(outlier.baseEjection)]
  const message = `${max} is shorter than baseEjection, ${base}; write ${base} or more`
  return [{ path: ['services', service, 'outlier', 'maxEjection'], message }]
}

function adaptiveFindings(service: string, adaptive: AdaptiveConcurrencyConfig | undefined): Finding[] {
  if (adaptive === undefined) return []
  const { initial, min, max } = adaptive
  const path = ['services', service, 'adaptiveConcurrency']
  if (min > max) return [{ path: [...path, 'max'], message: `${max} is less than min, ${min}; write ${min} or more` }]
  if (initial >= min && initial <= max) return []
  const message = `${initial} is not from min to max; write a whole number from ${min} to ${max}`
  return [{ path: [...path, 'initial'], message }]
}
