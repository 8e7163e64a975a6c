import type { Clock } from '../clock.ts'
import type { AnySignalKind, Signal } from '../grammar/signal.ts'
import { Fifo } from './fifo.ts'

/** Enough for the story of one bad minute; they are for people to read. */
export const LETTERS_MAX = 100
/** Whoever has died so often is not given another try: what keeps it from arriving will not go away by itself. */
export const ATTEMPTS_MAX = 5

export type Reason =
  /** There was no room, and it was the oldest that could give way. */
  | 'overflow'
  /** There was no room, and nothing gave way to it. */
  | 'rejected'
  /** What it carries is not what its type promises. */
  | 'invalid'
  /** It was given another try, and nobody there listens to it any more. */
  | 'undeliverable'

/** A signal that did not arrive. */
export interface DeadLetter {
  readonly signal: Signal
  readonly reason: Reason
  /** What was wrong, for people; where the reason does not say it all. */
  readonly fault?: string
  /** Wall clock, RFC 3339. */
  readonly time: string
  /** How often it has died, this time included. */
  readonly attempts: number
}

/** What there is to know of dead letters, as plain data. */
export interface DeadLetterReport {
  /** Oldest first. */
  readonly letters: readonly DeadLetter[]
  /** Deaths since the start by reason; telemetry is in them too, and letters that had to make room. */
  readonly died: Readonly<Record<Reason, number>>
  /** Of these, telemetry: one reading of many, so it is counted and not kept. */
  readonly telemetry: number
}

/**
 * Signals that did not arrive at an agent that runs. Bounded: the last hundred facts are kept, of all others their number.
 *
 *          put, no room                redrive                    arrives
 *   signal ────────────▶ dead letter ───────────▶ put once more ───────────▶ …
 *                             ▲                         │ no room again, nobody listens any more: attempts + 1
 *                             └─────────────────────────┘ after the fifth death it stays
 *
 * They are the agent's, and go with it: what ends its thread takes along these, the signals that wait, and the one it was dealing with.
 * Of that the log has the fault alone.
 */
export class DeadLetters {
  readonly #clock: Pick<Clock, 'wallMs'>
  readonly #room: number
  #letters = new Fifo<DeadLetter>()
  /** How often those have died that were given back, by id: the last of them, as many as there is room for letters. */
  readonly #redriven = new Map<string, number>()
  readonly #died: Record<Reason, number> = { overflow: 0, rejected: 0, invalid: 0, undeliverable: 0 }
  #telemetry = 0

  constructor(clock: Pick<Clock, 'wallMs'>, room = LETTERS_MAX) {
    this.#clock = clock
    this.#room = room
  }

  get length(): number {
    return this.#letters.length
  }

  /** A signal of this kind has died. A kind that nobody knows counts as a fact. */
  add(signal: Signal, kind: Pick<AnySignalKind, 'isTelemetry'> | undefined, reason: Reason, fault?: string): void {
    this.#died[reason]++
    if (kind?.isTelemetry) {
      this.#telemetry++
      return
    }
    const attempts = (this.#redriven.get(signal.id) ?? 0) + 1
    this.#redriven.delete(signal.id)
    if (this.#letters.length >= this.#room) this.#letters.take()
    const time = new Date(this.#clock.wallMs()).toISOString()
    this.#letters.push({ signal, reason, ...(fault === undefined ? {} : { fault }), time, attempts })
  }

  /**
   * Takes out the letters that `filter` wants, those that have died too often excepted, and returns their signals in the order they
   * died: to be put again.
   */
  redrive(filter: (letter: DeadLetter) => boolean = () => true): Signal[] {
    const signals: Signal[] = []
    const left = new Fifo<DeadLetter>()
    for (const letter of this.#letters) {
      if (letter.attempts >= ATTEMPTS_MAX || !filter(letter)) {
        left.push(letter)
        continue
      }
      signals.push(letter.signal)
      this.#remember(letter)
    }
    this.#letters = left
    return signals
  }

  report(): DeadLetterReport {
    return { letters: [...this.#letters], died: { ...this.#died }, telemetry: this.#telemetry }
  }

  #remember({ signal: { id }, attempts }: DeadLetter): void {
    this.#redriven.delete(id)
    this.#redriven.set(id, attempts)
    if (this.#redriven.size > this.#room) this.#redriven.delete(this.#redriven.keys().next().value!)
  }
}
