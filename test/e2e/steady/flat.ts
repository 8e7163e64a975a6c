/** What one thing held over time: bytes, in the order they were read. */
export type Series = readonly number[]

/** Parts a series is cut into: of each the least counts, for what is held swings with every collection of garbage. */
const PARTS = 12
/** The first of them, while caches fill and code is compiled. */
const WARM_UP = 4

/**
 * By how much a series has grown after its warm-up, as a share of what it was: the median of the last four parts against that of the first
 * four after the warm-up. Below 0: it has shrunk.
 */
export function growthOf(series: Series): number {
  const floors = Array.from({ length: PARTS }, (_, part) => {
    const from = Math.floor((part * series.length) / PARTS)
    const to = Math.max(from + 1, Math.floor(((part + 1) * series.length) / PARTS))
    return Math.min(...series.slice(from, to))
  })
  const before = median(floors.slice(WARM_UP, WARM_UP + 4))
  return median(floors.slice(-4)) / before - 1
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
