import { DISCOVERED, type NewEndpoint } from '../../engine/writer.ts'
import type { Said } from './answer.ts'
import type { Plan } from './plans.ts'

/** An endpoint as its source said last, marked with it, and in how many answers since it was not. */
interface Held {
  readonly endpoint: NewEndpoint
  readonly missed: number
}

/** What is known of one source. */
export interface Source {
  readonly plan: Plan
  /** By id. */
  readonly held: ReadonlyMap<string, Held>
  /** Answers that said what there is, see `speaks`. */
  readonly answers: number
  /** Empty ones in a row. */
  readonly empties: number
  /** Why it could not be asked; empty: it could. */
  readonly fault: string
}

/** So many answers in a row must leave an endpoint out before it is gone: one may have been cut short, or come from a server that lags. */
const MISSED_MAX = 2
/** An answer of nothing at all counts when it came so often: once, and confirmed twice. Mostly it is a name server in trouble. */
const EMPTIES_MAX = 3
/** Of one source. */
const HELD_MAX = 16_384

export function newSource(plan: Plan): Source {
  return { plan, held: new Map(), answers: 0, empties: 0, fault: '' }
}

/**
 * Goes on with an answer. What it says is there at once; what it leaves out stays for one answer more, unless the source says all there
 * is. A failure changes nothing but that it is known. Half an answer can only add, and so can one that somebody asked for in between
 * (`isOutOfTurn`).
 *
 *   found, not empty ─▶ held: 0 missed · the others: one more missed, gone at 2
 *   found, empty     ─▶ the third in a row: all gone
 *   failed           ─▶ as before
 */
export function hearAnswer(before: Source, said: Said, isOutOfTurn = false): Source {
  if (said.kind === 'failed') return { ...before, fault: said.reason }
  const { mark } = before.plan
  const found = new Map(said.endpoints.slice(0, HELD_MAX).map(endpoint => [endpoint.id, marked(endpoint, mark)]))
  // What is wrong with a part of it is told as a fault; the rest counts.
  const fault = said.faults.slice(0, 3).join('; ')
  const isEmpty = found.size === 0
  if (said.isPartial === true || (isOutOfTurn && !said.isWhole))
    return { ...before, fault, held: heldWith(before, found, 0) }
  const empties = isEmpty && !said.isWhole ? before.empties + 1 : 0
  if (empties > 0 && empties < EMPTIES_MAX) return { ...before, empties, fault }
  const isFinal = said.isWhole || empties >= EMPTIES_MAX
  const answers = before.answers + (isFinal ? MISSED_MAX : 1)
  return { ...before, empties, answers, fault, held: heldWith(before, found, isFinal ? MISSED_MAX : 1) }
}

function marked(endpoint: NewEndpoint, mark: string): NewEndpoint {
  return { ...endpoint, metadata: { ...endpoint.metadata, [DISCOVERED]: mark } }
}

function heldWith({ held }: Source, found: ReadonlyMap<string, NewEndpoint>, missing: number): Source['held'] {
  const stay = [...held].flatMap(([id, { endpoint, missed }]): [string, Held][] => {
    if (found.has(id)) return []
    return missed + missing >= MISSED_MAX ? [] : [[id, { endpoint, missed: missed + missing }]]
  })
  const all = new Map<string, Held>(stay)
  for (const [id, endpoint] of found) {
    if (all.size < HELD_MAX) all.set(id, { endpoint, missed: 0 })
  }
  return all
}

/** Whether what it does not hold is gone; before, what a process before this one had from it stays. */
export function speaks({ answers }: Source): boolean {
  return answers >= MISSED_MAX
}
