/** A count of an endpoint that only grows, modulo 2^32: which tenant of which row, and how far it is. */
export interface RowCount {
  readonly row: number
  readonly generation: number
  readonly count: number
}

/** Counts as they were at a look, by row; a tenant is known by its generation. */
export type RowCounts = ReadonlyMap<number, RowCount>

export function countsOf(rows: readonly RowCount[]): RowCounts {
  return new Map(rows.map(each => [each.row, each]))
}

/** By how much a count has grown since a look; of who was not there then, 0: when it began is not known. */
export function grownSince(before: RowCounts, { row, generation, count }: RowCount): number {
  const known = before.get(row)
  return known?.generation === generation ? (count - known.count) >>> 0 : 0
}
