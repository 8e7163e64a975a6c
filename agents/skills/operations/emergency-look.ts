import { defineAction } from '../../kit/grammar/action.ts'
import { act, type Directive } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { type TablesView, viewTables } from '../../kit/tables.ts'
import { mayAct } from '../agreement/office.ts'
import type { Emergencies } from './emergency-state.ts'

export interface EmergencyLook {
  readonly tables: TablesView
  /** Whether this node acts for all at this moment. */
  readonly leads: boolean
}

export const seenForEmergencies = defineSignal('signalbox.scene.looked', { data: trusted<EmergencyLook>() })

/** Looks at the tables, and whether this node acts for all. `fence`: of its term of office; null: it has none. */
export const lookForEmergencies = defineAction({
  name: 'look-for-emergencies',
  done: seenForEmergencies,
  run: ({ role, fence }: { role: string; fence: number | null }, edge) => ({
    tables: viewTables(edge.attachment),
    leads: fence !== null && mayAct(edge, role, fence),
  }),
})

export const workDone = defineSignal('signalbox.work.noted', {
  data: trusted<{ readonly id: string; readonly atMs: number }>(),
})

/** Says when it was come to: all that was decided before it has been done by then. */
export const noteDone = defineAction({
  name: 'note-done',
  done: workDone,
  run: ({ id }: { id: string }, { now }) => ({ id, atMs: now() }),
})

export function lookAtScene({ role, fence }: Emergencies): Directive {
  return act(lookForEmergencies, { role, fence: fence ?? null })
}
