/** How it went for who asked. A failure counts as a wait for as long as anybody is patient. */
export interface Course {
  readonly requests: number
  readonly failed: number
  readonly meanMs: number
  /** At each of QUANTILES, ms. */
  readonly quantilesMs: readonly number[]
}

export const QUANTILES = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999] as const

export function courseOf(tookMs: readonly number[], failed: number): Course {
  const sorted = Float64Array.from(tookMs).sort()
  return {
    requests: sorted.length,
    failed,
    meanMs: sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length,
    quantilesMs: QUANTILES.map(share => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN),
  }
}

export function quantileOf({ quantilesMs }: Course, share: (typeof QUANTILES)[number]): number {
  return quantilesMs[QUANTILES.indexOf(share)]!
}
