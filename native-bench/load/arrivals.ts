import { GOLDEN } from '../../engine/memory/hash-key.ts'
import { createDice } from '../../engine/policies/dice.ts'

/** Numbers above 0 and up to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  // Small seeds would begin with small numbers.
  const dice = createDice(Math.imul(seed + 1, GOLDEN))
  return () => (dice() + 1) / 2 ** 31
}

/** `even`: at equal distances. `poisson`: as of many who know nothing of each other, −ln(u) ÷ rate from one to the next. */
export type Arrivals = 'even' | 'poisson'

/** The ms from one request to the next, one after the other. */
export function gapsMs(arrivals: Arrivals, perSecond: number, seed: number): () => number {
  const meanMs = 1000 / perSecond
  if (arrivals === 'even') return () => meanMs
  const random = seeded(seed)
  return () => -Math.log(random()) * meanMs
}
