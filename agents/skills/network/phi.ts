/** How long the gaps between the beats of one node were of late. */
export interface Usual {
  /** ms. */
  readonly mean: number
  readonly deviation: number
}

/**
 * How surprising a silence is, as the negative power of ten of the chance that a beat still comes: 1 is one in ten, 8 one in a hundred
 * million.
 *
 *   y = (silence − mean) ÷ deviation        e = exp(−y × (1.5976 + 0.070566 y²))
 *   φ = −log₁₀(e ÷ (1 + e))                 where silence > mean, else −log₁₀(1 − 1 ÷ (1 + e))
 *
 * Intuition  who usually beats every second to the tenth is strange after two; who beats when it can is not.
 * Source     Hayashibara 2004; the logistic approximation of the normal distribution is Pekko's (PhiAccrualFailureDetector).
 * Units      ms throughout; from 0 up, Infinity where the silence is beyond what doubles can tell.
 */
export function phiOf(silenceMs: number, { mean, deviation }: Usual): number {
  const y = (silenceMs - mean) / deviation
  const e = Math.exp(-y * (1.5976 + 0.070566 * y * y))
  return silenceMs > mean ? -Math.log10(e / (1 + e)) : -Math.log10(1 - 1 / (1 + e))
}

/** Gaps that are remembered; Pekko's. */
const GAPS_MAX = 1_000

/**
 * The gaps between beats, the last thousand. It begins with two around the interval that is agreed, a quarter of it apart, so that the
 * first beats are judged mildly (Pekko's first estimate). Changed in place: a node beats every second, for months.
 */
export class Gaps {
  readonly #gapsMs: number[]
  /** The oldest, once all places are taken. */
  #next = 0
  #sum: number
  #squares: number

  constructor(intervalMs: number) {
    this.#gapsMs = [intervalMs * 0.75, intervalMs * 1.25]
    this.#sum = 2 * intervalMs
    this.#squares = (0.75 ** 2 + 1.25 ** 2) * intervalMs ** 2
  }

  get count(): number {
    return this.#gapsMs.length
  }

  add(gapMs: number): void {
    const isFull = this.count === GAPS_MAX
    const oldMs = isFull ? this.#gapsMs[this.#next]! : 0
    if (isFull) this.#gapsMs[this.#next] = gapMs
    else this.#gapsMs.push(gapMs)
    if (isFull) this.#next = (this.#next + 1) % GAPS_MAX
    this.#sum += gapMs - oldMs
    this.#squares += gapMs * gapMs - oldMs * oldMs
  }

  /** `deviationMsMin`: below that regularity is luck. */
  usual(deviationMsMin: number): Usual {
    const mean = this.#sum / this.count
    const variance = Math.max(0, this.#squares / this.count - mean * mean)
    return { mean, deviation: Math.max(Math.sqrt(variance), deviationMsMin) }
  }
}
