import { ZONES } from './zone-load.ts'

/**
 * Which zone a request goes to where an operator gave zones weights.
 *
 *   effective(z) = weight(z) × min(100, ⌊f × usable(z) ÷ endpoints(z)⌋)        f = 140, in percent
 *
 * Source    Envoy, locality weighted load balancing. Deviation: zones are drawn by dice or by the key instead of in the
 *           order of deadlines, so that threads need no common turn.
 */
export class LocalityWeights {
  readonly endpoints = new Int32Array(ZONES)
  readonly usable = new Int32Array(ZONES)
  /** What the operator gave each zone. */
  readonly weights = new Int32Array(ZONES)
  count = 0
  readonly #sums = new Float64Array(ZONES)

  derive(overprovisioning: number): void {
    let sum = 0
    for (let z = 0; z < this.count; z++) {
      const all = this.endpoints[z]
      const share = all === 0 ? 0 : Math.min(100, Math.floor((overprovisioning * this.usable[z]) / all))
      sum += this.weights[z] * share
      this.#sums[z] = sum
    }
  }

  /** The zone a roll of 31 bits falls on, by effective weight; −1 when every zone has none. */
  choose(roll: number): number {
    const all = this.count === 0 ? 0 : this.#sums[this.count - 1]
    const at = (roll / 2 ** 31) * all
    for (let z = 0; z < this.count; z++) if (at < this.#sums[z]) return z
    return -1
  }
}
