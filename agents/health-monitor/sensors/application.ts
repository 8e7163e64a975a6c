import { type ApplicationSensed, applicationSensed } from '../../signals.ts'
import { ByRow, lookingAtChecks } from './looking.ts'

type Said = Pick<ApplicationSensed, 'status' | 'says' | 'dependencies'>

const NOTHING: Said = { status: 0, says: 'unknown', dependencies: [] }

/** What health answers say: their status, and in the body how the application is and what it depends on. Told where it is otherwise than before. */
export const application = lookingAtChecks(
  'application',
  applicationSensed,
  () => new ByRow<{ said: Said }>(() => ({ said: NOTHING })),
  (memory, seen) => {
    const before = new Map<number, { readonly generation: number; readonly text: string }>()
    for (const { row, generation, status, body } of seen) {
      if (status === undefined && body === undefined) continue
      const known = memory.of({ row, generation })
      if (before.get(row)?.generation !== generation) before.set(row, { generation, text: JSON.stringify(known.said) })
      // The body of an answer comes after its status, and an answer without one says nothing new of what bodies say.
      known.said = {
        ...known.said,
        ...(status !== undefined && { status }),
        ...(body !== undefined && { says: body.says, dependencies: body.dependencies }),
      }
    }
    const rows = [...before].flatMap(([row, { generation, text }]) => {
      const { said } = memory.of({ row, generation })
      return JSON.stringify(said) === text ? [] : [{ row, generation, ...said }]
    })
    return { memory, said: rows.length === 0 ? [] : [{ rows }] }
  },
)
