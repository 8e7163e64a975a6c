import type { Member } from '../../../engine/policies/tables/member.ts'

/** Members of weight 1. */
export function equal(keys: readonly string[]): Member[] {
  return keys.map(key => ({ key, weight: 1 }))
}

/** Members of given weights, in the order written. */
export function weighted(weights: Record<string, number>): Member[] {
  return Object.entries(weights).map(([key, weight]) => ({ key, weight }))
}

/** Members a, b, c … of given weights. */
export function lettered(weights: readonly number[]): Member[] {
  return weights.map((weight, i) => ({ key: String.fromCharCode(97 + i), weight }))
}

/** A schedule of lettered members as text: "a a b a c a a". */
export function spelled(schedule: Uint16Array): string {
  return Array.from(schedule, member => String.fromCharCode(97 + member)).join(' ')
}

/** How many entries each member has. */
export function countEntries(table: Uint16Array, members: number): number[] {
  const counts = new Array<number>(members).fill(0)
  for (const member of table) counts[member]++
  return counts
}
