/** A share as the config can say it, in whole parts: percent with six decimals. */
const PARTS = 1e8

/** A share from 0 to 1 in hundred-millionths: whole, so that 29 of 100 are 29 %, which 0.29 × 100 in doubles is not. */
export function partsOf(share: number): number {
  return Math.round(share * PARTS)
}

/** Whether `count` of `total` is at least this share. Exact up to 90 million of either. */
export function isAtLeast(count: number, total: number, share: number): boolean {
  return count * PARTS >= partsOf(share) * total
}

/** Whether `count` of `total` is at most this share. Exact likewise. */
export function isAtMost(count: number, total: number, share: number): boolean {
  return count * PARTS <= partsOf(share) * total
}

/** The least whole number that is at least this share of `total`, and at least 1: the rank of a quantile. */
export function rankOf(share: number, total: number): number {
  return Math.max(1, Math.ceil((partsOf(share) * total) / PARTS))
}
