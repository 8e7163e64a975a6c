/** What is left of a weight at least, however sure the trouble: who predicts may be wrong about all of them. */
const SHARE_MIN = 0.2

/**
 * The share of its weight that an endpoint keeps that is expected to fail, to become slow or to run out of something.
 *
 *   1 − probability × confidence, 0.2 at least
 *
 * Intuition  a calibrated 0.8 means that of a hundred such endpoints eighty fail; their requests are moved before, in that proportion.
 */
export function troubleShare(probability: number, confidence: number): number {
  return Math.max(SHARE_MIN, 1 - clamp(probability) * clamp(confidence))
}

/** … and of one that the way to is likely to fail: a risk is a score and no probability, so it takes half of the weight at most. */
export function riskShare(risk: number): number {
  return 1 - clamp(risk) / 2
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}
