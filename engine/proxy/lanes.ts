import type { ForwardingRoute } from '../config/schema.ts'
import { CLASS_NAMES } from '../memory/classes.ts'
import { seedOf } from '../policies/dice.ts'
import type { Attachment } from '../router/attachment.ts'
import type { Router } from '../router/router.ts'
import { Routers } from '../router/routers.ts'
import type { RulesPlan } from './plan.ts'
import { Line } from './request/line.ts'
import { HeaderEdits } from './routes/header-edits.ts'
import type { Mirror } from './routes/mirror.ts'
import { type HashOf, hashOf } from './routes/request-key.ts'
import { Rewrite } from './routes/rewrite.ts'
import { cookieOf, SessionCookie } from './routes/session-cookie.ts'
import type { Supply } from './upstreams/supply.ts'

/** A service, or the part of it that a route leads to, as requests of one thread see it. */
export interface Lane extends Supply {
  /** Of the service, in the region. */
  readonly index: number
  /** The name of the route; empty where it has none. */
  readonly route: string
  readonly router: Router
  readonly retry: RulesPlan['services'][string]['retry']
  /** Where requests wait when a limit is reached; undefined where none do. */
  readonly line: Line | undefined
  /** What keeps a request at its endpoint; undefined where the policy does not ask. */
  readonly hashOf: HashOf | undefined
  /** What a request without a session is given; undefined where none are given. */
  readonly cookie: SessionCookie | undefined
  /** How dear the requests are, see CLASS. */
  readonly requestClass: number
  /** What is sent in the place of target and host; undefined where they are sent as they came. */
  readonly rewrite: Rewrite | undefined
  readonly requestEdits: HeaderEdits | undefined
  readonly responseEdits: HeaderEdits | undefined
  /** Who gets copies; undefined where nobody does. */
  readonly mirror: Mirror | undefined
}

/** Makes the lanes of one thread, and has what they share: routers and lines, which outlive the config a lane was made by. */
export class Lanes {
  readonly #attachment: Attachment
  readonly routers: Routers
  /** Routes to the same endpoints wait in one line; so do requests of the config before and of this one. */
  readonly #lines = new WeakMap<Router, Line>()

  constructor(attachment: Attachment) {
    this.#attachment = attachment
    this.routers = new Routers(attachment)
  }

  /** Where the dice of a route begin, by its number: those of this thread. */
  seedOf(route: number): number {
    return seedOf(this.#attachment.region, this.#attachment.seat, route)
  }

  /** The lane of a route to one of its services. */
  of(route: ForwardingRoute, service: string, plan: RulesPlan['services'][string], mirror: Mirror | undefined): Lane {
    const { subset, subsetFallback } = route
    const { timeouts, tls, protocol, connections, retry, policy, limits } = plan
    // Routes to the same endpoints share a router: what it derives of them is derived once.
    const router = this.routers.of(service, { ...(subset !== undefined && { subset }), fallback: subsetFallback })
    const name = cookieOf(policy)
    return {
      service,
      route: route.name ?? '',
      index: this.#attachment.findService(service).index,
      router,
      timeouts,
      tls,
      protocol,
      connections,
      retry,
      line: this.#lineOf(router, limits?.queueTimeout ?? 0),
      hashOf: hashOf(policy),
      cookie: name === undefined ? undefined : new SessionCookie(name),
      requestClass: CLASS_NAMES.indexOf(route.class),
      rewrite: route.rewrite === undefined ? undefined : new Rewrite(route.rewrite, route.match.path),
      requestEdits: HeaderEdits.of(route.requestHeaders),
      responseEdits: HeaderEdits.of(route.responseHeaders),
      mirror,
    }
  }

  #lineOf(router: Router, waitMs: number): Line | undefined {
    if (waitMs === 0) return undefined
    let line = this.#lines.get(router)
    if (line === undefined) this.#lines.set(router, (line = new Line(router, waitMs)))
    line.waitMs = waitMs
    return line
  }
}
