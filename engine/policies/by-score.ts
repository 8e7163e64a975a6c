import type { Candidates } from '../memory/candidates.ts'
import { avalanche } from '../memory/hash-key.ts'
import { NO_ENDPOINT, type PickRow } from './policy.ts'

/**
 * The open row with the highest score for a key, by looking at all of them; with a balance, the highest of those that are
 * not full, and the one that is fullest by the smallest degree when all are.
 *
 *   u(e)     = murmur3's finaliser of key ^ name of e, even over (0, 1)
 *   score(e) = −pull(e) ÷ ln u(e)                        the share of keys follows the weights
 *   full(e)  = in flight on e ≥ slots(e)                 see Candidates.slotsOf and balance.ts
 */
export function byScore(balance: number): PickRow {
  return balance > 0 ? (candidates, hash) => bestWithin(candidates, hash, balance) : bestOfAll
}

function bestOfAll(candidates: Candidates, hash: number): number {
  let best = NO_ENDPOINT
  let bestScore = 0
  for (let position = 0; position < candidates.count; position++) {
    const row = candidates.at(position)
    const pull = candidates.pull(row)
    if (pull === 0) continue
    const score = -pull / Math.log(((avalanche(hash ^ candidates.keyHash(row)) >>> 0) + 0.5) / 2 ** 32)
    if (score <= bestScore) continue
    best = row
    bestScore = score
  }
  return best
}

function bestWithin(candidates: Candidates, hash: number, balance: number): number {
  let best = NO_ENDPOINT
  let bestScore = 0
  let emptiest = NO_ENDPOINT
  let emptiestInflight = 0
  let emptiestSlots = 1
  for (let position = 0; position < candidates.count; position++) {
    const row = candidates.at(position)
    const pull = candidates.pull(row)
    if (pull === 0) continue
    const inflight = candidates.inflight(row)
    const slots = candidates.slotsOf(row, balance)
    if (inflight >= slots) {
      // Only asked for when all are full: the smallest in flight ÷ slots, compared crosswise.
      if (emptiest !== NO_ENDPOINT && inflight * emptiestSlots >= emptiestInflight * slots) continue
      emptiest = row
      emptiestInflight = inflight
      emptiestSlots = slots
      continue
    }
    const score = -pull / Math.log(((avalanche(hash ^ candidates.keyHash(row)) >>> 0) + 0.5) / 2 ** 32)
    if (score <= bestScore) continue
    best = row
    bestScore = score
  }
  return best === NO_ENDPOINT ? emptiest : best
}
