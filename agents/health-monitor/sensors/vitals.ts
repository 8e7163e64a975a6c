import { vitalsSensed } from '../../signals.ts'
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
    for (const sighting of seen) {
      const uptimeS = sighting.body?.uptimeS
      if (uptimeS === undefined) continue
      const vital = memory.of(sighting)
      if (vital.uptimeS !== null && uptimeS < vital.uptimeS) vital.restarts++
      vital.uptimeS = uptimeS
    }
    const rows = seen.flatMap(sighting => {
      if (sighting.check === undefined) return []
      const { row, generation, check } = sighting
      return [{ row, generation, isAlive: check.hasPassed, tookUs: check.tookUs, ...memory.of(sighting) }]
    })
    return { memory, said: rows.length === 0 ? [] : [{ rows }] }
  },
)
