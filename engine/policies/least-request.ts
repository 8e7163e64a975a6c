import type { Candidates } from '../memory/candidates.ts'
import { below, type Dice, wins } from './dice.ts'
import { NO_ENDPOINT, type Policy } from './policy.ts'

/**
 * Least request: the endpoint with the fewest requests in flight for its weight.
 *
 *   cost(e) = inflight(e) ÷ pull(e)          compared crosswise, so nothing is divided
 *   ties (all idle, as a rule): by dice, in proportion to pull, so that weights hold at low load too
 *   up to SCAN_MAX rows: look at all of them;  beyond: two distinct draws, the cheaper one (Mitzenmacher's two choices)
 *
 * Source    nginx least_conn, HAProxy leastconn, Envoy LEAST_REQUEST, Finagle P2C. Deviation: in flight is that of all threads at this
 *           instant, so looking at all rows is better than two draws and does not herd; draws are distinct, so of two
 *           endpoints a busy one is never drawn twice and taken (with replacement it would get a quarter).
 * Reads     bars, pull and one in-flight word per thread of each candidate.   Cost  n rows, or two dice and two rows.
 * Good for  requests of uneven cost, endpoints of uneven speed: the one to take when in doubt.
 * Poor for  cache affinity.
 */
export const leastRequest: Policy = {
  name: 'least-request',
  aliases: ['least_request', 'least_connections', 'least-connections', 'leastconn'],
  summary: 'fewest requests in flight for the weight, over all threads',
  isWeighted: true,
  options: {},
  create: dice => candidates =>
    candidates.count <= SCAN_MAX ? cheapestOfAll(candidates, dice) : cheaperOfTwo(candidates, dice),
}

/**
 * Rows up to which all are looked at. A scan of 16 costs some 100 ns more than two draws, a five-hundredth of a proxied
 * request, and knows the emptiest endpoint instead of guessing it.
 */
const SCAN_MAX = 16

/** Draws before all rows are scanned instead: with half of them barred, one pick in 65,536 comes to that. */
const DRAWS_MAX = 16

function cheapestOfAll(candidates: Candidates, dice: Dice): number {
  let best = NO_ENDPOINT
  let bestLoad = 0
  let bestPull = 0
  let tied = 0
  for (let position = 0; position < candidates.count; position++) {
    const row = candidates.at(position)
    const pull = candidates.pull(row)
    if (pull === 0) continue
    const load = candidates.inflight(row)
    const mine = load * bestPull
    const theirs = bestLoad * pull
    if (mine > theirs && best !== NO_ENDPOINT) continue
    if (best === NO_ENDPOINT || mine < theirs) {
      tied = pull
    } else {
      // The newest of equals replaces the one held with probability pull ÷ sum of pulls: each ends up held by its share.
      tied += pull
      if (!wins(dice, pull, tied)) continue
    }
    best = row
    bestLoad = load
    bestPull = pull
  }
  return best
}

function cheaperOfTwo(candidates: Candidates, dice: Dice): number {
  const first = drawOpen(candidates, dice, NO_ENDPOINT)
  if (first === NO_ENDPOINT) return cheapestOfAll(candidates, dice)
  const second = drawOpen(candidates, dice, first)
  if (second === NO_ENDPOINT) return first
  const costOfFirst = candidates.inflight(first) * candidates.pull(second)
  const costOfSecond = candidates.inflight(second) * candidates.pull(first)
  // Equal: the first, which was drawn by its weight already.
  return costOfSecond < costOfFirst ? second : first
}

/**
 * An open row other than `except`, each with the probability of its pull: drawn evenly, kept with pull ÷ largest pull.
 * NO_ENDPOINT after DRAWS_MAX draws that hit none.
 */
function drawOpen(candidates: Candidates, dice: Dice, except: number): number {
  const pullMax = candidates.pullMax()
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const row = candidates.at(below(dice(), candidates.count))
    const pull = candidates.pull(row)
    if (row !== except && pull > 0 && (pull >= pullMax || wins(dice, pull, pullMax))) return row
  }
  return NO_ENDPOINT
}
