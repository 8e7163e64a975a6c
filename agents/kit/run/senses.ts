import { type Dice, strayed } from '../dice.ts'
import type { Setup } from '../grammar/agent.ts'
import type { AgentEdge, AnySensor, Percept } from '../grammar/sensor.ts'
import type { Draft } from '../grammar/signal.ts'
import { Attempt } from './attempt.ts'

/** Whose sense it is. */
export interface Perceived {
  /** What it knows now. */
  knows(): unknown
  onReading(draft: Draft): void
  onFailed(failure: { readonly sensor: string; readonly fault: string; readonly failures: number }): void
  /** It could not make sense of what it read: its promise is broken. */
  onBroken(error: unknown): void
}

/** One sensor at work: looks, makes sense of it, and looks again when it is due. */
export class Sense {
  readonly #sensor: AnySensor
  readonly #edge: AgentEdge
  readonly #dice: Dice
  readonly #perceived: Perceived
  #look: Attempt | undefined
  #memory: unknown
  #failures = 0
  #cancel = (): void => {}

  constructor(sensor: AnySensor, setup: Setup, edge: AgentEdge, dice: Dice, perceived: Perceived) {
    this.#sensor = sensor
    this.#edge = edge
    this.#dice = dice
    this.#perceived = perceived
    this.#memory = sensor.start(setup)
    this.#next(0)
  }

  close(): void {
    this.#look?.stop()
    this.#cancel()
  }

  #next(delayMs: number): void {
    this.#cancel = this.#edge.later(delayMs, () => this.#begin())
  }

  #begin(): void {
    this.#look = new Attempt(this.#edge, () => this.#perceived.knows())
    this.#look.make(
      edge => this.#sensor.read(edge),
      this.#sensor.timeoutMs,
      raw => this.#perceive(raw),
      fault => this.#fail(fault),
    )
  }

  #perceive(raw: unknown): void {
    try {
      this.#tell(this.#sensor.perceive(this.#memory, raw, this.#edge.now()))
    } catch (error) {
      this.#perceived.onBroken(error)
    }
  }

  #tell({ memory, readings, nextMs = this.#sensor.everyMs }: Percept<unknown, string, unknown>): void {
    this.#memory = memory
    this.#failures = 0
    this.#next(strayed(nextMs, this.#sensor.spreadMs, this.#dice))
    for (const reading of readings) this.#perceived.onReading(reading)
  }

  #fail(fault: string): void {
    this.#failures++
    this.#next(this.#sensor.everyMs)
    this.#perceived.onFailed({ sensor: this.#sensor.name, fault, failures: this.#failures })
  }
}
