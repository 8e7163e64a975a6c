import { ABANDONED, type Attachment, becomeDrainer, drainOutcomes, OK, TIMEOUT } from '../../engine/writer.ts'
import { defineAction } from '../kit/grammar/action.ts'
import { type Drained, outcomesDrained } from './signals.ts'

/** Outcomes taken from one thread's ring at a time: a whole ring of the default size. */
const DRAIN_OUTCOMES = 4096

type Drain = { -readonly [key in keyof Drained]: Drained[key] } & { codes: number[]; latenciesUs: number[] }

/** Between two looks into empty rings: a failure is known that much later at most, and a thread at rest costs little. */
const IDLE_MS = 20

/**
 * Empties the outcome rings of all threads and sorts what was in them by endpoint; waits until there is something.
 * Outcomes of one thread are in their order; those of two threads within one drain are taken thread by thread, which a
 * few ms cannot tell apart.
 *
 * While another thread drains (the one before this has just died and its seat is not given back yet) it waits too.
 */
export const drain = defineAction({
  name: 'drain-outcomes',
  done: outcomesDrained,
  // There may be no traffic for days.
  timeoutMs: 0,
  run: (_: undefined, edge): { rows: readonly Drained[] } | Promise<{ rows: readonly Drained[] }> => {
    const rows = drainRows(edge.attachment)
    if (rows.length > 0) return { rows }
    // In here rather than by a schedule for each look: fifty decisions a second to do nothing are most of an idle agent.
    return new Promise(resolve => {
      const look = (): void => {
        const found = drainRows(edge.attachment)
        if (found.length > 0) resolve({ rows: found })
        else edge.later(IDLE_MS, look)
      }
      edge.later(IDLE_MS, look)
    })
  },
})

function drainRows(attachment: Attachment): Drain[] {
  const { region, seat } = attachment
  if (!becomeDrainer(region, seat)) return []
  const rows = new Map<number, Drain>()
  drainOutcomes(
    region,
    (ticket, outcome, latencyUs) => add(rows, attachment, ticket, outcome, latencyUs),
    DRAIN_OUTCOMES,
  )
  return [...rows.values()]
}

function add(
  rows: Map<number, Drain>,
  { endpoints }: Attachment,
  ticket: number,
  outcome: number,
  latencyUs: number,
): void {
  const row = endpoints.rowOf(ticket)
  if (row < 0) return
  let drained = rows.get(row)
  if (drained === undefined) {
    rows.set(row, (drained = blank(row, endpoints.generation(row), endpoints.service(row))))
  }
  if (outcome === ABANDONED) {
    drained.abandoned++
    return
  }
  drained.codes.push(outcome)
  if (outcome === OK) {
    drained.ok++
    drained.latencyUsSum += latencyUs
    if (latencyUs > drained.latencyUsMax) drained.latencyUsMax = latencyUs
  } else if (outcome === TIMEOUT) {
    drained.timeout++
  } else {
    drained.error++
  }
  // 0: not known. A failure that came at once would make an endpoint look fast.
  if (latencyUs > 0 && (outcome === OK || outcome === TIMEOUT)) drained.latenciesUs.push(latencyUs)
}

function blank(row: number, generation: number, service: number): Drain {
  return {
    row,
    generation,
    service,
    ok: 0,
    error: 0,
    timeout: 0,
    abandoned: 0,
    latencyUsSum: 0,
    latencyUsMax: 0,
    codes: [],
    latenciesUs: [],
  }
}
