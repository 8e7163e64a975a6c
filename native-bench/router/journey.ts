import type { IncomingMessage } from 'node:http'
import { avalanche } from '../../engine/memory/hash-key.ts'
import { type HashOf, hashOf } from '../../engine/proxy/routes/request-key.ts'
import { RouteTable } from '../../engine/proxy/routes/routes.ts'
import type { Router } from '../../engine/router/router.ts'
import type { Batch, Subject } from '../harness.ts'
import { type Line, lines } from '../plots/lines.ts'
import { loneService } from '../policies/lone-service.ts'
import type { Group, Measured } from '../suite.ts'

/** How routes are told apart: ten paths for each of so many hosts, or by the path alone, which is asked of one after the other. */
const KINDS = ['by host', 'by path'] as const
type Kind = (typeof KINDS)[number]
const ROUTES = [1, 10, 1000]
const PATHS = 10
/** The first looks at no key, the second at nothing else. */
const POLICIES = ['least-request', 'maglev']
const ENDPOINTS = 64
/** Requests that come again and again: each of another user, for a route by chance. */
const REQUESTS = 1024

/** What the proxy decides of a request: match ──▶ route ──▶ hash of its key ──▶ pick ──▶ settle. */
export const journey: Group = {
  name: 'journey',
  summary: 'route, pick and settle, by number of routes',
  subjects: KINDS.flatMap(kind =>
    ROUTES.flatMap(routes => [
      routeAlone(kind, routes),
      ...POLICIES.map(policy => routePickSettle(policy, kind, routes)),
    ]),
  ),
  plots: drawn,
}

/** A request as far as routes look at it. */
export interface Asking {
  readonly host: string
  readonly target: string
  readonly request: IncomingMessage
  /** The number of the route that it is for. */
  readonly route: number
}

/** Routes to numbers of their own, and requests for them. */
export function routesOf<To>(kind: Kind, count: number, to: (route: number) => To): RouteTable<To> {
  return new RouteTable(
    Array.from({ length: count }, (_, route) => {
      const { host, path } = placeOf(kind, route)
      return { match: kind === 'by host' ? { host, path } : { path }, to: to(route) }
    }),
  )
}

export function requestsFor(kind: Kind, routes: number): Asking[] {
  return Array.from({ length: REQUESTS }, (_, i) => {
    const route = (avalanche(i + 1) >>> 0) % routes
    const { host, path } = placeOf(kind, route)
    const request = {
      method: 'GET',
      headers: { host, accept: '*/*', 'x-user': `user-${i}` },
    } as unknown as IncomingMessage
    return { host, target: `${path}orders/${i}?page=2`, request, route }
  })
}

function placeOf(kind: Kind, route: number): { host: string; path: string } {
  if (kind === 'by path') return { host: 'www.example.com', path: `/service-${route}/` }
  return { host: `shop-${Math.floor(route / PATHS)}.example.com`, path: `/service-${route % PATHS}/` }
}

/** Matching alone. */
function routeAlone(kind: Kind, count: number): Subject {
  return {
    name: `journey/route alone/${count} ${kind}`,
    async begin() {
      const table = routesOf(kind, count, route => route)
      const requests = requestsFor(kind, count)
      let found = 0
      return {
        batch(times, from = 0) {
          for (let i = from; i < from + times; i++) {
            const { host, target, request } = requests[i & (REQUESTS - 1)]!
            found = (found + table.find(host, target, request, false)!) | 0
          }
        },
        close: async () => {},
      }
    },
  }
}

function routePickSettle(policy: string, kind: Kind, count: number): Subject {
  return {
    name: `journey/${policy}/${count} ${kind}`,
    async begin() {
      const service = await loneService(policy, {}, ENDPOINTS)
      const lane = { router: service.router, hashOf: hashOf({ name: policy, hash: { header: 'x-user' } }) }
      const table = routesOf(kind, count, () => lane)
      return { batch: journeys(table, requestsFor(kind, count)), close: () => service.close() }
    },
  }
}

interface Lane {
  readonly router: Router
  readonly hashOf: HashOf | undefined
}

const SENDER = { client: '127.0.0.1' }

export function journeys(table: RouteTable<Lane>, requests: readonly Asking[]): Batch {
  return (times, from = 0) => {
    for (let i = from; i < from + times; i++) {
      const { host, target, request } = requests[i & (REQUESTS - 1)]!
      const { router, hashOf } = table.find(host, target, request, false)!
      const hash = hashOf === undefined ? 0 : hashOf(request, target, SENDER)
      router.settle(router.pick(hash), 'ok', i & 1023)
    }
  }
}

function drawn({ rows }: Measured, machine: string): Readonly<Record<string, string>> {
  const all = ['route alone', ...POLICIES].flatMap(what =>
    KINDS.map((kind): Line => {
      const points = ROUTES.map(count => {
        const row = rows.find(({ name }) => name === `journey/${what}/${count} ${kind}`)
        return [count, row?.nsMedian ?? Number.NaN] as const
      })
      return { label: `${what}, ${kind}`, points, isDashed: kind === 'by path' }
    }),
  )
  const caption = {
    title: 'Route, pick and settle',
    subtitle: `median of batches, ${ENDPOINTS} endpoints · ${machine}`,
  }
  return { 'journey.svg': lines(caption, { label: 'routes', isLog: true }, { label: 'ns', isLog: true }, all) }
}
