/** What an endpoint bears, and what it can: in the same unit, whichever. */
export interface Borne {
  readonly load: number
  readonly capacity: number
}

/**
 * How unevenly load lies: the coefficient of variation of load ÷ capacity, from 0, evenly, up.
 *
 *   CV = standard deviation ÷ mean
 */
export function unevennessOf(endpoints: readonly Borne[]): number {
  const used = endpoints.map(({ load, capacity }) => load / capacity)
  const mean = used.reduce((sum, each) => sum + each, 0) / used.length
  if (used.length === 0 || mean === 0) return 0
  const variance = used.reduce((sum, each) => sum + (each - mean) ** 2, 0) / used.length
  return Math.sqrt(variance) / mean
}

/** The Gini coefficient of load ÷ capacity: 0 where all bear alike, towards 1 where one bears all. Sorted once: n log n. */
export function giniOf(endpoints: readonly Borne[]): number {
  const used = Float64Array.from(endpoints, ({ load, capacity }) => load / capacity).sort()
  const sum = used.reduce((all, each) => all + each, 0)
  if (sum === 0) return 0
  const ranked = used.reduce((all, each, i) => all + (i + 1) * each, 0)
  return Math.max(0, (2 * ranked) / (used.length * sum) - (used.length + 1) / used.length)
}

/** The largest share of the load over that of the capacity; 1 where all is as it should be, 0 without load. */
export function worstOf(endpoints: readonly Borne[]): number {
  const load = endpoints.reduce((sum, each) => sum + each.load, 0)
  const capacity = endpoints.reduce((sum, each) => sum + each.capacity, 0)
  if (load === 0) return 0
  return endpoints.reduce((most, each) => Math.max(most, each.load / load / (each.capacity / capacity)), 0)
}
