import type { Candidates } from '../memory/candidates.ts'
import { drawPosition, replaces, SCAN_MAX, stir } from './cheapest.ts'
import type { Dice } from './dice.ts'
import { NO_ENDPOINT, type Policy } from './policy.ts'

/**
 * Least request: the endpoint with the fewest requests in flight for its weight.
 *
 *   cost(e) = inside(e) ÷ pull(e)            ties (all idle, as a rule) in proportion to pull: weights hold at low load too
 *
 *   inside  = in flight from all threads here, and from elsewhere where the endpoint tells
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
    pickRow: candidates => {
      const { count } = candidates
      if (count <= SCAN_MAX) return fewestOf(candidates, dice, 0, count)
      const start = drawPosition(candidates, dice)
      if (start < 0) return fewestOf(candidates, dice, 0, count)
      const drawn = candidates.at(start)
      return candidates.inside(drawn) === 0 ? drawn : fewestOf(candidates, dice, start, SCAN_MAX)
    },
  }),
}

/**
 * What cheapestOf in cheapest.ts does, with the cost in hand instead of asked for: policies share that loop, so V8 calls a function for each row,
 * and this is the one that most people use.
 */
function fewestOf(candidates: Candidates, dice: Dice, start: number, rows: number): number {
  let best = NO_ENDPOINT
  let bestInside = 0
  let bestPull = 0
  let tied = 0
  let roll = dice()
  let position = start
  for (let left = rows; left > 0; left--) {
    const row = candidates.at(position)
    if (++position === candidates.count) position = 0
    const pull = candidates.pull(row)
    if (pull === 0) continue
    const inside = candidates.inside(row)
    const mine = inside * bestPull
    const theirs = bestInside * pull
    if (mine > theirs && best !== NO_ENDPOINT) continue
    if (best === NO_ENDPOINT || mine < theirs) {
      tied = pull
    } else {
      tied += pull
      roll = stir(roll)
      if (!replaces(roll, pull, tied)) continue
    }
    best = row
    bestInside = inside
    bestPull = pull
  }
  return best
}
