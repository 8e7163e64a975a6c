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
      const last = new Map<number, Sighting>()
      for (const sighting of seen) if (sighting.load?.by === by) last.set(sighting.row, sighting)
      return last.size === 0 ? [] : [{ by, rows: Array.from(last.values(), reported) }]
    }),
  }),
)

function reported({ row, generation, service, id, load }: Sighting): Capacity {
  const { cpu = null, memory = null, network = null, utilisation = null, maxConnections = null } = load!.shares
  return { row, generation, service, id, cpu, memory, network, utilisation, maxConnections }
}
