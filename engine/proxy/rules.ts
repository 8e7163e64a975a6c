import { TrustedPeers } from './forwarded.ts'
import type { Lane, Lanes } from './lanes.ts'
import type { RulesPlan } from './plan.ts'
import { RouteTable } from './routes.ts'

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
  readonly routes: RouteTable<Lane>
  /** One lane of each service that is routed to. */
  readonly lanes = new Map<string, Lane>()

  constructor(plan: RulesPlan, lanes: Lanes) {
    this.limits = plan.limits
    this.connectionsMax = plan.connectionsMax
    this.trusted = new TrustedPeers(plan.trustedProxies)
    this.forwarded = plan.forwarded
    this.requestId = plan.requestId
    const routes = plan.routes.map(route => {
      const lane = lanes.of(route, plan.services[route.service])
      this.lanes.set(lane.service, lane)
      return { host: route.match.host, path: route.match.path, lane }
    })
    this.routes = new RouteTable(routes)
  }
}
