import type { IncomingMessage } from 'node:http'
import { avalanche, hashKey } from '../../memory/hash-key.ts'
import type { Dice } from '../../policies/dice.ts'
import type { Lane } from '../lanes.ts'

/** Makes the draw of a side another one than the pick of an endpoint, which begins with the same hash. */
const SALT = 0x7f4a7c15

/**
 * Requests of one route over several services, by their weights.
 *
 *   key ──▶ hash, 0 … 2^32 ──▶ side      |──────── api 95 ────────|─ canary 5 ─|
 *   no key ──▶ dice ─────────┘
 *
 * The key is that of the first service: whoever has one stays on a side as long as the weights stand. Where that service
 * gives sessions a cookie, all sides go by it, and an id that is given out is one of the side that was drawn.
 */
export class Split {
  readonly #lanes: readonly Lane[]
  /** Where each side ends, in 2^32 parts of the whole; the last at its end. */
  readonly #ends: readonly number[]
  readonly #dice: Dice
  readonly #first: Lane

  constructor(sides: readonly { lane: Lane; weight: number }[], dice: Dice) {
    const [{ lane: first }] = sides
    const drawn = sides.filter(({ weight }) => weight > 0)
    const whole = drawn.reduce((sum, { weight }) => sum + weight, 0)
    let sum = 0
    this.#ends = drawn.map(({ weight }) => ((sum += weight) / whole) * 2 ** 32)
    this.#lanes = drawn.map(({ lane }) =>
      first.cookie === undefined ? lane : { ...lane, hashOf: first.hashOf, cookie: first.cookie },
    )
    this.#dice = dice
    this.#first = first
  }

  /** The lane of a request. `path` is its target. */
  draw(request: IncomingMessage, path: string, sender: { readonly client: string }): Lane {
    const { hashOf, cookie } = this.#first
    let hash = hashOf?.(request, path, sender) ?? 0
    // Its session begins now: with an id of the side that it falls on.
    if (hash === 0 && cookie !== undefined) hash = hashKey(cookie.prepare())
    return hash === 0 ? this.#lanes[this.#sideAt(this.#dice() * 2)] : this.sideOf(hash)
  }

  /** Where a key of this hash belongs. */
  sideOf(hash: number): Lane {
    return this.#lanes[this.#sideAt(avalanche(hash ^ SALT) >>> 0)]
  }

  #sideAt(at: number): number {
    const ends = this.#ends
    let side = 0
    while (side < ends.length - 1 && at >= ends[side]) side++
    return side
  }
}
