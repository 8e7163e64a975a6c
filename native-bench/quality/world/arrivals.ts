import { type Chance, gap } from '../chance.ts'
import type { LoadText } from '../scenario/schema.ts'
import type { Agenda } from './agenda.ts'

/** Lets requests come, as the load of a scenario says; `send` is told which caller it is, and where none is in the way a number of no meaning. */
export class Arrivals {
  readonly #load: LoadText
  readonly #agenda: Agenda
  readonly #chance: Chance
  readonly #send: (caller: number, nowMs: number) => void
  readonly #rate: number

  constructor(
    load: LoadText,
    rate: number,
    agenda: Agenda,
    chance: Chance,
    send: (caller: number, nowMs: number) => void,
  ) {
    this.#load = load
    this.#rate = rate
    this.#agenda = agenda
    this.#chance = chance
    this.#send = send
  }

  begin(): void {
    const { concurrency, callers, every = 0 } = this.#load
    if (concurrency !== undefined) {
      for (let caller = 0; caller < concurrency; caller++) this.#agenda.at(0, nowMs => this.#send(caller, nowMs))
    } else if (callers !== undefined) {
      for (let caller = 0; caller < callers; caller++) this.#ask(caller, this.#chance() * every)
    } else {
      this.#next(0)
    }
  }

  /** A caller has its answer, or has given up. */
  free(caller: number, nowMs: number): void {
    if (this.#load.concurrency !== undefined) this.#agenda.at(nowMs, atMs => this.#send(caller, atMs))
  }

  #ask(caller: number, atMs: number): void {
    this.#agenda.at(atMs, nowMs => {
      this.#send(caller, nowMs)
      this.#ask(caller, nowMs + this.#load.every!)
    })
  }

  /** At the highest rate there is; at a lower one some of them do not come (Lewis and Shedler's thinning). */
  #next(nowMs: number): void {
    const { by = 0, period = 1 } = this.#load.swing ?? {}
    this.#agenda.at(nowMs + (gap(this.#chance) * 1000) / (this.#rate * (1 + by)), atMs => {
      const share = (1 + by * Math.sin((atMs / period) * 2 * Math.PI)) / (1 + by)
      if (by === 0 || this.#chance() < share) this.#send(0, atMs)
      this.#next(atMs)
    })
  }
}
