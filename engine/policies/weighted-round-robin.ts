import type { Candidates } from '../memory/candidates.ts'
import { drawByPull } from './cheapest.ts'
import { NO_ENDPOINT, type Policy } from './policy.ts'
import { takeScheduled } from './scheduled.ts'
import { SCHEDULE_TABLE } from './tables/table-spec.ts'

/**
 * Weighted round robin: by static stride, or by a schedule that was built beforehand.
 *
 *   stride     works the turn out as it is taken; needs no table, and a new weight counts from the next turn
 *   smooth     nginx's order: {5, 1, 1} is a a b a c a a, over all threads together (tables/smooth.ts)
 *   edf        Envoy's order: {1, 2} is b a b (tables/edf.ts). Exact turns, and one table look-up for each
 *
 * A schedule is read as scheduled.ts says. While there is none, stride takes the turns. Stride:
 *
 *   w(e)  = pull(e) × 65535 ÷ largest pull             weights scaled so that the largest is 65535
 *   turn  = sequence++,  i = turn mod n,  g = turn div n
 *   m     = (w(i) × g + i × 32767) mod 65535           skip i in this round when m < 65535 − w(i)
 *
 * In 65535 rounds endpoint i is taken exactly w(i) times, spread evenly, its phase shifted by i × 32767 so that equal
 * weights do not skip together. {1, 2, 3} is taken 1, 2, 3 times in six picks.
 *
 * Source    gRPC's static stride scheduler. Deviation: weights are read live instead of from a rebuilt table, so a new
 *           weight counts from the next turn; attempts per pick are bounded, see below.
 * Reads     bars and pull of each row tried.   Cost  largest ÷ mean weight attempts, each one atomic add.
 * Good for  known, steady capacities.          Poor for  drifting ones: it does not look at what is in flight.
 */
export const weightedRoundRobin: Policy = {
  name: 'weighted-round-robin',
  aliases: ['weighted_round_robin', 'wrr'],
  summary: 'turns in proportion to weight, evenly spread (stride, smooth or earliest deadline first)',
  isWeighted: true,
  options: {
    schedule: {
      kind: 'word',
      words: ['stride', 'smooth', 'edf'],
      default: 'stride',
      about: "how turns are spread: worked out as they come (stride), in nginx's order (smooth) or in Envoy's (edf)",
    },
  },
  table: ({ schedule }) => (schedule === 'smooth' || schedule === 'edf' ? { name: schedule } : undefined),
  create: dice => ({
    pickRow: candidates => {
      if (candidates.count === 0) return NO_ENDPOINT
      const isScheduled = candidates.table.kind === SCHEDULE_TABLE
      const row = isScheduled ? takeScheduled(candidates, dice) : takeTurns(candidates)
      // None in two rounds or 64 turns: the heavy ones are out. Drawn by dice, the others keep their shares, and turns their phase.
      return row === NO_ENDPOINT ? drawByPull(candidates, dice) : row
    },
  }),
}

const SCALE = 65_535
const PHASE = 32_767

function takeTurns(candidates: Candidates): number {
  const count = candidates.count
  const scale = SCALE / candidates.pullMax()
  for (let attempt = 2 * count; attempt > 0; attempt--) {
    const turn = candidates.nextTurn()
    const quotient = (turn / count) | 0
    const position = turn - quotient * count
    const row = candidates.at(position)
    const pull = candidates.pull(row)
    if (pull === 0) continue
    const weight = Math.min(SCALE, Math.max(1, Math.round(pull * scale)))
    const phase = weight * (quotient % SCALE) + position * PHASE
    // phase % SCALE, which of numbers beyond 31 bits would be a call of fmod.
    if (phase - ((phase / SCALE) | 0) * SCALE >= SCALE - weight) return row
  }
  return NO_ENDPOINT
}
