import { elapsedMs } from '../../engine/writer.ts'
import { type BridgeClock, realClock } from './clock.ts'
import { EmbeddedStore, type StoreOptions } from './embedded-store.ts'
import { Sequencer, type Written } from './sequencer.ts'
import { type Caller, SequencerDesk } from './sequencer-desk.ts'
import type { Asked, Noted, Road, Told } from './wire.ts'

export interface InlineOptions {
  readonly clock?: BridgeClock
  /** How long each message is under way, in ms; they arrive in the order they were sent. Without it they arrive in this turn's microtasks. */
  readonly delayMs?: () => number
  /** Whether changes outlive a death, as with a file. */
  readonly keeps?: boolean
}

/** A road that leads through something else on the way to where another one leads. */
export type Through = (road: Road) => Road

/**
 * A sequencer in this very thread: the same one behind the same store as the one in a thread of its own, but nothing is real about
 * its time. One seed, one run.
 *
 *   store ── Asked ──▶ lane ──▶ desk ──▶ lane ── Told, Noted ──▶ store      never answered in the turn it was asked in
 */
export class InlineSequencer {
  readonly #clock: BridgeClock
  readonly #delayMs: (() => number) | undefined
  readonly #keeps: boolean
  /** How each gets from the sequencer's door to where it is. */
  readonly #stores = new Map<EmbeddedStore, Through>()
  /** What stands, as far as it outlives a death. */
  readonly #kept = new Map<string, Written>()
  #term = 0
  #life: Life | undefined
  #callOff = () => {}

  constructor({ clock = realClock, delayMs, keeps = false }: InlineOptions = {}) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#keeps = keeps
    this.#begin()
  }

  /** How often it has begun anew. */
  get term(): number {
    return this.#term
  }

  /** `through`: what else lies between the store and the sequencer. */
  open(options: StoreOptions = {}, through: Through = road => road): EmbeddedStore {
    const store = new EmbeddedStore({ clock: this.#clock, ...options })
    this.#stores.set(store, through)
    this.join(store)
    return store
  }

  /** Brings a store that `left` on the way again. */
  join(store: EmbeddedStore): void {
    const through = this.#stores.get(store)
    if (this.#life !== undefined && through !== undefined) store.join(through(this.#life.road))
  }

  /** A store that will not come back. */
  forget(store: EmbeddedStore): void {
    store.leave()
    this.#stores.delete(store)
  }

  /** Dies, and begins anew after so many ms; without `keeps` with nothing. */
  kill(downMs = 0): void {
    this.#end()
    this.#term++
    this.#callOff = this.#clock.later(downMs, () => {
      this.#begin()
      for (const store of this.#stores.keys()) this.join(store)
    })
  }

  close(): void {
    this.#end()
    this.#stores.clear()
  }

  #begin(): void {
    const sequencer = new Sequencer(this.#term)
    for (const written of this.#kept.values()) sequencer.replay(written, 0)
    const log = {
      append: (written: readonly Written[]): void => {
        for (const each of written) {
          if (each.entry === undefined) this.#kept.delete(each.key)
          else this.#kept.set(each.key, each)
        }
      },
    }
    this.#life = new Life(new SequencerDesk(sequencer, this.#keeps ? log : undefined), this.#clock, this.#delayMs)
  }

  #end(): void {
    const life = this.#life
    this.#life = undefined
    this.#callOff()
    life?.end()
    for (const store of this.#stores.keys()) store.leave()
  }
}

/** A sequencer from one death to the next. Its time begins with it, at 0 ms. */
class Life {
  readonly #desk: SequencerDesk
  readonly #clock: BridgeClock
  readonly #delayMs: (() => number) | undefined
  #readMs: number
  #nowMs = 0
  #callOff = () => {}
  #isOver = false

  constructor(desk: SequencerDesk, clock: BridgeClock, delayMs: (() => number) | undefined) {
    this.#desk = desk
    this.#clock = clock
    this.#delayMs = delayMs
    this.#readMs = clock.now()
    this.#settle()
  }

  /** The way to it. */
  readonly road: Road = asking => {
    const there = this.#lane<Asked>(asked => {
      // All that has arrived in this turn is carried out together.
      if (this.#desk.ask(caller, asked)) queueMicrotask(() => this.#settle())
    })
    const back = this.#lane<Told | Noted>(message => asking.tell(message))
    const caller: Caller = { tell: back }
    return { ask: there, close: () => this.#desk.leave(caller) }
  }

  end(): void {
    this.#isOver = true
    this.#callOff()
  }

  #settle(): void {
    if (this.#isOver) return
    this.#callOff()
    const reading = this.#clock.now()
    this.#nowMs += elapsedMs(reading, this.#readMs)
    this.#readMs = reading
    const nextMs = this.#desk.settle(this.#nowMs)
    if (nextMs === Number.POSITIVE_INFINITY) return
    this.#callOff = this.#clock.later(Math.max(1, Math.ceil(nextMs - this.#nowMs)), () => this.#settle())
  }

  /** Each message takes a while; the first that is sent is the first that arrives, whatever those behind it take. */
  #lane<Message>(arrive: (message: Message) => void): (message: Message) => void {
    const underWay: Message[] = []
    const next = (): void => {
      const message = underWay.shift() as Message
      if (!this.#isOver) arrive(message)
    }
    return message => {
      underWay.push(message)
      if (this.#delayMs === undefined) queueMicrotask(next)
      else this.#clock.later(this.#delayMs(), next)
    }
  }
}
