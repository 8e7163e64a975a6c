import { type Capacity, capacityReported } from '../../signals.ts'
import type { Sighting } from '../sightings.ts'
import { lookingAtChecks } from './looking.ts'

/** What endpoints say of how much of their capacity they use, in the header or the body of their health answers: of each the last word. */
export const resources = lookingAtChecks(
  'resources',
  capacityReported,
  () => null,
  (memory, seen) => ({
    memory,
    said: (['header', 'health-body'] as const).flatMap(by => {
      const rows = [...new Map(seen.flatMap(sighting => reported(sighting, by))).values()]
      return rows.length === 0 ? [] : [{ by, rows }]
    }),
  }),
)

function reported({ row, generation, service, id, load }: Sighting, by: string): [number, Capacity][] {
  if (load?.by !== by) return []
  const { cpu = null, memory = null, network = null, utilisation = null, maxConnections = null } = load.shares
  return [[row, { row, generation, service, id, cpu, memory, network, utilisation, maxConnections }]]
}
