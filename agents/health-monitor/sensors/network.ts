import { networkSensed } from '../../signals.ts'
import { medianOf } from '../../skills/theil-sen.ts'
import { ByRow, lookingAtChecks } from './looking.ts'

/** Connections of which the share that came to nothing is told. */
const CONNECTIONS_MAX = 100

/** How an endpoint was reached so far. */
class Path {
  /** Smoothed, in µs; 0 before the first connection. */
  latencyUs = 0
  jitterUs = 0
  lastUs = 0
  /** Of the last hundred connections each: 1 for one that came to nothing. */
  readonly #lost = new Uint8Array(CONNECTIONS_MAX)
  #losses = 0
  #tried = 0

  get connections(): number {
    return Math.min(this.#tried, CONNECTIONS_MAX)
  }

  get loss(): number {
    return this.#losses / Math.max(1, this.connections)
  }

  add(us: number | null): void {
    const at = this.#tried++ % CONNECTIONS_MAX
    const isLost = us === null ? 1 : 0
    this.#losses += isLost - this.#lost[at]!
    this.#lost[at] = isLost
    if (us === null) return
    const isFirst = this.latencyUs === 0
    this.latencyUs = isFirst ? us : this.latencyUs + (us - this.latencyUs) / 8
    this.jitterUs = isFirst ? 0 : this.jitterUs + (Math.abs(us - this.lastUs) - this.jitterUs) / 16
    this.lastUs = us
  }
}

/**
 * How endpoints are reached, by the connections of their checks.
 *
 *   latency += (µs − latency) ÷ 8      jitter += (|µs − µs before| − jitter) ÷ 16      loss of the last hundred
 *
 * Source  RFC 6298 for the latency, RFC 3550 6.4.1 for the jitter
 */
export const network = lookingAtChecks(
  'network',
  networkSensed,
  () => new ByRow(() => new Path()),
  (memory, seen) => {
    const come = new Map<number, { readonly generation: number; readonly us: number[] }>()
    for (const { row, generation, connects } of seen) {
      if (connects === undefined) continue
      const path = memory.of(row, generation)
      let now = come.get(row)
      if (now?.generation !== generation) come.set(row, (now = { generation, us: [] }))
      for (const us of connects) {
        path.add(us)
        if (us !== null) now.us.push(us)
      }
    }
    const rows = Array.from(come, ([row, { generation, us }]) => {
      const { latencyUs, jitterUs, loss, connections } = memory.of(row, generation)
      const lastUs = us.length === 0 ? null : us.length === 1 ? us[0]! : medianOf(us)
      return { row, generation, latencyUs, jitterUs, loss, connections, lastUs }
    })
    return { memory, said: rows.length === 0 ? [] : [{ rows }] }
  },
)

/**
 * Of connections in their order: how long they take in the middle, how unevenly, and the part that came to nothing.
 *
 *   jitter = mean of |latency − latency before|      Source  RFC 3550, 6.4.1, as a plain mean
 */
export function pathOf(connects: readonly (number | null)[]): {
  readonly latencyUs: number
  readonly jitterUs: number
  readonly loss: number
} {
  const come = connects.filter(us => us !== null)
  let strayed = 0
  for (let i = 1; i < come.length; i++) strayed += Math.abs(come[i]! - come[i - 1]!)
  return {
    latencyUs: medianOf(come),
    jitterUs: come.length < 2 ? 0 : strayed / (come.length - 1),
    loss: connects.length === 0 ? 0 : 1 - come.length / connects.length,
  }
}
