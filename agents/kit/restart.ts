/** What is known of an agent's restarts, in ms of the supervisor's clock. */
export interface Record {
  /** Moments of the restarts within the window. */
  readonly recent: readonly number[]
  /** Restarts since it was last healthy for long: the exponent of the back-off. */
  readonly inRow: number
}

export const UNBLEMISHED: Record = { recent: [], inRow: 0 }

/** More than so many restarts … */
export const RESTARTS_MAX = 3
/** … within so many ms, and restarting does not help (Erlang/OTP and Elixir's default intensity). */
export const WINDOW_MS = 5_000
/** How long an agent then rests before it is tried from the beginning. */
export const REST_MS = 10_000
/** After so long without a fault the back-off begins anew. */
const HEALTHY_MS = 60_000

const BACKOFF_MS_FIRST = 50
const BACKOFF_MS_MAX = 10_000
/** So that agents that fell together do not come back together. */
const JITTER = 0.2

/** What to do about a thread that has ended: start another after a while, or give it a rest first. */
export type Verdict =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly record: Record }
  | { readonly kind: 'rest'; readonly delayMs: number; readonly record: Record }

/**
 * Judges one end of a thread that ran for `ranMs`.
 *
 * Source  OTP supervisors: intensity 3 in 5 s. Deviations: back-off between restarts (0, 50, 100, 200 … 10,000 ms
 * ± 20 %), and in place of giving up for good a rest of 10 s: the engine routes on meanwhile, and a process that embeds
 * it must not be taken down by it.
 */
export function judgeEnd(record: Record, ranMs: number, nowMs: number, die: number): Verdict {
  const recent = record.recent.filter(at => nowMs - at < WINDOW_MS)
  if (recent.length >= RESTARTS_MAX) return { kind: 'rest', delayMs: REST_MS, record: UNBLEMISHED }
  const inRow = ranMs >= HEALTHY_MS ? 0 : record.inRow
  return {
    kind: 'restart',
    delayMs: backoffMs(inRow, die),
    record: { recent: [...recent, nowMs], inRow: inRow + 1 },
  }
}

/** The wait before the n-th restart in a row, from 0: 0, 50, 100, 200 … 10,000 ms, ± 20 % by the die from 0 to 1. */
export function backoffMs(n: number, die: number): number {
  if (n === 0) return 0
  const whole = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** (n - 1))
  return whole * (1 + (die * 2 - 1) * JITTER)
}
