import { CLASS_NAMES } from '../memory/classes.ts'
import { readClock } from '../memory/clock.ts'
import { createDice, type Dice } from '../policies/dice.ts'
import type { Attachment } from '../router/attachment.ts'
import type { Router } from '../router/router.ts'
import { Routers } from '../router/routers.ts'
import { AccessLog } from './access-log.ts'
import type { Connection } from './connection.ts'
import { Durations } from './durations.ts'
import type { Exchange } from './exchange.ts'
import { type ForwardedForms, TrustedPeers } from './forwarded.ts'
import { Line } from './line.ts'
import type { ThreadPlan } from './plan.ts'
import { type HashOf, hashOf } from './request-key.ts'
import { RouteTable } from './routes.ts'
import { cookieOf, SessionCookie } from './session-cookie.ts'
import type { Tracing } from './tracing.ts'
import { Upstreams } from './upstreams.ts'

/** A service, or the part of it that a route leads to, as requests of one thread see it. */
export interface Lane {
  readonly service: string
  /** Of the service, in the region. */
  readonly index: number
  readonly router: Router
  readonly timeouts: ThreadPlan['services'][string]['timeouts']
  readonly retry: ThreadPlan['services'][string]['retry']
  /** Where requests wait when a limit is reached; undefined where none do. */
  readonly line: Line | undefined
  /** What keeps a request at its endpoint; undefined where the policy does not ask. */
  readonly hashOf: HashOf | undefined
  /** What a request without a session is given; undefined where none are given. */
  readonly cookie: SessionCookie | undefined
  /** How dear the requests are, see CLASS. */
  readonly requestClass: number
}

/** What lanes of one thread share. */
class Lanes {
  readonly #attachment: Attachment
  readonly #routers: Routers
  /** Routes to the same endpoints wait in one line. */
  readonly #lines = new Map<Router, Line>()

  constructor(attachment: Attachment) {
    this.#attachment = attachment
    this.#routers = new Routers(attachment)
  }

  of(route: ThreadPlan['routes'][number], plan: ThreadPlan['services'][string]): Lane {
    const { service, subset, subsetFallback } = route
    const { timeouts, retry, policy, limits } = plan
    // Routes to the same endpoints share a router: what it derives of them is derived once.
    const router = this.#routers.of(service, { ...(subset !== undefined && { subset }), fallback: subsetFallback })
    const name = cookieOf(policy)
    return {
      service,
      index: this.#attachment.findService(service).index,
      router,
      timeouts,
      retry,
      line: this.#lineOf(router, limits?.queueTimeout ?? 0),
      hashOf: hashOf(policy),
      cookie: name === undefined ? undefined : new SessionCookie(name),
      requestClass: CLASS_NAMES.indexOf(route.class),
    }
  }

  #lineOf(router: Router, waitMs: number): Line | undefined {
    if (waitMs === 0) return undefined
    let line = this.#lines.get(router)
    if (line === undefined) this.#lines.set(router, (line = new Line(router, waitMs)))
    return line
  }
}

/** All that the requests of one thread share. */
export class Front {
  readonly limits: ThreadPlan['limits']
  readonly trusted: TrustedPeers
  readonly routes: RouteTable<Lane>
  readonly upstreams: Upstreams
  readonly counters: Int32Array
  readonly durations: Durations
  readonly forwarded: ForwardedForms
  readonly requestId: ThreadPlan['requestId']
  /** Undefined where requests are not traced; loaded before the first one comes. */
  tracing: Tracing | undefined
  readonly log: AccessLog | undefined
  readonly connections = new Set<Connection>()
  /** Exchanges that wait for a downstream to go on: to send its body, or to read. Swept for those that wait too long. */
  readonly waiting = new Set<Exchange>()
  isDraining = false
  readonly #attachment: Attachment
  #unflushed: Exchange[] = []
  /** 31 random bits, for what shall not happen at the same moment everywhere. */
  readonly roll: Dice

  constructor(plan: ThreadPlan, attachment: Attachment, hand: (text: string) => void) {
    this.limits = plan.limits
    this.trusted = new TrustedPeers(plan.trustedProxies)
    this.counters = plan.counters
    this.durations = new Durations(plan.durations)
    this.forwarded = plan.forwarded
    this.requestId = plan.requestId
    this.log = plan.access === undefined ? undefined : new AccessLog(hand, plan.counters, plan.access)
    this.#attachment = attachment
    this.upstreams = new Upstreams(attachment)
    this.roll = createDice(attachment.seat + 1)
    const lanes = new Lanes(attachment)
    const routes = plan.routes.map(route => ({
      host: route.match.host,
      path: route.match.path,
      lane: lanes.of(route, plan.services[route.service]),
    }))
    this.routes = new RouteTable(routes)
  }

  /** Milliseconds on the cached clock, one tick old at most. Costs no system call. */
  nowMs(): number {
    return readClock(this.#attachment.region)
  }

  /**
   * Sends the head of a response whose body has not begun when this turn of the loop ends: an event stream may have nothing to say
   * for long. Most heads leave earlier, together with the first piece of their body.
   */
  flushLater(exchange: Exchange): void {
    if (this.#unflushed.push(exchange) === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const unflushed = this.#unflushed
    this.#unflushed = []
    for (const exchange of unflushed) exchange.flush()
  }

  /** Often: asks elsewhere for what waits at endpoints that were taken out. */
  rescue(): void {
    this.upstreams.rescue()
  }

  /** Looks after what takes too long, and after endpoints that have left. */
  sweep(): void {
    const now = this.nowMs()
    for (const exchange of this.waiting) exchange.checkPatience(now)
    this.upstreams.sweep()
  }
}
