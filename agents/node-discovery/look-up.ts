import { defineAction } from '../kit/grammar/action.ts'
import type { Plan } from './plans.ts'
import { lookedUp } from './signals.ts'
import { lookUp } from './source-skill.ts'

/** Longer than any source may take. */
const TIMEOUT_MS = 65_000

/** Asks one source out of turn, for a round. Each is an action of its own: one that hangs keeps no other waiting. */
export const discover = defineAction({
  name: 'discover',
  isOutside: true,
  done: lookedUp,
  timeoutMs: TIMEOUT_MS,
  retries: 0,
  run: async ({ plan, round }: { readonly plan: Plan; readonly round: number }, edge) => ({
    round,
    answer: await lookUp(plan, edge),
  }),
})
