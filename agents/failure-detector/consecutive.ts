import { GATEWAY, OK, TIMEOUT, UNREACHABLE } from '../../engine/writer.ts'

/** Failures in a row of one endpoint, of each class. */
export interface Streaks {
  /** Of any kind that counts as a 5xx. */
  readonly failures: number
  /** Of those that count as 502, 503 or 504. */
  readonly gateway: number
  /** Before an answer; only where these are counted apart. */
  readonly local: number
}

export const NO_STREAKS: Streaks = { failures: 0, gateway: 0, local: 0 }

/**
 * Goes on counting: the streaks after these outcomes, and the most each was after any one of them.
 *
 *                 ok    error    gateway    unreachable, timeout
 *   failures      0     + 1      + 1        + 1, or as it was where local origin is split off
 *   gateway       0     0        + 1        + 1, or as it was where local origin is split off
 *   local         0     0        0          + 1 where local origin is split off
 *
 * Source     Envoy, outlier detection: without the split a failure of local origin counts as a 503 or 504.
 * Deviation  Envoy resets `local` as soon as a connection stands, so that endpoints which accept and never answer are not
 *            found by it; here only an answer resets it.
 */
export function follow(before: Streaks, codes: readonly number[], isSplit: boolean): { after: Streaks; most: Streaks } {
  let { failures, gateway, local } = before
  const most = { failures: 0, gateway: 0, local: 0 }
  for (const code of codes) {
    if (isLocalOrigin(code)) {
      if (isSplit) {
        local++
      } else {
        failures++
        gateway++
      }
    } else {
      local = 0
      failures = code === OK ? 0 : failures + 1
      gateway = code === GATEWAY ? gateway + 1 : 0
    }
    most.failures = Math.max(most.failures, failures)
    most.gateway = Math.max(most.gateway, gateway)
    most.local = Math.max(most.local, local)
  }
  return { after: { failures, gateway, local }, most }
}

/** Whether a failure came before any answer. Of a code that only a newer version knows that is not said. */
export function isLocalOrigin(code: number): boolean {
  return code === TIMEOUT || code === UNREACHABLE
}
