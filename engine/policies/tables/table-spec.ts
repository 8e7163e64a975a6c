import type { TableDraft } from '../../memory/choice-tables.ts'
import { TABLE_HEADER_WORDS } from '../../memory/layout.ts'
import { buildEdfSchedule } from './edf.ts'
import { buildKetama } from './ketama.ts'
import { buildMaglev } from './maglev.ts'
import { type Member, UNITS_PER_WEIGHT } from './member.ts'
import type { Ring } from './ring.ts'
import { buildRing } from './ring-hash.ts'
import { buildSmoothSchedule } from './smooth.ts'
import { turnsOf } from './turns.ts'

/** Which table a policy wants, as plain data: it travels to the thread that builds. */
export type TableSpec =
  | { readonly name: 'maglev'; readonly size: number }
  | { readonly name: 'ring'; readonly min: number; readonly max: number }
  | { readonly name: 'ketama'; readonly points: number }
  | { readonly name: 'smooth' }
  | { readonly name: 'edf' }

/** What the entries of a table in memory mean: readers look at this, not at the spec, so they never mistake one for another. */
export const MAGLEV_TABLE = 1
export const RING_TABLE = 2
export const SCHEDULE_TABLE = 3

/** Who is in a table: ids, tickets and weights (24.8 fixed point, above 0), each in the same order. */
export interface Members {
  readonly keys: readonly string[]
  readonly tickets: Int32Array
  readonly weightsQ8: Int32Array
}

/** How large a table will be: entries, and points where it has them; never less than it is. */
export interface TableSize {
  readonly entries: number
  readonly points: number
}

/**
 * The size of a table before it is built, in one pass over the members: room is found for it first.
 */
export function sizeOf(spec: TableSpec, members: Members): TableSize {
  switch (spec.name) {
    case 'maglev':
      return { entries: spec.size, points: 0 }
    case 'ring': {
      // As buildRing scales; its target is a sum of rounded doubles, hence one more.
      const sum = members.weightsQ8.reduce((sum, weight) => sum + weight, 0)
      const least = members.weightsQ8.reduce((least, weight) => Math.min(least, weight), sum) / sum
      const points = Math.ceil(Math.min(Math.ceil(least * spec.min) / least, spec.max)) + 1
      return { entries: points, points }
    }
    case 'ketama': {
      const points = members.weightsQ8.reduce(
        (sum, weight) => sum + Math.max(1, Math.round((weight * spec.points) / UNITS_PER_WEIGHT)),
        0,
      )
      return { entries: points, points }
    }
    default:
      return { entries: turnsOf(membersOf(members)).period, points: 0 }
  }
}

/** The spec with which a table fits into so many words: a ring has fewer points then. */
export function fitting(spec: TableSpec, members: number, wordsMax: number): TableSpec {
  if (spec.name !== 'ring') return spec
  // A point takes a word and its entry half of one; two points and two lines are left for rounding.
  const most = Math.floor((wordsMax - 3 * TABLE_HEADER_WORDS - 2 * members) / 1.5) - 2
  if (most >= spec.max || most < 1) return spec
  return { ...spec, min: Math.min(spec.min, most), max: most }
}

/** Tables of at most so many entries and members are built where they are asked for: a quarter of a millisecond once compiled. */
const QUICK_ENTRIES = 1280
export const QUICK_MEMBERS = 64

/** Whether a table is built as fast as it could be sent elsewhere and back. */
export function isQuick(size: TableSize, members: number): boolean {
  return size.entries <= QUICK_ENTRIES && members <= QUICK_MEMBERS
}

/** Builds a table; `xxhash()` has been awaited in this thread. */
export function buildTable(spec: TableSpec, members: Members): TableDraft {
  const { tickets, weightsQ8 } = members
  const list = membersOf(members)
  switch (spec.name) {
    case 'maglev':
      return { kind: MAGLEV_TABLE, tickets, weightsQ8, entries: buildMaglev(list, spec.size) }
    case 'ring':
      return ringTable(members, buildRing(list, spec))
    case 'ketama':
      return ringTable(members, buildKetama(list, spec))
    case 'smooth':
      return { kind: SCHEDULE_TABLE, tickets, weightsQ8, entries: buildSmoothSchedule(list) }
    case 'edf':
      return { kind: SCHEDULE_TABLE, tickets, weightsQ8, entries: buildEdfSchedule(list) }
  }
}

function ringTable({ tickets, weightsQ8 }: Members, ring: Ring): TableDraft {
  return { kind: RING_TABLE, tickets, weightsQ8, points: ring.points, entries: ring.members }
}

function membersOf({ keys, weightsQ8 }: Members): Member[] {
  return keys.map((key, member) => ({ key, weight: weightsQ8[member] / UNITS_PER_WEIGHT }))
}
