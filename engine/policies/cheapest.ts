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
 * The cheapest by cost ÷ pull, compared crosswise so that nothing is divided.
 *
 *   up to SCAN_MAX rows:  all are looked at; ties by dice, in proportion to pull
 *   beyond:               one is drawn in proportion to pull, and taken if it costs nothing, as an idle one does;
 *                         else it and its next neighbours are looked at, SCAN_MAX in all
 *
 *       rows  · · · · · ·[■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■]· · · · · ·
 *                         └ drawn                      neighbours share cache lines, so sixteen of them cost less
 *                                                      than four that are drawn one by one
 *
 * In flight is that of all threads at this instant, so looking at many rows is better than drawing some and does not herd.
 * A window begins at each row in proportion to its pull, and in it ties go by pull: where weights are in no order, or in one
 * that changes slowly, each row is taken in proportion to its own.
 */
export function cheapest(dice: Dice, costOf: CostOf): PickRow {
  const cost = new Float64Array(1)
  return candidates => {
    const { count } = candidates
    if (count <= SCAN_MAX) return cheapestOf(candidates, dice, costOf, cost, 0, count)
    const start = drawPosition(candidates, dice)
    if (start < 0) return cheapestOf(candidates, dice, costOf, cost, 0, count)
    const drawn = candidates.at(start)
    costOf(candidates, drawn, cost)
    if (cost[0] === 0) return drawn
    return cheapestOf(candidates, dice, costOf, cost, start, SCAN_MAX)
  }
}

/**
 * Rows that are looked at. What more would buy: 100 servers at 80 % load that work on one request at a time, Poisson arrivals,
 * service 20 ms + exp(100 ms), 16 threads (`signalbox simulate timelike`, medians of three seeds):
 *
 *   rows        12    16    20    24    32    all
 *   p99, ms    571   549   531   519   507    490       two draws: 777, four: 627
 */
export const SCAN_MAX = 16

/** Draws before all rows are scanned instead: with half of them barred, one pick in 65,536 comes to that. */
const DRAWS_MAX = 16

/** Of so many rows from a position on, and from the first one again after the last. */
function cheapestOf(
  candidates: Candidates,
  dice: Dice,
  costOf: CostOf,
  cost: Float64Array,
  start: number,
  rows: number,
): number {
  let best = NO_ENDPOINT
  let bestCost = 0
  let bestPull = 0
  let tied = 0
  let roll = dice()
  let position = start
  for (let left = rows; left > 0; left--) {
    const row = candidates.at(position)
    if (++position === candidates.count) position = 0
    const pull = candidates.pull(row)
    if (pull === 0) continue
    costOf(candidates, row, cost)
    const mine = cost[0] * bestPull
    const theirs = bestCost * pull
    if (mine > theirs && best !== NO_ENDPOINT) continue
    if (best === NO_ENDPOINT || mine < theirs) {
      tied = pull
    } else {
      tied += pull
      roll = stir(roll)
      if (!replaces(roll, pull, tied)) continue
    }
    best = row
    bestCost = cost[0]
    bestPull = pull
  }
  return best
}

/** One die a pick, stirred for each tie (Numerical Recipes' generator; its high bits are good): when all are idle every row ties. */
export function stir(roll: number): number {
  return (Math.imul(roll, 1_664_525) + 1_013_904_223) | 0
}

/** The newest of equals replaces the one held with probability pull ÷ sum of pulls: each ends up held by its share. */
export function replaces(roll: number, pull: number, tied: number): boolean {
  return (roll >>> 1) * tied < pull * 2 ** 31
}

/**
 * The position of an open row, each with the probability of its pull: drawn evenly, kept with pull ÷ largest pull. Below zero after DRAWS_MAX
 * draws that hit none.
 */
export function drawPosition(candidates: Candidates, dice: Dice): number {
  const pullMax = candidates.pullMax()
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const position = below(dice(), candidates.count)
    const pull = candidates.pull(candidates.at(position))
    if (pull > 0 && (pull >= pullMax || wins(dice, pull, pullMax))) return position
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
