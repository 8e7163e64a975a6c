import { cheapest } from './cheapest.ts'
import type { Policy } from './policy.ts'

/**
 * Least request: the endpoint with the fewest requests in flight for its weight.
 *
 *   cost(e) = inflight(e) ÷ pull(e)          ties (all idle, as a rule) in proportion to pull: weights hold at low load too
 *
 * Source    nginx least_conn, HAProxy leastconn, Envoy LEAST_REQUEST, Finagle P2C. Deviation: see cheapest.ts; with
 *           replacement, as Envoy draws, the busy one of two would get a quarter.
 * Reads     bars, pull and one in-flight word per thread of each candidate.   Cost  n rows, or a few dice and two rows.
 * Good for  requests of uneven cost, endpoints of uneven speed: the one to take when in doubt.
 * Poor for  cache affinity.
 */
export const leastRequest: Policy = {
  name: 'least-request',
  aliases: ['least_request', 'least_connections', 'least-connections', 'leastconn'],
  summary: 'fewest requests in flight for the weight, over all threads',
  isWeighted: true,
  options: {},
  create: dice => ({
    pickRow: cheapest(dice, (candidates, row, cost) => {
      cost[0] = candidates.inflight(row)
    }),
  }),
}
