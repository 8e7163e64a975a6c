import type { Candidates } from '../memory/candidates.ts'
import type { PolicyOption } from './policy-options.ts'

/**
 * Bounded load: a key that many ask for does not drown its endpoint.
 *
 *   slots(e) = max(1, ⌈ ⌊((in flight of the service + 1) × balance + 99) ÷ 100⌋ × share of e ⌉)
 *   full(e)  = in flight on e ≥ slots(e)            then the key goes on to its next endpoint, the same one each time
 *
 * With balance 125 and four equal endpoints that have 39 requests together, each may have ⌈50 ÷ 4⌉ = 13. The shares of
 * open endpoints sum to 1, so slots are more than there are requests, and there is always one that is not full.
 *
 * Source     Mirrokni, Thorup and Zadimoghaddam 2016; formula, option and percent as in Envoy's hash_balance_factor and
 *            HAProxy's hash-balance-factor, which advises 125 to 200.
 * Deviation  an endpoint never has more than its slots, as in the paper: Envoy lets one more in (in flight > slots is full).
 *            The count is exact over all threads at this instant.
 */
export const balance: PolicyOption = {
  kind: 'whole',
  min: 0,
  max: 65_535,
  default: 0,
  fault: value =>
    value > 0 && value < 100 ? `${value} is below the average; write 0 for no bound, or 100 or more` : undefined,
  about: 'most requests in flight on one endpoint, in percent of its share of all (125 to 200 are usual); 0: no bound',
}

export function isFull(candidates: Candidates, row: number, percent: number): boolean {
  return candidates.inflight(row) >= candidates.slotsOf(row, percent)
}
