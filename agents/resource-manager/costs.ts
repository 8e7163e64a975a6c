import type { EndpointView } from '../kit/tables.ts'

/** What is wanted: no more spent in an hour than this, as long as the slowest hundredth of the requests is fast enough. */
export interface CostGoals {
  readonly perHour: number
  readonly p99Us: number
  /** How much of its weight the dearest endpoint may lose, from 0 to 1. */
  readonly most: number
}

/** How a service does: what it spends in an hour, and how long the slowest hundredth of its requests takes; undefined: not known. */
export interface Spending {
  readonly perHour: number
  readonly p99Us: number | undefined
}

/** Towards less cost in small steps, and away from it fast: requests that are slow are seen by people, a bill at the end of the month. */
const STEP = 0.05
const RETREAT = 0.6
/** So much below what may be spent evenness is worth more than the rest of the money. */
const EASE_SHARE = 0.7
/** An aversion below this is none. */
const LEAST = 0.01

/** What can be worked on at a time where nobody has said. */
export const CAPACITY_DEFAULT = 100

/**
 * How averse to cost the service is next, from 0 to `most`.
 *
 *   too slow                            a × 0.6
 *   more spent than may be              a + 0.05
 *   less than 70 % of what may be       a − 0.05
 */
export function adaptAversion(before: number, { perHour, p99Us }: Spending, goals: CostGoals): number {
  if (p99Us !== undefined && p99Us > goals.p99Us) {
    const less = before * RETREAT
    return less < LEAST ? 0 : less
  }
  if (perHour > goals.perHour) return Math.min(goals.most, before + STEP)
  return perHour < EASE_SHARE * goals.perHour ? Math.max(0, before - STEP) : before
}

/**
 * How much of its weight each endpoint keeps, in the order given.
 *
 *   factor(e) = 1 − a × normCost(e)        normCost = (cost − cheapest) ÷ (dearest − cheapest)
 *
 * Of equal costs none is averse to any, and one of which nobody has said what it costs is as good as the cheapest: nobody is avoided for
 * what is not known.
 */
export function costFactors(costs: readonly (number | undefined)[], aversion: number): number[] {
  const known = costs.filter(cost => cost !== undefined)
  const cheapest = known.reduce((least, cost) => Math.min(least, cost), Number.POSITIVE_INFINITY)
  const dearest = known.reduce((most, cost) => Math.max(most, cost), 0)
  if (known.length === 0 || dearest === cheapest) return costs.map(() => 1)
  return costs.map((cost = cheapest) => 1 - (aversion * (cost - cheapest)) / (dearest - cheapest))
}

/**
 * What endpoints cost in an hour, as they were used since the look before.
 *
 *   Σ cost × used        used = as it says itself, else worked ÷ (time × capacity), 1 at most
 *
 * What all requests of an endpoint took together, ÷ time, is how many it worked on at a time (Little's law): exact, where a look at what is
 * in flight sees one instant of ten seconds. `usedBy`: what is known so; undefined: not.
 */
export function spendingOf(
  endpoints: readonly EndpointView[],
  usedBy: (endpoint: EndpointView) => number | undefined,
): number {
  return endpoints.reduce((sum, endpoint) => sum + (endpoint.cost ?? 0) * Math.min(1, usedBy(endpoint) ?? 0), 0)
}

/** The share of its capacity an endpoint was used, by how long it worked on requests in so many ms. */
export function workedShare({ capacity = CAPACITY_DEFAULT }: EndpointView, workedUs: number, tookMs: number): number {
  return tookMs <= 0 ? 0 : Math.max(0, workedUs) / (1000 * tookMs * capacity)
}
