import { networkSensed } from '../../signals.ts'
import { medianOf } from '../../skills/theil-sen.ts'
import { ByRow, lookingAtChecks } from './looking.ts'

/** Connections that are remembered of an endpoint. */
const CONNECTIONS_MAX = 100

/** µs of each, null for one that did not come about; the oldest first. */
type Connections = (number | null)[]

/** How endpoints are reached, by the connections of their checks: see pathOf, over the last hundred. */
export const network = lookingAtChecks(
  'network',
  networkSensed,
  () => new ByRow<Connections>(() => []),
  (memory, seen) => {
    const last = new Map<number, { readonly generation: number; readonly all: Connections; readonly come: number[] }>()
    for (const { row, generation, connects } of seen) {
      if (connects === undefined) continue
      const all = memory.of({ row, generation })
      let now = last.get(row)
      if (now?.generation !== generation) last.set(row, (now = { generation, all, come: [] }))
      for (const us of connects) {
        all.push(us)
        if (us !== null) now.come.push(us)
      }
      if (all.length > CONNECTIONS_MAX) all.splice(0, all.length - CONNECTIONS_MAX)
    }
    const rows = [...last].map(([row, { generation, all, come }]) => ({
      ...{ row, generation, ...pathOf(all), connections: all.length },
      lastUs: come.length === 0 ? null : medianOf(come),
    }))
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
