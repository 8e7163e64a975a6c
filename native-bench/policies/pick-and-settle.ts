import { GOLDEN } from '../../engine/memory/hash-key.ts'
import type { Router } from '../../engine/router/router.ts'
import type { Batch } from '../harness.ts'

export interface Picking {
  readonly router: Router
  /** Each pick is to have another key. */
  readonly isKeyed: boolean
}

/** Picks and settles so many times, one after the other. */
export function pickAndSettle({ router, isKeyed }: Picking): Batch {
  return isKeyed
    ? (times, from = 0) => {
        // Ten thousand keys in an order that no cache foresees.
        for (let i = from; i < from + times; i++) router.settle(router.pick(Math.imul(i, GOLDEN)), 'ok', i & 1023)
      }
    : (times, from = 0) => {
        for (let i = from; i < from + times; i++) router.settle(router.pick(), 'ok', i & 1023)
      }
}
