import { drawByPull, drawPosition } from './cheapest.ts'
import { NO_ENDPOINT, type Policy } from './policy.ts'

/**
 * Random, in proportion to weight.
 *
 *   draw a row evenly, keep it with probability pull ÷ largest pull, else draw again
 *
 * Source    von Neumann's rejection. Deviation from the usual alias table: nothing is built, so a new weight counts from
 *           the next pick; with very skewed weights the draws run out and all rows are looked at once instead.
 * Reads     bars and pull of each row drawn.   Cost  largest ÷ mean weight draws.
 * Good for  many small independent requests from many routers.   Poor for  tails: it does not look where it is busy.
 */
export const random: Policy = {
  name: 'random',
  aliases: [],
  summary: 'by dice, in proportion to weight',
  isWeighted: true,
  options: {},
  create: dice => ({
    pickRow: candidates => {
      if (candidates.count === 0) return NO_ENDPOINT
      const position = drawPosition(candidates, dice)
      return position < 0 ? drawByPull(candidates, dice) : candidates.at(position)
    },
  }),
}
