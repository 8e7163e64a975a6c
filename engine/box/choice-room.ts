import type { Config } from '../config/schema.ts'
import { tableWords } from '../memory/choice-tables.ts'
import { toQ8 } from '../memory/endpoint-table.ts'
import { CHOICE_BYTES_LIMIT } from '../memory/layout.ts'
import { completeOptions } from '../policies/policy-options.ts'
import { findPolicy } from '../policies/registry.ts'
import { RING_POINTS_MAX } from '../policies/tables/ring.ts'
import { type Members, sizeOf, type TableSize, type TableSpec } from '../policies/tables/table-spec.ts'
import { PERIOD_MAX } from '../policies/tables/turns.ts'

/** The live table, the one that is built, and one that a thread may still read. */
const TABLES_OF_A_SERVICE = 3
/** How much larger than now a ring may become, by endpoints that come and weights that change. */
const RING_GROWTH = 4

/** Which table a policy of a config or a service text wants; undefined: none. */
export function tableOf(policy: { readonly name: string; readonly [option: string]: unknown }): TableSpec | undefined {
  const found = findPolicy(policy.name)
  return found?.table?.(completeOptions(found.options, policy))
}

/**
 * Bytes for the choice tables of all services of a config when the region has so many rows, with room to grow. Pages that stay
 * empty take no memory.
 */
export function choiceBytesFor(config: Config, rows: number): number {
  let words = 0
  for (const { policy, endpoints } of Object.values(config.services)) {
    const spec = tableOf(policy)
    if (spec === undefined) continue
    const weights = endpoints.map(endpoint => endpoint.weight).filter(weight => weight > 0)
    const weightsQ8 = Int32Array.from(weights, toQ8)
    const { entries, points } = roomFor(spec, weightsQ8, rows)
    words += tableWords(rows, entries, points)
  }
  return Math.min(CHOICE_BYTES_LIMIT, words * 4 * TABLES_OF_A_SERVICE)
}

function roomFor(spec: TableSpec, weightsQ8: Int32Array, rows: number): TableSize {
  if (spec.name === 'maglev') return { entries: spec.size, points: 0 }
  // Any change of weights may bring the longest period there is, and that is short.
  if (spec.name === 'smooth' || spec.name === 'edf') return { entries: PERIOD_MAX, points: 0 }
  const now = weightsQ8.length === 0 ? 0 : sizeOf(spec, membersOf(weightsQ8)).points
  // A ring that every row joins with a weight of 1.
  const whole = spec.name === 'ring' ? Math.max(spec.min, rows) : rows * spec.points
  const most = spec.name === 'ring' ? spec.max : RING_POINTS_MAX
  const points = Math.min(most, Math.max(RING_GROWTH * now, whole)) + 1
  return { entries: points, points }
}

function membersOf(weightsQ8: Int32Array): Members {
  return { keys: Array.from(weightsQ8, (_, member) => String(member)), tickets: new Int32Array(0), weightsQ8 }
}
