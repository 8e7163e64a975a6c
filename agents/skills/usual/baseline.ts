import type { BaselineView } from '../../signals.ts'
import { P2Quantile } from './p2-quantile.ts'

/** So many values it takes until anything is called usual: as many as the longest window that single values are held against. */
const SAMPLES_MIN = 20

/** Of each further value, once there are many: the last fifty or so make up two thirds of the mean. */
const SHARE = 0.02

/**
 * What is usual for one figure of one endpoint.
 *
 *   a = max(1 ÷ n, 0.02)      δ = value − mean
 *   mean += a × δ             variance = (1 − a) × (variance + a × δ²)
 *
 * At first it is the plain mean, then one that forgets. Deviation is the root of the variance; the 95th percentile is of all values.
 *
 * Source  exponentially weighted mean and variance: West 1979, Finch 2009. Changed in place: ten thousand endpoints have some each.
 */
export class Baseline {
  readonly #p95 = new P2Quantile(0.95)
  #mean = 0
  #variance = 0
  #samples = 0

  add(value: number): void {
    this.#samples++
    this.addShape(value)
    this.#smooth(value)
  }

  /** One of several values that describe how a whole window was spread: tells only of the percentile. */
  addShape(value: number): void {
    this.#p95.add(value)
  }

  /** The value that stands for a whole window. */
  addLevel(value: number): void {
    this.#samples++
    this.#smooth(value)
  }

  /** Null while too little is known. */
  view(): BaselineView | null {
    if (this.#samples < SAMPLES_MIN) return null
    return {
      mean: this.#mean,
      deviation: Math.sqrt(this.#variance),
      p95: this.#p95.value,
      samples: this.#samples,
    }
  }

  #smooth(value: number): void {
    const share = Math.max(1 / this.#samples, SHARE)
    const off = value - this.#mean
    this.#mean += share * off
    this.#variance = (1 - share) * (this.#variance + share * off * off)
  }
}
