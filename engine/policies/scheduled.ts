import type { Candidates } from '../memory/candidates.ts'
import { type Dice, wins } from './dice.ts'
import { NO_ENDPOINT } from './policy.ts'

/** Turns that are taken before a row is drawn by dice instead: with nine in ten barred, one pick in 850 comes to that. */
const TURNS_MAX = 64

/**
 * Turns by a schedule that was built beforehand: the next one of all threads, over and over.
 *
 *   turn = sequence++      member = schedule[turn mod period]
 *   a turn of a member that may not be picked is nobody's: the next turn is taken
 *   factor 0 < f < 1       a turn counts with probability f: what the facts leave of a weight
 *
 * The alternative, giving a barred member's turn to whoever stands after it in the schedule, is as cheap and unfair: of
 * a b c with a barred, b would get two turns of three.
 */
export function takeScheduled(candidates: Candidates, dice: Dice): number {
  const { table } = candidates
  const period = table.entries.length
  for (let taken = 0; taken < TURNS_MAX; taken++) {
    const position = candidates.nextTurn() % period
    const row = candidates.entryRow(position)
    if (row < 0) continue
    const pull = candidates.pull(row)
    if (pull === 0) continue
    const whole = table.pullOf(position)
    if (pull >= whole || wins(dice, pull, whole)) return row
  }
  return NO_ENDPOINT
}
