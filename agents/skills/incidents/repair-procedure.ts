import type { Hook } from '../webhook.ts'

/** One thing that is done to an endpoint. */
export type Step =
  /** Connect to it, by names and certificates as they are now. */
  | { readonly do: 'connect' }
  /** Have its names looked up anew, and who has moved found. */
  | { readonly do: 'refresh-names' }
  /** Look whether its checks have made it well, or connections to it come about where it has none. */
  | { readonly do: 'look' }
  /** See how requests to it go once it has some again; where nobody asks it, look. */
  | { readonly do: 'see-requests' }
  /** Leave it alone for so long, in ms. */
  | { readonly do: 'wait'; readonly ms: number }
  /** Tell somebody outside to do something about it. */
  | { readonly do: 'call'; readonly hook: Hook; readonly what: string }
  /** Have no new request sent to it. */
  | { readonly do: 'isolate' }
  /** Let it back. */
  | { readonly do: 'release' }

/** What takes a step back that was done, where all was in vain. */
export type Compensated = Step & { readonly undo?: Step }

/**
 * How something is repaired: steps in order, and how it is seen that they have helped. An attempt that fails begins anew, after a back-off that
 * is doubled; after the last one the steps that were done are taken back in reverse.
 */
export interface Procedure {
  readonly name: string
  /** Whether a look alone can tell that there is nothing to repair, because another has done so: then it comes first. */
  readonly looksFirst: boolean
  readonly steps: readonly Compensated[]
  readonly verify: Step
  readonly maxAttempts: number
  /** Before the second attempt, in ms. */
  readonly backOffMs: number
}

/** A procedure under way: `at` is the step that is being done, and after the last one the look at whether it has helped. */
export interface Run {
  readonly procedure: Procedure
  readonly attempt: number
  readonly at: number
  /** Steps that were done in the attempts so far and have not been taken back, the last one last. */
  readonly done: readonly Step[]
  /** For people: each step and what came of it. */
  readonly tried: readonly string[]
}

/** What is to be done next. */
export type Next =
  | { readonly next: 'step'; readonly step: Step; readonly run: Run }
  | { readonly next: 'again'; readonly afterMs: number; readonly run: Run }
  | { readonly next: 'end'; readonly isWell: boolean; readonly undo: readonly Step[]; readonly run: Run }

/** Lines that are told of what was tried. */
const TRIED_MAX = 32
/** However often it was doubled, in ms. */
const BACK_OFF_MS_MAX = 600_000

/** Begins a procedure. */
export function begin(procedure: Procedure): Next {
  const run = { procedure, attempt: 0, at: procedure.steps.length, done: [], tried: [] }
  return procedure.looksFirst ? stepAt(run) : again(run)
}

/** Begins the next attempt. */
export function again(run: Run): Next {
  return stepAt({ ...run, attempt: run.attempt + 1, at: 0 })
}

/**
 * Goes on with what came of a step.
 *
 *   look: well? ──yes──▶ end, well
 *     │ no
 *     ▼
 *   step 1 ──▶ step 2 ──▶ … ──▶ verify ──yes──▶ end, well
 *     │ no       │ no              │ no
 *     └──────────┴─────────────────┴──▶ attempts left? ──yes──▶ back-off ──▶ step 1
 *                                             │ no
 *                                             ▼
 *                                        take back what was done ──▶ end, not well
 */
export function proceed(run: Run, hasWorked: boolean, reason: string): Next {
  const { procedure, attempt, at } = run
  const { steps, maxAttempts, backOffMs } = procedure
  const step = steps[at]
  const isVerified = step === undefined
  const line = `${nameOf(step ?? procedure.verify)}: ${reason}`
  const undo = hasWorked ? step?.undo : undefined
  const after: Run = {
    ...run,
    at: at + 1,
    tried: [...run.tried, line].slice(-TRIED_MAX),
    // The same step done again in another attempt is taken back once.
    done: undo === undefined || run.done.includes(undo) ? run.done : [...run.done, undo],
  }
  if (isVerified && hasWorked) return { next: 'end', isWell: true, undo: [], run: after }
  if (!isVerified && hasWorked) return stepAt(after)
  if (attempt === 0) return again(after)
  if (attempt < maxAttempts) {
    return { next: 'again', afterMs: Math.min(BACK_OFF_MS_MAX, backOffMs * 2 ** (attempt - 1)), run: after }
  }
  return { next: 'end', isWell: false, undo: after.done.toReversed(), run: after }
}

function stepAt(run: Run): Next {
  return { next: 'step', step: stepOf(run), run }
}

/** The step that is being done. */
export function stepOf({ procedure: { steps, verify }, at }: Run): Step {
  return steps[at] ?? verify
}

/** A step, for people. */
export function nameOf(step: Step): string {
  if (step.do === 'call') return `call ${step.what}`
  return step.do === 'wait' ? `wait ${step.ms} ms` : step.do
}
