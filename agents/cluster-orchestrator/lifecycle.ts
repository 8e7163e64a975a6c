import { elapsedMs } from '../../engine/writer.ts'
import type { SignalOf } from '../kit/grammar/signal.ts'
import type { lifecycleChanged, lifecycleRequested } from '../signals.ts'

type Question = SignalOf<typeof lifecycleRequested>
export type Phase = SignalOf<typeof lifecycleChanged>['data']['phase']

/**
 * How this node takes part in what is done for all.
 *
 *   joined ── drain, leave, restart ──▶ draining: nothing new is begun, what runs ends or its time is over ──▶ drained · left
 *     ▲                                                                                           restart ─┐
 *     └───────────────────────────────────── join ◀──────────────────────────────────────────────────────┘
 *
 * Requests to this node are not concerned: whether it takes any is for its process to say, by its readiness. When the process ends in order
 * its agents leave the registry at once, and whoever it led is led by another node.
 */
export interface Lifecycle {
  readonly phase: Phase
  /** Who waits for the end of draining, and since when. */
  readonly waiting: { readonly question: Question; readonly sinceMs: number } | undefined
}

export const JOINED: Lifecycle = { phase: 'joined', waiting: undefined }

/** What is to be done when a phase has changed. */
export interface Turn {
  readonly lifecycle: Lifecycle
  /** Whether operations are begun; undefined: as before. */
  readonly takesOperations?: boolean
  /** Whether it stands for the office; `anew`: out of it and in again. Undefined: as before. */
  readonly stands?: 'yes' | 'no' | 'anew'
  /** Questions that are answered now. */
  readonly answers: readonly { readonly question: Question; readonly because: string }[]
}

export function ask(before: Lifecycle, question: Question, running: number, now: number): Turn {
  const { deed } = question.data
  if (before.waiting !== undefined) {
    const because = `it is ${before.phase} already, for ${before.waiting.question.data.by}`
    return { lifecycle: before, answers: [{ question, because }] }
  }
  if (deed === 'join') {
    return {
      lifecycle: JOINED,
      takesOperations: true,
      stands: 'yes',
      answers: [{ question, because: 'it takes part' }],
    }
  }
  const draining: Lifecycle = { phase: 'draining', waiting: { question, sinceMs: now } }
  const turn = look(draining, running, now)
  return { ...turn, takesOperations: turn.takesOperations ?? false }
}

/** Whether draining is over. */
export function look(before: Lifecycle, running: number, now: number): Turn {
  const { waiting } = before
  if (waiting === undefined) return { lifecycle: before, answers: [] }
  const { question, sinceMs } = waiting
  const { deed, deadlineMs } = question.data
  if (running > 0 && elapsedMs(now, sinceMs) < deadlineMs) return { lifecycle: before, answers: [] }
  const left = running === 0 ? 'nothing was under way any more' : `${running} operations were handed over`
  const answers = [{ question, because: left }]
  // Another one may lead by then, and that is what a restart is for.
  if (deed === 'restart') return { lifecycle: JOINED, takesOperations: true, stands: 'anew', answers }
  return { lifecycle: { phase: deed === 'leave' ? 'left' : 'drained', waiting: undefined }, stands: 'no', answers }
}
