import { GOLDEN } from './hash-key.ts'

/** Windows remembered: a service has one, or one for each zone and priority that picks are aimed at in turn. */
const WINDOWS = 8
const KEY_WORDS = 5

/**
 * Sums of the operator's weights of a window's open rows, kept until a fact of the service changes: bounded load asks for
 * the sum with every pick, and the rows may be thousands.
 *
 *   revision  start  count  mask  want  →  sum
 *
 * The revision counts every change of bars and weights (service-table.ts); a change of structure calls for `clear`.
 */
export class OpenWeights {
  readonly sums = new Float64Array(WINDOWS)
  readonly #keys = new Int32Array(WINDOWS * KEY_WORDS).fill(-1)

  /** Which of `sums` is that of a window; −1 when it is not known. */
  find(revision: number, start: number, count: number, mask: number, want: number): number {
    const keys = this.#keys
    const index = indexOf(start, want)
    const at = index * KEY_WORDS
    const isKept =
      keys[at] === revision &&
      keys[at + 1] === start &&
      keys[at + 2] === count &&
      keys[at + 3] === mask &&
      keys[at + 4] === want
    return isKept ? index : -1
  }

  /** Makes room for the sum of a window, in place of another's, and says at which of `sums`. */
  take(revision: number, start: number, count: number, mask: number, want: number): number {
    const index = indexOf(start, want)
    const at = index * KEY_WORDS
    this.#keys[at] = revision
    this.#keys[at + 1] = start
    this.#keys[at + 2] = count
    this.#keys[at + 3] = mask
    this.#keys[at + 4] = want
    return index
  }

  clear(): void {
    this.#keys.fill(-1)
  }
}

/** Windows of a service start apart by the sizes of its zones: multiplied and cut, that spreads them. */
function indexOf(start: number, want: number): number {
  return (Math.imul(start ^ want, GOLDEN) >>> 29) & (WINDOWS - 1)
}
