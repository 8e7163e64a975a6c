import { cheapest } from './cheapest.ts'
import type { Policy } from './policy.ts'

/**
 * Capacity: the endpoint with the most room left, by what it says of itself.
 *
 *   room(e) = 1 − utilisation(e)        the used share of its CPU, memory or whatever it reports, as an agent wrote it down
 *   cost(e) = (inside(e) + 1) ÷ room(e) ÷ pull(e)
 *
 * An endpoint that reports nothing counts as half used. Where none does, it is least-request by another name.
 *
 * Source    Envoy's and gRPC's weights from ORCA reports; the in-flight term between two reports is ours: a report is a
 *           second old when everybody has acted on it.
 * Reads     bars, pull, in flight and one more word of each candidate.   Cost  as least-request.
 * Good for  endpoints of unknown size that report their load.   Poor for  reports that lie or come seldom.
 */
export const capacity: Policy = {
  name: 'capacity',
  aliases: ['capacity_aware', 'capacity-aware'],
  summary: 'most room left, by the load that endpoints report',
  isWeighted: false,
  options: {},
  create: dice => ({
    pickRow: cheapest(dice, (candidates, row, cost) => {
      const used = candidates.utilisationQ12(row)
      const room = used === 0 ? UNKNOWN_ROOM : Math.max(LEAST_ROOM, WHOLE - (used - 1))
      cost[0] = ((candidates.inside(row) + 1) * WHOLE) / room
    }),
  }),
}

const WHOLE = 4096
const UNKNOWN_ROOM = WHOLE / 2
/** One that says it is full is not impossible to pick, only the last. */
const LEAST_ROOM = 1
