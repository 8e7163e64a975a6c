import type { ChoiceView } from '../memory/choice-view.ts'
import { avalanche, GOLDEN } from '../memory/hash-key.ts'
import { isFull } from './balance.ts'
import { byScore } from './by-score.ts'
import type { PickRow } from './policy.ts'

/** Where try k of a key looks in the table; `before` is where try k − 1 looked. */
export type Place = (table: ChoiceView, hash: number, attempt: number, before: number) => number

/**
 * Entries that are looked at before all rows are scored instead. With half of all keys' endpoints barred one key in four
 * thousand million comes to that; where the pick is aimed at a zone or a priority that has a tenth of the entries, one in
 * thirty.
 */
export const TRIES_MAX = 32

/**
 * A key's endpoint by a choice table: the first entry on the key's way through the table that is open, not full, and among
 * the rows the pick is aimed at.
 *
 *   entry of try 0 ─ barred ─▶ try 1 ─ of another zone ─▶ try 2 ─ full ─▶ try 3 ─ open ─▶ row
 *
 * The way depends on the key and the table alone. So while an endpoint is barred its keys go on, each to its own next one,
 * and return when it opens; no other key moves, and nothing is rebuilt. After TRIES_MAX entries, and while there is no table,
 * the row with the highest score is taken (rendezvous), which finds one if there is one.
 */
export function byTable(kind: number, place: Place, balance: number): PickRow {
  const scored = byScore(balance)
  return (candidates, hash) => {
    const { table } = candidates
    if (table.kind === kind) {
      let position = 0
      for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
        position = place(table, hash, attempt, position)
        const row = candidates.entryRow(position)
        if (row < 0 || !candidates.isOpen(row)) continue
        if (balance === 0 || !isFull(candidates, row, balance)) return row
      }
    }
    return scored(candidates, hash)
  }
}

/**
 * The key of try k: the hash itself, then other keys of it. Steps by the golden ratio, stirred, so that the keys of one
 * endpoint are spread over all others by weight, and those of two keys never run side by side.
 */
export function keyOfTry(hash: number, attempt: number): number {
  return attempt === 0 ? hash : avalanche((hash + Math.imul(attempt, GOLDEN)) | 0)
}
