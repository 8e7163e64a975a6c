import { setMaxListeners } from 'node:events'
import type { SensorEdge } from '../grammar/sensor.ts'

/**
 * The world as one attempt of an action, or one look of a sensor, gets it. Its signal is made when it is first asked for: most are over
 * at once.
 */
export class Attempt implements SensorEdge {
  readonly attachment: SensorEdge['attachment']
  readonly now: SensorEdge['now']
  readonly later: SensorEdge['later']
  readonly self: SensorEdge['self']
  readonly #edge: SensorEdge
  readonly #onStop = (): void => this.stop()
  #abort: AbortController | undefined
  #isOver = false

  constructor(edge: SensorEdge) {
    this.#edge = edge
    this.attachment = edge.attachment
    this.now = edge.now
    this.later = edge.later
    this.self = edge.self
  }

  get place(): SensorEdge['place'] {
    return this.#edge.place
  }

  get bridge(): SensorEdge['bridge'] {
    return this.#edge.bridge
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      // An attempt may be listened to by as many as it likes.
      setMaxListeners(0, this.#abort.signal)
      if (this.#edge.signal.aborted) this.#abort.abort()
      else if (!this.#isOver) this.#edge.signal.addEventListener('abort', this.#onStop, { once: true })
    }
    return this.#abort.signal
  }

  /** False: it was over before. */
  end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#edge.signal.removeEventListener('abort', this.#onStop)
    return true
  }

  stop(): void {
    this.#abort?.abort()
  }
}
