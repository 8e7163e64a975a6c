import { fillTable, tableWords } from '../memory/choice-tables.ts'
import { openRegion, type RegionHandle } from '../memory/region.ts'
import { buildTable, type Members, type TableSpec } from '../policies/tables/table-spec.ts'
import { xxhash } from '../policies/tables/xxhash.ts'

/** What a building thread is told: which table, of whom, and the room it is to be written into. */
export interface TableTask {
  readonly handle: RegionHandle
  readonly at: number
  readonly words: number
  readonly spec: TableSpec
  readonly members: Members
}

/** Builds a table and writes it straight into its room. Returns the checksum by which the publishing thread knows it. */
export default async function fillRoom({ handle, at, words, spec, members }: TableTask): Promise<number> {
  await xxhash()
  const draft = buildTable(spec, members)
  const takes = tableWords(draft.tickets.length, draft.entries.length, draft.points?.length ?? 0)
  if (takes > words) throw new Error(`Cannot fill room: the table takes ${takes} words, the room has ${words}`)
  return fillTable(openRegion(handle), at, draft)
}
