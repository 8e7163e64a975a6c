import { flag, listOf, objectOf, positive, type ShapeOf, text } from '../kit/grammar/shapes.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { healthWord } from './ref.ts'

const verdict = objectOf({
  service: text,
  id: text,
  health: healthWord,
  /** Of the node that has seen it. */
  by: text,
  /** Whether the one who says so has seen it itself. */
  isDirect: flag,
  ageMs: positive,
})
export type SharedVerdict = ShapeOf<typeof verdict>

/** From the health monitor of a node to those of others: what it takes endpoints for, and who saw that. */
export const verdictsShared = defineSignal('signalbox.endpoint.verdicts-shared', {
  data: objectOf({ node: text, rows: listOf(verdict) }),
  reach: 'cluster',
})
