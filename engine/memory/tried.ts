/** The endpoints one request has tried, so that the next try goes elsewhere. Sixteen tries are remembered. */
export class Tried {
  readonly #rows = new Int32Array(16)
  #count = 0

  add(row: number): void {
    this.#rows[this.#count++ & 15] = row
  }

  has(row: number): boolean {
    const count = Math.min(this.#count, 16)
    for (let i = 0; i < count; i++) if (this.#rows[i] === row) return true
    return false
  }
}
