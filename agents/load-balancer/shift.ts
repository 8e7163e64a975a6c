/** One endpoint of a fold: what it was given, and what it is to be given. */
export interface Shifted {
  /** The operator's. */
  readonly weight: number
  /** Factors, from 0 to 1. */
  readonly now: number
  readonly wanted: number
  /** It could be picked before and can now: only among these is weight moved. Who comes begins at once where it is to, who goes is gone. */
  readonly stays: boolean
}

/**
 * Factors on the way from those in force to those that are wanted, so that no more than `most` of the weight of those that stay changes
 * hands at once. Wanted factors where that is within it, or is not asked.
 *
 *   share(e) = weight(e) × factor(e) ÷ sum over those that stay
 *   moved    = Σ |wanted share − share now|
 *   share    = share now + (wanted share − share now) × min(1, most ÷ moved)
 *
 * So Σ |Δ share| ≤ most, whatever is wanted, and the direction is kept: nobody overshoots. Factors are scaled so that the largest of those
 * that stay is what the largest wanted of them is.
 */
export function shift(endpoints: readonly Shifted[], most: number): { factors: number[]; moved: number } {
  const wanted = endpoints.map(each => each.wanted)
  let [sumNow, sumWanted, largest] = [0, 0, 0]
  for (const each of endpoints) {
    if (!each.stays) continue
    sumNow += each.weight * each.now
    sumWanted += each.weight * each.wanted
    largest = Math.max(largest, each.wanted)
  }
  if (sumNow === 0 || sumWanted === 0) return { factors: wanted, moved: 0 }
  let moved = 0
  for (const each of endpoints) {
    if (each.stays) moved += each.weight * Math.abs(each.wanted / sumWanted - each.now / sumNow)
  }
  if (moved <= most) return { factors: wanted, moved }
  const part = most / moved
  // Shares divided by weights: factors, but for their scale.
  const unscaled = endpoints.map(({ now, wanted: goal }) => {
    const from = now / sumNow
    return from + (goal / sumWanted - from) * part
  })
  const top = unscaled.reduce((best, each, i) => (endpoints[i]!.stays ? Math.max(best, each) : best), 0)
  const factors = endpoints.map((each, i) => (each.stays ? (unscaled[i]! * largest) / top : each.wanted))
  return { factors, moved: most }
}
