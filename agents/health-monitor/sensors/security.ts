import { securitySensed } from '../../signals.ts'
import { ByRow, lookingAtChecks } from './looking.ts'

interface Guard {
  isTrusted: boolean | null
  daysLeft: number | null
  refusals: number
  /** What was told of it last. */
  told: string
}

/** So many checks in a row that were turned away are no accident: somebody has changed who may ask. It is not counted further. */
export const REFUSALS_MAX = 3

/** What certificates are worth, and whether checks are turned away with 401 or 403. Told where it is otherwise than before, days by the day. */
export const security = lookingAtChecks(
  'security',
  securitySensed,
  () => new ByRow<Guard>(() => ({ isTrusted: null, daysLeft: null, refusals: 0, told: 'null  0' })),
  (memory, seen) => {
    const rows = seen.flatMap(({ row, generation, tls, status }) => {
      if (tls === undefined && status === undefined) return []
      const guard = memory.of(row, generation)
      if (tls !== undefined) {
        guard.isTrusted = tls.isTrusted
        guard.daysLeft = tls.daysLeft ?? guard.daysLeft
      }
      // The rule, of every check.
      if (tls === undefined && guard.refusals === 0 && !isRefusal(status!)) return []
      if (status !== undefined) guard.refusals = isRefusal(status) ? Math.min(REFUSALS_MAX, guard.refusals + 1) : 0
      const { isTrusted, daysLeft, refusals } = guard
      const text = `${isTrusted} ${daysLeft === null ? '' : Math.floor(daysLeft)} ${refusals}`
      if (text === guard.told) return []
      guard.told = text
      return [{ row, generation, isTrusted, daysLeft, refusals }]
    })
    return { memory, said: rows.length === 0 ? [] : [{ rows }] }
  },
)

function isRefusal(status: number): boolean {
  return status === 401 || status === 403
}
