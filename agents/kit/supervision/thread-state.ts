import type { AgentStatus } from '../../../engine/writer.ts'
import type { Supervision, SupervisorNode } from './supervision.ts'

/** How the agents of a thread stand, for whoever asks. */
export function stateOf(
  { nodes, places, stage }: Supervision,
  { id, incarnation }: { id: string; incarnation: number },
): AgentStatus['state'] {
  const { phase, isDone } = nodes.get(id)!
  if (phase === 'running') return 'running'
  if (stage === 'closing' || stage === 'closed') return phase === 'down' ? 'stopped' : 'running'
  if (isDone) return 'stopped'
  for (let above = places.get(id)!.above; above !== undefined; above = places.get(above.id)!.above) {
    const { phase, reason } = nodes.get(above.id) as SupervisorNode
    if (phase === 'resting' || (phase === 'stopping' && reason !== undefined)) return 'failed'
  }
  return phase === 'starting' || incarnation === 0 ? 'starting' : 'restarting'
}
