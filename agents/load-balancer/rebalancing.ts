import { type Borne, unevennessOf, worstOf } from '../skills/traffic/unevenness.ts'

/** What is known of an endpoint when loads are compared. */
export interface Weighed extends Borne {
  /** The share of its weight that it was left for its load: 1 is all. */
  readonly evened: number
  /** By how much the worst of its figures (CPU, memory, connections) is over its threshold: 1 is just at it. */
  readonly strain: number
}

export interface Rebalancing {
  readonly because: string
  readonly evened: readonly number[]
  readonly unevennessBefore: number
  /** If load follows the weights. */
  readonly unevennessExpected: number
}

/** Share of the load over share of the capacity that calls for rebalancing, when it was so twice in a row. */
export const UNEVEN = 1.25

/** Requests in flight below which shares are chance. */
const LOAD_MIN = 5

/** However much it bears: what gets nothing shows nothing. */
const EVENED_MIN = 0.1

/** What was taken comes back by a tenth of the way at each comparison that finds all even. */
const FORGIVEN = 0.1

/** Whether shares of the load are so far from shares of the capacity that it is no chance. */
export function isUneven(endpoints: readonly Weighed[]): boolean {
  const load = endpoints.reduce((sum, each) => sum + each.load, 0)
  return load >= LOAD_MIN && worstOf(endpoints) > UNEVEN
}

/** Whether any endpoint is over a threshold, and by more than the others are: where all are, there is nowhere to move anything. */
export function isStrained(endpoints: readonly Weighed[]): boolean {
  const usual = usualStrain(endpoints)
  return endpoints.some(({ strain }) => strain > usual * UNEVEN)
}

/** The median of how far endpoints are over their thresholds; 1 where it is not over. */
function usualStrain(endpoints: readonly Weighed[]): number {
  const sorted = endpoints.map(({ strain }) => strain).sort((a, b) => a - b)
  return Math.max(1 / UNEVEN, sorted[Math.floor((sorted.length - 1) / 2)] ?? 0)
}

/**
 * Moves weight from who bears more than its part to who bears less.
 *
 *   ratio(e)   = (load(e) ÷ capacity(e)) ÷ (sum of loads ÷ sum of capacities)
 *   evened(e)  = evened(e) ÷ √ratio(e) ÷ max(1, strain(e) ÷ median strain), the largest of all scaled to 1, 0.1 at least;
 *                with less than five in flight in all the ratio is chance, and left out
 *
 * Intuition  load is requests in flight, not requests: an endpoint that takes twice as long bears twice as much of the same requests. The root
 *            takes half of the way (in proportion), for load follows weight with a delay, and the next comparison goes on.
 */
export function rebalance(endpoints: readonly Weighed[], because: string): Rebalancing {
  const load = endpoints.reduce((sum, each) => sum + each.load, 0)
  const capacity = endpoints.reduce((sum, each) => sum + each.capacity, 0)
  const usual = Math.max(1, usualStrain(endpoints))
  const raw = endpoints.map(each => {
    const ratio = load < LOAD_MIN ? 1 : each.load / each.capacity / (load / capacity)
    // One that bears nothing is given no more than twice its part to begin with.
    return each.evened / Math.sqrt(Math.max(0.25, ratio)) / Math.max(1, each.strain / usual)
  })
  const evened = scaled(raw)
  const after = endpoints.map((each, i) => ({
    load: each.load * (evened[i]! / each.evened),
    capacity: each.capacity,
  }))
  return {
    because,
    evened,
    unevennessBefore: unevennessOf(endpoints),
    unevennessExpected: unevennessOf(after),
  }
}

/** All even, or too little load to say: what was taken comes back little by little. */
export function forgive(evened: number): number {
  const next = evened + (1 - evened) * FORGIVEN
  return next > 0.99 ? 1 : next
}

function scaled(raw: readonly number[]): number[] {
  const most = Math.max(...raw)
  return raw.map(each => Math.max(EVENED_MIN, each / most))
}
