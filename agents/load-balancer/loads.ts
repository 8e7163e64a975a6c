/**
 * Requests in flight of endpoints, as the mean of the looks at the tables since it was last asked: one look says what happened to be under
 * way, fifty of them what an endpoint bears. Changed in place: a look takes no memory, however many endpoints there are.
 */
export class LoadSamples {
  #sums = new Float64Array(64)
  #generations = new Int32Array(64)
  #looks = 0

  /** A look begins. */
  begin(): void {
    this.#looks++
  }

  add(row: number, generation: number, inflight: number): void {
    if (row >= this.#sums.length) this.#grow(row)
    // Another tenant begins anew: its looks before it came count as idle, which it was.
    if (this.#generations[row] !== generation) {
      this.#generations[row] = generation
      this.#sums[row] = 0
    }
    this.#sums[row]! += inflight
  }

  /** The mean of an endpoint; 0 where nothing is known. */
  meanOf(row: number, generation: number): number {
    return this.#looks === 0 || this.#generations[row] !== generation ? 0 : this.#sums[row]! / this.#looks
  }

  clear(): void {
    this.#looks = 0
    this.#sums.fill(0)
  }

  #grow(row: number): void {
    const size = 2 ** Math.ceil(Math.log2(row + 1))
    const [sums, generations] = [this.#sums, this.#generations]
    this.#sums = new Float64Array(size)
    this.#generations = new Int32Array(size)
    this.#sums.set(sums)
    this.#generations.set(generations)
  }
}
