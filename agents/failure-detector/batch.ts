import type { Settled } from '../signals.ts'

type Sum = { -readonly [key in keyof Settled]: Settled[key] }

/** Many drains as one batch: a row at most once, counts and sums added up. A row's later tenant replaces the earlier. */
export function sumUp(drains: readonly (readonly Settled[])[]): Settled[] {
  const sums = new Map<number, Sum>()
  for (const drained of drains) {
    for (const { row, generation, ok, error, timeout, abandoned, latencyUsSum, latencyUsMax } of drained) {
      const sum = sums.get(row)
      if (sum === undefined || sum.generation !== generation) {
        sums.set(row, { row, generation, ok, error, timeout, abandoned, latencyUsSum, latencyUsMax })
        continue
      }
      sum.ok += ok
      sum.error += error
      sum.timeout += timeout
      sum.abandoned += abandoned
      sum.latencyUsSum += latencyUsSum
      sum.latencyUsMax = Math.max(sum.latencyUsMax, latencyUsMax)
    }
  }
  return [...sums.values()]
}
