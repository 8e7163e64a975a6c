import { type VitalsSensed, vitalsSensed } from '../../signals.ts'
import { ByRow, lookingAtChecks } from './looking.ts'

interface Vital {
  uptimeS: number | null
  restarts: number
}

/** Whether endpoints live, as their checks say, and how long they have by their own word: an uptime that falls is a restart. */
export const vitals = lookingAtChecks(
  'vitals',
  vitalsSensed,
  () => new ByRow<Vital>(() => ({ uptimeS: null, restarts: 0 })),
  (memory, seen) => {
    for (const { row, generation, body } of seen) {
      const uptimeS = body?.uptimeS
      if (uptimeS === undefined) continue
      const vital = memory.of(row, generation)
      if (vital.uptimeS !== null && uptimeS < vital.uptimeS) vital.restarts++
      vital.uptimeS = uptimeS
    }
    const rows: VitalsSensed[] = []
    for (const { row, generation, check } of seen) {
      if (check === undefined) continue
      const { uptimeS, restarts } = memory.of(row, generation)
      rows.push({ row, generation, isAlive: check.hasPassed, tookUs: check.tookUs, uptimeS, restarts })
    }
    return { memory, said: rows.length === 0 ? [] : [{ rows }] }
  },
)
