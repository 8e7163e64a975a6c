import type { Attachment } from '../../../engine/writer.ts'

/** A service at a look, and its rows. */
export interface ServiceRows {
  readonly index: number
  readonly service: string
  readonly rows: readonly number[]
}

/**
 * Counts of all endpoints at one look, in columns by row: a look at ten thousand endpoints makes a few arrays, and no object for each.
 *
 *   row           0    1    2    3   …
 *   generation    1    4    0    2        0: there is no endpoint
 *   count 0      17    0    –   93        growing modulo 2^32
 */
export interface RowCounts {
  readonly services: readonly ServiceRows[]
  readonly generations: Int32Array
  readonly counts: readonly Int32Array[]
}

export const NO_COUNTS: RowCounts = { services: [], generations: new Int32Array(0), counts: [] }

/** Reads some counts of each endpoint of all services that are there. */
export function readRowCounts(attachment: Attachment, ...counters: readonly ((row: number) => number)[]): RowCounts {
  const { endpoints } = attachment
  const services = attachment
    .serviceTexts()
    .flatMap(({ text, rows }, index) => (text.isGone ? [] : [{ index, service: text.name, rows }]))
  const generations = new Int32Array(endpoints.rows)
  const counts = counters.map(() => new Int32Array(endpoints.rows))
  for (const { rows } of services) {
    for (const row of rows) {
      generations[row] = endpoints.generation(row)
      for (let which = 0; which < counters.length; which++) counts[which]![row] = counters[which]!(row)
    }
  }
  return { services, generations, counts }
}

/** By how much a count of a row has grown between two looks; of who was not there at the first, 0: when it began is not known. */
export function grown(before: RowCounts, after: RowCounts, row: number, which: number): number {
  const generation = after.generations[row]
  if (generation === 0 || before.generations[row] !== generation) return 0
  return (after.counts[which]![row]! - before.counts[which]![row]!) >>> 0
}
