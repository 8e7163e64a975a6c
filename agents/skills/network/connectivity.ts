/** How one endpoint was reached so far. */
export interface Reached {
  /** Smoothed; null: the last attempt did not get through. */
  readonly connectMs: number | null
  /** The last hundred attempts, the latest in the lowest bit: 1 is one that failed. */
  readonly failures: bigint
  /** Attempts, ever. */
  readonly measurements: number
}

export const NEVER: Reached = { connectMs: null, failures: 0n, measurements: 0 }

const LAST = 100
const MASK = (1n << BigInt(LAST)) - 1n
/** What the latest attempt counts for, as in RFC 6298 (SRTT). */
const ALPHA = 1 / 8

/** With one attempt more; null: it failed. After a failure the latency begins anew. */
export function measured(before: Reached, connectMs: number | null): Reached {
  const smoothed =
    connectMs === null || before.connectMs === null
      ? connectMs
      : before.connectMs + ALPHA * (connectMs - before.connectMs)
  const failures = ((before.failures << 1n) | (connectMs === null ? 1n : 0n)) & MASK
  return { connectMs: smoothed, failures, measurements: before.measurements + 1 }
}

/** The share of the last hundred attempts, or of as many as there were, that failed. */
export function lossOf({ failures, measurements }: Reached): number {
  let failed = 0
  for (let bits = failures; bits !== 0n; bits &= bits - 1n) failed++
  return measurements === 0 ? 0 : failed / Math.min(measurements, LAST)
}
