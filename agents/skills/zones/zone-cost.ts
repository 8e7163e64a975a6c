/** How a zone is reached from here. */
export interface ZoneMeasure {
  readonly zone: string
  readonly latencyMs: number
  /** Undefined: not known. */
  readonly bandwidthMbit: number | undefined
  /** Share of attempts that came to nothing. */
  readonly loss: number
}

/** What makes a zone good: shares that need not sum to 1. */
export interface ZoneWeights {
  readonly latency: number
  readonly bandwidth: number
  readonly reliability: number
}

/** What two zones may differ by without anybody noticing: added to both, so that 0.2 ms against 0.4 is not twice as far. */
const UNFELT_MS = 5
/** As good as the best: so much may be noise. */
const EQUAL_GOODNESS = 0.98
/** How sharply load follows: a zone that is two thirds as good gets a twenty-fifth of its weight. */
const SHARPNESS = 8

/**
 * How good each zone is, relative to the best, from 0 to 1.
 *
 *   goodness = w₁ × (best latency + 5 ms) ÷ (latency + 5 ms) + w₂ × bandwidth ÷ most + w₃ × (1 − loss)        ÷ Σ w
 *
 * Bandwidth counts where all zones know theirs. From 0.98 on a zone is as good as the best.
 */
export function weighZones(measures: readonly ZoneMeasure[], weights: ZoneWeights): ReadonlyMap<string, number> {
  const fastest = measures.reduce((least, { latencyMs }) => Math.min(least, latencyMs), Number.POSITIVE_INFINITY)
  const widest = measures.reduce((most, { bandwidthMbit = 0 }) => Math.max(most, bandwidthMbit), 0)
  const knowsWidth = widest > 0 && measures.every(({ bandwidthMbit }) => bandwidthMbit !== undefined)
  const goodness = measures.map(
    ({ latencyMs, bandwidthMbit, loss }) =>
      weights.latency * ((fastest + UNFELT_MS) / (latencyMs + UNFELT_MS)) +
      weights.bandwidth * (knowsWidth ? bandwidthMbit! / widest : 1) +
      weights.reliability * (1 - Math.min(1, Math.max(0, loss))),
  )
  const best = goodness.reduce((most, each) => Math.max(most, each), 0)
  return new Map(measures.map(({ zone }, i) => [zone, goodness[i]! >= EQUAL_GOODNESS * best ? 1 : goodness[i]! / best]))
}

/**
 * How much of its weight a zone keeps that is so good: goodness⁸, and `least` at the least.
 *
 *   goodness   1   0.95   0.9    0.8    0.64
 *   factor     1   0.66   0.43   0.17   0.03
 */
export function factorOfGoodness(goodness: number, least: number): number {
  return Math.max(least, Math.min(1, goodness ** SHARPNESS))
}
