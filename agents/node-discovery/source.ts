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
  /** Why it could not be asked, or what is wrong with what it says; empty: nothing. */
  readonly fault: string
}

/** So many answers in a row must leave an endpoint out before it is gone: one may have been cut short, or come from a server that lags. */
const MISSED_MAX = 2
/** What is wrong with a source that names nobody, which mostly is a name server in trouble. */
const NAMES_NOBODY = 'it names no endpoint, and what it named before stays'
/** Of one source. */
const HELD_MAX = 16_384

export function newSource(plan: Plan): Source {
  return { plan, held: new Map(), answers: 0, fault: '' }
}

/**
 * Goes on with an answer. What it says is there at once; what it leaves out stays for one answer more, unless the source says all there
 * is. A failure changes nothing but that it is known, and an answer of nothing is one, unless the source says all there is: that all
 * are gone at once is less likely than that who was asked does not know. Half an answer can only add, and so can one that somebody asked
 * for in between (`isOutOfTurn`).
 *
 *   found, not empty ─▶ held: 0 missed · the others: one more missed, gone at 2
 *   found, empty     ─▶ as before
 *   failed           ─▶ as before
 */
export function hearAnswer(before: Source, said: Said, isOutOfTurn = false): Source {
  if (said.kind === 'failed') return { ...before, fault: said.reason }
  const { mark } = before.plan
  const found = new Map(said.endpoints.slice(0, HELD_MAX).map(endpoint => [endpoint.id, marked(endpoint, mark)]))
  const namesNobody = found.size === 0 && !said.isWhole
  // What is wrong with a part of it is told as a fault; the rest counts.
  const fault = said.faults.slice(0, 3).join('; ') || (namesNobody ? NAMES_NOBODY : '')
  if (namesNobody) return { ...before, fault }
  if (said.isPartial === true || (isOutOfTurn && !said.isWhole))
    return { ...before, fault, held: heldWith(before, found, 0) }
  const missing = said.isWhole ? MISSED_MAX : 1
  return { ...before, answers: before.answers + missing, fault, held: heldWith(before, found, missing) }
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
