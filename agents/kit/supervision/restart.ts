/** More than so many restarts … */
export const RESTARTS_MAX = 3
/** … within so many ms, and restarting does not help (Erlang/OTP and Elixir's default intensity). */
export const WINDOW_MS = 5_000
/** After so long without a fault back-off and rest begin anew. */
export const HEALTHY_MS = 60_000

/** The first restart comes within this: at once for who waits, and not at one moment for all that fell at one. */
const AT_ONCE_MS = 20
const BACKOFF_MS_FIRST = 50
export const BACKOFF_MS_MAX = 10_000
const REST_MS_FIRST = 10_000
const REST_MS_MAX = 300_000
/** So that those that fell together do not come back together. */
const JITTER = 0.2

/**
 * One more restart: the moments of those within the window, or undefined when it is one too many.
 *
 * Source  OTP supervisors: intensity 3 in 5 s, of a supervisor and not of a child.
 */
export function countRestart(
  recent: readonly number[],
  nowMs: number,
  restarts = RESTARTS_MAX,
  withinMs = WINDOW_MS,
): readonly number[] | undefined {
  const counted = recent.filter(at => nowMs - at < withinMs)
  return counted.length >= restarts ? undefined : [...counted, nowMs]
}

/**
 * The wait before the n-th restart in a row, from 0: up to 20 ms, then 50, 100, 200 … 10,000 ms, ± 20 % by the die from 0 to 1. OTP
 * has none: a thread that is started costs more than one of its processes.
 */
export function backoffMs(n: number, die: number, most = BACKOFF_MS_MAX): number {
  if (n === 0) return Math.min(most, AT_ONCE_MS) * die
  return jittered(Math.min(most, BACKOFF_MS_FIRST * 2 ** (n - 1)), die)
}

/** How long who gave up for the n-th time in a row rests, from 0: 10, 20, 40 s … 5 min, ± 20 % by the die. */
export function restMs(n: number, die: number): number {
  return jittered(Math.min(REST_MS_MAX, REST_MS_FIRST * 2 ** n), die)
}

function jittered(ms: number, die: number): number {
  return ms * (1 + (die * 2 - 1) * JITTER)
}
