import type { Dice } from '../dice.ts'
import type { Setup } from '../grammar/agent.ts'
import type { AnySensor, Percept, SensorEdge } from '../grammar/sensor.ts'
import type { Draft } from '../grammar/signal.ts'
import { Attempt } from './attempt.ts'
import { textOf } from './attempts.ts'

export interface Perceived {
  onReading(draft: Draft): void
  onFailed(failure: { readonly sensor: string; readonly fault: string; readonly failures: number }): void
  /** It could not make sense of what it read: its promise is broken. */
  onBroken(error: unknown): void
}

/** One sensor at work: looks, makes sense of it, and looks again when it is due. */
export class Sense {
  readonly #sensor: AnySensor
  readonly #edge: SensorEdge
  readonly #dice: Dice
  readonly #perceived: Perceived
  #isClosed = false
  #look: Attempt | undefined
  #memory: unknown
  #failures = 0
  #cancel = (): void => {}

  constructor(sensor: AnySensor, setup: Setup, edge: SensorEdge, dice: Dice, perceived: Perceived) {
    this.#sensor = sensor
    this.#edge = edge
    this.#dice = dice
    this.#perceived = perceived
    this.#memory = sensor.start(setup)
    this.#next(0)
  }

  close(): void {
    this.#isClosed = true
    this.#look?.stop()
    this.#cancel()
  }

  #next(delayMs: number): void {
    if (!this.#isClosed) this.#cancel = this.#edge.later(delayMs, () => this.#begin())
  }

  #begin(): void {
    const { timeoutMs } = this.#sensor
    const look = new Attempt(this.#edge)
    this.#look = look
    const end = (then: () => void): void => {
      if (!look.end()) return
      this.#cancel()
      if (!this.#isClosed) then()
    }
    const onError = (error: unknown): void => end(() => this.#fail(textOf(error)))
    let raw: unknown
    try {
      raw = this.#sensor.read(look)
    } catch (error) {
      onError(error)
      return
    }
    if (!(raw instanceof Promise)) {
      end(() => this.#perceive(raw))
      return
    }
    this.#cancel = this.#edge.later(timeoutMs, () => {
      end(() => this.#fail(`it took longer than ${timeoutMs} ms`))
      look.stop()
    })
    raw.then(value => end(() => this.#perceive(value)), onError)
  }

  #perceive(raw: unknown): void {
    try {
      this.#tell(this.#sensor.perceive(this.#memory, raw, this.#edge.now()))
    } catch (error) {
      this.#perceived.onBroken(error)
    }
  }

  #tell({ memory, readings, nextMs = this.#sensor.everyMs }: Percept<unknown, string, unknown>): void {
    const { spreadMs } = this.#sensor
    this.#memory = memory
    this.#failures = 0
    this.#next(Math.max(0, nextMs + (spreadMs === 0 ? 0 : (this.#dice() * 2 - 1) * spreadMs)))
    for (const reading of readings) this.#perceived.onReading(reading)
  }

  #fail(fault: string): void {
    this.#failures++
    this.#next(this.#sensor.everyMs)
    this.#perceived.onFailed({ sensor: this.#sensor.name, fault, failures: this.#failures })
  }
}
