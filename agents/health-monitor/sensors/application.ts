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
    const before = new Map<number, { readonly generation: number; readonly said: Said }>()
    for (const { row, generation, status, body } of seen) {
      if (status === undefined && body === undefined) continue
      const known = memory.of(row, generation)
      const { said } = known
      if (body === undefined && said.status === status) continue
      if (before.get(row)?.generation !== generation) before.set(row, { generation, said })
      // The body of an answer comes after its status, and an answer without one says nothing new of what bodies say.
      known.said = {
        status: status ?? said.status,
        says: body?.says ?? said.says,
        dependencies: body?.dependencies ?? said.dependencies,
      }
    }
    const rows = [...before].flatMap(([row, { generation, said: was }]) => {
      const { said } = memory.of(row, generation)
      return isAlike(said, was) ? [] : [{ row, generation, ...said }]
    })
    return { memory, said: rows.length === 0 ? [] : [{ rows }] }
  },
)

function isAlike(one: Said, other: Said): boolean {
  if (one.status !== other.status || one.says !== other.says) return false
  const [some, others] = [one.dependencies, other.dependencies]
  return (
    some.length === others.length &&
    some.every(({ name, status }, i) => name === others[i]!.name && status === others[i]!.status)
  )
}
