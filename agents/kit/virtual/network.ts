import type { Dice } from '../dice.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What becomes of messages from one place to another. */
export interface Link {
  /** How long one is under way, in ms. */
  readonly delayMs: number
  /** The part of them that is lost, from 0 to 1. */
  readonly loss: number
}

/** Half a millisecond: two machines in one room. */
const SOUND: Link = { delayMs: 0.5, loss: 0 }

/** Of messages, since the start. */
export interface Carried {
  readonly sent: number
  readonly arrived: number
  /** By the dice, by a cut, or because who it was for had no room or was not there. */
  readonly lost: number
}

/**
 * A network in virtual time: between each two places a link for each direction, with a delay, a loss, and a cut.
 *
 *   a ──── a→b: 0.5 ms, 20 % lost ───▶ b
 *     ◀─── b→a: cut ─────────────────
 */
export class Network {
  readonly #clock: VirtualClock
  readonly #dice: Dice
  readonly #links = new Map<string, Link>()
  readonly #cuts = new Set<string>()
  #usual = SOUND
  #carried = { sent: 0, arrived: 0, lost: 0 }

  constructor(clock: VirtualClock, dice: Dice) {
    this.#clock = clock
    this.#dice = dice
  }

  get carried(): Carried {
    return { ...this.#carried }
  }

  link(from: string, to: string): Link {
    return this.#links.get(key(from, to)) ?? this.#usual
  }

  /** One direction of one link; what is not said of it stays as it is. */
  change(from: string, to: string, change: Partial<Link>): void {
    this.#links.set(key(from, to), { ...this.link(from, to), ...change })
  }

  /** All links; what was changed of one alone is undone. */
  changeAll(change: Partial<Link>): void {
    this.#links.clear()
    this.#usual = { ...this.#usual, ...change }
  }

  /** Nothing gets through in this direction any more. */
  cut(from: string, to: string): void {
    this.#cuts.add(key(from, to))
  }

  /** There are no cuts any more. */
  mend(): void {
    this.#cuts.clear()
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(key(from, to))
  }

  /** Between each two of different groups nothing gets through, between others all does. Who is in no group is reached by all. */
  partition(groups: readonly (readonly string[])[]): void {
    this.mend()
    for (const group of groups) {
      for (const other of groups) {
        if (other === group) continue
        for (const from of group) for (const to of other) this.cut(from, to)
      }
    }
  }

  /** One message of a connection: it arrives, or the connection is cut. */
  stream(from: string, to: string, arrive: () => void, lose: () => void): void {
    if (this.isCut(from, to)) {
      lose()
      return
    }
    this.#clock.later(this.link(from, to).delayMs, () => (this.isCut(from, to) ? lose() : arrive()))
  }

  /** One datagram: it arrives or it does not. `arrive` says whether there was room for it. */
  send(from: string, to: string, arrive: () => boolean): void {
    const { delayMs, loss } = this.link(from, to)
    this.#carried.sent++
    if (this.isCut(from, to) || (loss > 0 && this.#dice() < loss)) {
      this.#carried.lost++
      return
    }
    this.#clock.later(delayMs, () => {
      // Cut while it was under way: whatever is on the wire is lost as well.
      if (!this.isCut(from, to) && arrive()) this.#carried.arrived++
      else this.#carried.lost++
    })
  }
}

const key = (from: string, to: string): string => `${from} ${to}`
