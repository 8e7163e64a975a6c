import { leastRequest } from './least-request.ts'
import type { Policy } from './policy.ts'

/**
 * Zone: least-request among the endpoints of our own zone, as long as that is fair to all zones.
 *
 * Which zone a request goes to is decided before any policy is asked (see the router's zone loads); this one only switches
 * it on: the same as `locality: { mode: zone-aware }` beside least-request. The zone of this node is the config's `zone`.
 *
 * Source    Envoy, zone aware routing.
 * Good for  traffic that costs or takes time between zones.   Poor for  fewer than six endpoints.
 */
export const zone: Policy = {
  name: 'zone',
  aliases: ['geographic', 'zone-aware', 'zone_aware'],
  summary: 'own zone first, as long as that is fair to all; least-request within',
  isWeighted: false,
  isZoneAware: true,
  options: {},
  create: leastRequest.create,
}
