import { decodePath } from './canonical-path.ts'
import { compilePattern } from './path-pattern.ts'
import type { Finding } from './problems.ts'
import type { RouteConfig } from './schema.ts'
import { notOneOf, show } from './wording.ts'

/**
 * What is wrong between the routes and the services, and between one route and another. Names are looked up in what was
 * written, so that one wrong key of a route hides none of the others; `routes` holds those that could be read.
 */
export function routeFindings(
  root: Record<string, unknown>,
  services: readonly string[],
  routes: readonly (RouteConfig | undefined)[],
  needsRoutes: boolean,
): Finding[] {
  if (services.length === 0) return []
  const written = Array.isArray(root.routes) ? root.routes : []
  const isMissing = written.length === 0 && (root.routes === undefined || Array.isArray(root.routes))
  if (needsRoutes && isMissing && services.length > 1) {
    const message = `missing; with ${services.length} services, write which requests go to which, as in { match: { path: /v1/ }, service: ${services[0]} }`
    return [{ path: ['routes'], message }]
  }
  return [
    ...written.flatMap((route: unknown, index) => nameFindings(route, index, services)),
    ...hiddenFindings(routes),
  ]
}

function nameFindings(route: unknown, index: number, services: readonly string[]): Finding[] {
  const { service, split, mirror } = mapOf(route)
  const sides = Object.keys(mapOf(split))
  const copied = mapOf(mirror).service
  const unknown = (name: unknown): name is string => typeof name === 'string' && !services.includes(name)
  const findings: Finding[] = []
  const tell = (name: string, ...steps: string[]): void => {
    findings.push({ path: ['routes', index, ...steps], message: notOneOf(name, 'a service', services) })
  }
  if (unknown(service)) tell(service, 'service')
  for (const side of sides) if (unknown(side)) tell(side, 'split', side)
  if (unknown(copied)) tell(copied, 'mirror', 'service')
  else if (typeof copied === 'string' && (copied === service || sides.includes(copied))) {
    const message = `${show(copied)} gets these requests already; write another service`
    findings.push({ path: ['routes', index, 'mirror', 'service'], message })
  }
  return findings
}

/** What routes of one host take whatever else the request is, with the index of the first that does. */
interface Taken {
  all: number | undefined
  readonly beginnings: Map<string, number>
  readonly wholes: Map<string, number>
}

/**
 * Routes that no request can reach, because an earlier one takes each that they take. Only what is certain is told: the
 * earlier route has the same host or a wider one and asks for nothing but a path that holds the other. Each route is
 * looked up by its own hosts and beginnings, so ten thousand routes take no longer than reading them.
 */
function hiddenFindings(routes: readonly (RouteConfig | undefined)[]): Finding[] {
  const taken = new Map<string, Taken>()
  return routes.flatMap((route, index): Finding[] => {
    if (route === undefined) return []
    const { host, path, whole } = claimOf(route)
    for (const wider of widerHosts(host)) {
      const before = takes(taken.get(wider), path, whole)
      if (before === undefined) continue
      return [
        {
          path: ['routes', index],
          message: `routes[${before}] takes all that this would take; put this one before it`,
        },
      ]
    }
    if (!isBare(route)) return []
    let own = taken.get(host)
    if (own === undefined) taken.set(host, (own = { all: undefined, beginnings: new Map(), wholes: new Map() }))
    if (whole !== undefined) own.wholes.set(whole, index)
    else if (path !== undefined) own.beginnings.set(path, index)
    else own.all = index
    return []
  })
}

/** What a route claims: its host, the beginning that all its paths share, and the whole of them where they are no more. */
function claimOf({ match }: RouteConfig): { host: string; path: string | undefined; whole: string | undefined } {
  const { host = '', path, exactPath, pathPattern } = match
  if (exactPath !== undefined) return { host, path: decodePath(exactPath), whole: `=${decodePath(exactPath)}` }
  if (pathPattern === undefined) {
    return { host, path: path === undefined ? undefined : decodePath(path), whole: undefined }
  }
  const { literals, hasRest } = compilePattern(pathPattern)
  const isBeginning = hasRest && literals.length === 1
  return { host, path: literals[0], whole: isBeginning ? undefined : `${hasRest ? '~' : ''}${literals.join('\0')}` }
}

function takes(earlier: Taken | undefined, path: string | undefined, whole: string | undefined): number | undefined {
  if (earlier === undefined) return undefined
  if (earlier.all !== undefined || path === undefined) return earlier.all
  for (let end = 1; end <= path.length; end++) {
    const found = earlier.beginnings.get(path.slice(0, end))
    if (found !== undefined) return found
  }
  return whole === undefined ? undefined : earlier.wholes.get(whole)
}

/** The host itself, each wildcard that takes it, and none at all. */
function widerHosts(host: string): string[] {
  const wider = [host]
  const name = host.startsWith('*.') ? host.slice(2) : host
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) wider.push(`*${name.slice(dot)}`)
  if (host !== '') wider.push('')
  return wider
}

/** Whether a route takes all that has its host and path. */
function isBare({ match: { scheme, method, headers } }: RouteConfig): boolean {
  return scheme === undefined && method === undefined && Object.keys(headers ?? {}).length === 0
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
