import type { Config } from '../config/schema.ts'
import type { RulesPlan } from './plan.ts'
import { accessOf } from './telling/access-log.ts'

/** What a config says to each of so many threads. */
export function rulesPlanOf(config: Config, threads: number, hasAccessLog: boolean): RulesPlan {
  const { limits, trustedProxies, routes, services, log, forwarded, requestId } = config
  return {
    limits,
    connectionsMax: Math.ceil(limits.connections / threads),
    trustedProxies,
    routes,
    services: Object.fromEntries(
      Object.entries(services).map(([name, { timeouts, retry, policy, limits, tls, protocol, connections }]) => [
        name,
        { timeouts, retry, policy, limits, tls, protocol, connections },
      ]),
    ),
    access: hasAccessLog ? accessOf(log.access) : undefined,
    forwarded,
    requestId,
  }
}
