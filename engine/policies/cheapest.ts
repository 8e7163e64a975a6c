import type { Candidates } from '../memory/candidates.ts'
import { below, type Dice, wins } from './dice.ts'
import { NO_ENDPOINT, type PickRow } from './policy.ts'

/**
 * Puts into cost[0] what one more request on a row would cost, before its pull is taken into account: a number ≥ 0.
 * Policies that compare rows differ in this function alone. It answers through memory because V8 boxes a returned number
 * beyond 31 bits when it does not inline the call, and a pick allocates nothing.
 */
export type CostOf = (candidates: Candidates, row: number, cost: Float64Array) => void

/**
 * Draws candidates and takes the cheapest by cost ÷ pull, compared crosswise so that nothing is divided.
 *
 *   up to SCAN_MAX rows: all are looked at; ties by dice, in proportion to pull
 *   beyond:              two distinct draws by weight, the cheaper one (Mitzenmacher's two choices)
 *
 * In flight is that of all threads at this instant, so looking at all rows is better than two draws and does not herd.
 * Draws are distinct: of two endpoints a busy one is never drawn twice and taken.
 */
export function cheapest(dice: Dice, costOf: CostOf): PickRow {
  const cost = new Float64Array(1)
  return candidates =>
    candidates.count <= SCAN_MAX
      ? cheapestOfAll(candidates, dice, costOf, cost)
      : cheaperOfTwo(candidates, dice, costOf, cost)
}

/**
 * Rows up to which all are looked at. A scan of 16 costs some 100 ns more than two draws, a five-hundredth of a proxied
 * request, and knows the emptiest endpoint instead of guessing it.
 */
export const SCAN_MAX = 16

/** Draws before all rows are scanned instead: with half of them barred, one pick in 65,536 comes to that. */
const DRAWS_MAX = 16

function cheapestOfAll(candidates: Candidates, dice: Dice, costOf: CostOf, cost: Float64Array): number {
  let best = NO_ENDPOINT
  let bestCost = 0
  let bestPull = 0
  let tied = 0
  let roll = dice()
  for (let position = 0; position < candidates.count; position++) {
    const row = candidates.at(position)
    const pull = candidates.pull(row)
    if (pull === 0) continue
    costOf(candidates, row, cost)
    const mine = cost[0] * bestPull
    const theirs = bestCost * pull
    if (mine > theirs && best !== NO_ENDPOINT) continue
    if (best === NO_ENDPOINT || mine < theirs) {
      tied = pull
    } else {
      // The newest of equals replaces the one held with probability pull ÷ sum of pulls: each ends up held by its share.
      // One die a pick, stirred for each tie (Numerical Recipes' generator; its high bits are good): when all are idle
      // every row ties.
      tied += pull
      roll = (Math.imul(roll, 1_664_525) + 1_013_904_223) | 0
      if ((roll >>> 1) * tied >= pull * 2 ** 31) continue
    }
    best = row
    bestCost = cost[0]
    bestPull = pull
  }
  return best
}

function cheaperOfTwo(candidates: Candidates, dice: Dice, costOf: CostOf, cost: Float64Array): number {
  const first = drawOpen(candidates, dice, NO_ENDPOINT)
  if (first === NO_ENDPOINT) return cheapestOfAll(candidates, dice, costOf, cost)
  const second = drawOpen(candidates, dice, first)
  if (second === NO_ENDPOINT) return first
  costOf(candidates, first, cost)
  const costOfFirst = cost[0] * candidates.pull(second)
  costOf(candidates, second, cost)
  const costOfSecond = cost[0] * candidates.pull(first)
  // Equal: the first, which was drawn by its weight already.
  return costOfSecond < costOfFirst ? second : first
}

/**
 * An open row other than `except`, each with the probability of its pull: drawn evenly, kept with pull ÷ largest pull.
 * NO_ENDPOINT after DRAWS_MAX draws that hit none.
 */
export function drawOpen(candidates: Candidates, dice: Dice, except: number): number {
  const pullMax = candidates.pullMax()
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const row = candidates.at(below(dice(), candidates.count))
    const pull = candidates.pull(row)
    if (row !== except && pull > 0 && (pull >= pullMax || wins(dice, pull, pullMax))) return row
  }
  return NO_ENDPOINT
}

/** An open row by its pull, by looking at all of them; NO_ENDPOINT when none is open. */
export function drawByPull(candidates: Candidates, dice: Dice): number {
  let row = NO_ENDPOINT
  let sum = 0
  for (let position = 0; position < candidates.count; position++) {
    const next = candidates.at(position)
    const pull = candidates.pull(next)
    sum += pull
    if (pull > 0 && wins(dice, pull, sum)) row = next
  }
  return row
}
