import { elapsedMs } from '../../../engine/writer.ts'
import type { OperationRecord } from '../../signals.ts'
import type { Returned } from './procedure.ts'
import { resultsOf } from './session.ts'

/** What an operation has done is being taken back, and how it will have ended then. */
export interface Undoing {
  readonly status: Exclude<OperationRecord['status'], 'running'>
  readonly because: string
  readonly sinceMs: number
  readonly askedMs: number
  /** Answers that have not come yet. */
  readonly left: number
  /** What could not be taken back, as those that did come say. */
  readonly faults: readonly string[]
}

/** By this key what takes something back has its answer come. */
const UNDO = '/undo'
/** So long others have for it: sessions last a minute. */
const ANSWER_MS = 75_000
/** What is refused is asked for again after a while, for there may be a trial, or too many are out; and for so long in all. */
const AGAIN_MS = 10_000
const UNDO_MS = 120_000

export function undoKey(id: string): string {
  return `${id}${UNDO}`
}

/** The operation that an answer is for, and whether it is one to what takes something back. */
export function readKey(key: string): { readonly id: string; readonly isUndo: boolean } {
  const isUndo = key.endsWith(UNDO)
  return { id: isUndo ? key.slice(0, -UNDO.length) : key, isUndo }
}

export function withAnswer(undoing: Undoing, returned: Returned): Undoing {
  return { ...undoing, left: undoing.left - 1, faults: [...undoing.faults, ...faultsOf(returned)] }
}

function faultsOf(returned: Returned): string[] {
  if (returned.kind !== 'session') return returned.fault === '' ? [] : [returned.fault]
  const bad = resultsOf(returned.session).filter(({ status }) => status !== 'done')
  return bad.map(({ role, what, subject, because }) => `${role} ${what} ${subject}: ${because}`)
}

/** What to do: go on waiting, ask again, or let it be over. */
export function turnOf({ left, faults, askedMs, sinceMs }: Undoing, now: number): 'wait' | 'again' | 'over' {
  const askedForMs = elapsedMs(now, askedMs)
  if (left > 0 && askedForMs < ANSWER_MS) return 'wait'
  if (left <= 0 && faults.length === 0) return 'over'
  if (elapsedMs(now, sinceMs) >= UNDO_MS) return 'over'
  return askedForMs < AGAIN_MS ? 'wait' : 'again'
}

/** How it has ended: what was not taken back is no rolling back, and is said. */
export function verdictOf({ status, because, left, faults }: Undoing): Pick<Undoing, 'status' | 'because'> {
  const silent = left > 0 ? ['no answer'] : []
  const open = [...faults, ...silent].join('; ')
  if (open === '') return { status, because }
  return { status: status === 'rolled-back' ? 'failed' : status, because: `${because}; not taken back: ${open}` }
}
