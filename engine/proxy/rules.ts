import type { Lanes } from './lanes.ts'
import { TrustedPeers } from './message/forwarded.ts'
import type { RulesPlan } from './plan.ts'
import { type Destination, routeTableOf } from './routes/destination.ts'
import type { MirrorPlace } from './routes/mirror.ts'
import type { RouteTable } from './routes/routes.ts'
import type { Supply } from './upstreams/supply.ts'

/**
 * What one config says of requests. A thread has one of these at a time and every request takes the one that is there when it
 * begins, also on a connection that is older; what it has begun with it ends with.
 */
export class Rules {
  readonly limits: RulesPlan['limits']
  /** Downstream connections this thread may have. */
  readonly connectionsMax: number
  readonly trusted: TrustedPeers
  readonly forwarded: RulesPlan['forwarded']
  readonly requestId: RulesPlan['requestId']
  readonly routes: RouteTable<Destination>
  /** What connections need to know of each service that requests or copies are sent to. */
  readonly supplies = new Map<string, Supply>()

  constructor(plan: RulesPlan, lanes: Lanes, place: MirrorPlace) {
    this.limits = plan.limits
    this.connectionsMax = plan.connectionsMax
    this.trusted = new TrustedPeers(plan.trustedProxies)
    this.forwarded = plan.forwarded
    this.requestId = plan.requestId
    const { routes, services } = plan
    this.routes = routeTableOf(routes, { services, lanes, place, supplies: this.supplies })
  }
}
