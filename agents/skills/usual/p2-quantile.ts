/**
 * A quantile of values that are seen once each and not kept: five markers, whose heights are moved along a parabola through their
 * neighbours until they are where they should be.
 *
 *   marker     1       2          3        4           5
 *   is at      least   p ÷ 2      p        (1 + p) ÷ 2 most        of the values so far
 *   height     q1   ≤  q2     ≤   q3   ≤   q4      ≤   q5          q3 is the answer
 *
 * Source  Jain and Chlamtac, CACM 1985, "The P² algorithm". Exact for the first five values.
 */
export class P2Quantile {
  readonly #p: number
  /** Heights of the markers; until there are five values, those, sorted. */
  readonly #heights: number[] = []
  /** How many values are no higher than each marker. */
  readonly #places = [1, 2, 3, 4, 5]
  #count = 0

  /** `p` from 0 to 1, both excluded. */
  constructor(p: number) {
    this.#p = p
  }

  get count(): number {
    return this.#count
  }

  /** NaN while there is none. */
  get value(): number {
    const heights = this.#heights
    if (this.#count >= 5) return heights[2]!
    return this.#count === 0 ? Number.NaN : heights[Math.max(0, Math.ceil(this.#p * this.#count) - 1)]!
  }

  add(value: number): void {
    const heights = this.#heights
    this.#count++
    if (this.#count <= 5) {
      heights.push(value)
      heights.sort((a, b) => a - b)
      return
    }
    const places = this.#places
    if (value < heights[0]!) heights[0] = value
    if (value > heights[4]!) heights[4] = value
    for (let i = 1; i < 5; i++) if (i === 4 || value < heights[i]!) places[i]!++
    for (let i = 1; i < 4; i++) this.#adjust(i)
  }

  /** Moves a marker by one place where it is off by as much. */
  #adjust(i: number): void {
    const [places, heights] = [this.#places, this.#heights]
    const share = i === 2 ? this.#p : i === 1 ? this.#p / 2 : (1 + this.#p) / 2
    const off = 1 + (this.#count - 1) * share - places[i]!
    const isUp = off >= 1 && places[i + 1]! - places[i]! > 1
    const isDown = off <= -1 && places[i - 1]! - places[i]! < -1
    if (!isUp && !isDown) return
    const step = isUp ? 1 : -1
    const curved = this.#parabolic(i, step)
    const isBetween = heights[i - 1]! < curved && curved < heights[i + 1]!
    heights[i] = isBetween ? curved : this.#linear(i, step)
    places[i]! += step
  }

  #parabolic(i: number, step: number): number {
    const [n, q] = [this.#places, this.#heights]
    const above = ((n[i]! - n[i - 1]! + step) * (q[i + 1]! - q[i]!)) / (n[i + 1]! - n[i]!)
    const below = ((n[i + 1]! - n[i]! - step) * (q[i]! - q[i - 1]!)) / (n[i]! - n[i - 1]!)
    return q[i]! + (step / (n[i + 1]! - n[i - 1]!)) * (above + below)
  }

  #linear(i: number, step: number): number {
    const [n, q] = [this.#places, this.#heights]
    return q[i]! + (step * (q[i + step]! - q[i]!)) / (n[i + step]! - n[i]!)
  }
}
