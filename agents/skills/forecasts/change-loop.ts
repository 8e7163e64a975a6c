/** A value that is changed only as far as it is seen to help. */
export interface ChangeLoop<Value> {
  readonly inForce: Value
  /** The change on trial: what was there before it, what was measured then, and what was since. */
  readonly trial:
    | { readonly before: Value; readonly measuredBefore: number; readonly measured: readonly number[] }
    | undefined
}

/** What a measure has come to: nothing yet, the change stays, or it was taken back. */
export type Verdict = 'none' | 'kept' | 'rolled-back'

export interface LoopRule {
  /** Measures of a change before it is judged. */
  readonly windows: number
  /** Taken back when it is worse than before by more than this share. */
  readonly tolerance: number
}

export const LOOP_RULE: LoopRule = { windows: 2, tolerance: 0.05 }

export function restingLoop<Value>(inForce: Value): ChangeLoop<Value> {
  return { inForce, trial: undefined }
}

/** Tries another value from now on, with what was measured under the one before; less is better. Nothing happens while another is tried. */
export function changeTo<Value>(loop: ChangeLoop<Value>, value: Value, measuredBefore: number): ChangeLoop<Value> {
  if (loop.trial !== undefined || value === loop.inForce) return loop
  return { inForce: value, trial: { before: loop.inForce, measuredBefore, measured: [] } }
}

/**
 * Takes in a measure, of a window that is over.
 *
 *   resting ── changeTo ──▶ on trial ── so many windows ──▶ mean ≤ before × (1 + tolerance)?  yes ──▶ kept
 *      ▲                                                                                      no ──▶ rolled back
 *      └──────────────────────────────────────────────────────────────────────────────────────────────┘
 */
export function measured<Value>(
  { windows, tolerance }: LoopRule,
  loop: ChangeLoop<Value>,
  figure: number,
): { readonly loop: ChangeLoop<Value>; readonly verdict: Verdict } {
  if (loop.trial === undefined) return { loop, verdict: 'none' }
  const { before, measuredBefore, measured: earlier } = loop.trial
  const all = [...earlier, figure]
  if (all.length < windows) return { loop: { ...loop, trial: { ...loop.trial, measured: all } }, verdict: 'none' }
  const mean = all.reduce((sum, each) => sum + each, 0) / all.length
  if (mean <= measuredBefore * (1 + tolerance)) return { loop: restingLoop(loop.inForce), verdict: 'kept' }
  return { loop: restingLoop(before), verdict: 'rolled-back' }
}
