import { setMaxListeners } from 'node:events'
import type { AgentEdge, SensorEdge } from '../grammar/sensor.ts'

/**
 * The world as one attempt of an action, or one look of a sensor, gets it. Its signal is made when it is first asked for: most are over
 * at once.
 */
export class Attempt implements SensorEdge {
  readonly attachment: SensorEdge['attachment']
  readonly machine: SensorEdge['machine']
  readonly now: SensorEdge['now']
  readonly later: SensorEdge['later']
  readonly self: SensorEdge['self']
  readonly knows: SensorEdge['knows']
  readonly #edge: AgentEdge
  readonly #onStop = (): void => this.stop()
  #abort: AbortController | undefined
  #isOver = false
  #callOff = (): void => {}

  /** `knows`: what who looks knows; an action is told by its params what it needs. */
  constructor(edge: AgentEdge, knows: SensorEdge['knows'] = () => undefined) {
    this.#edge = edge
    this.attachment = edge.attachment
    this.machine = edge.machine
    this.now = edge.now
    this.later = edge.later
    this.self = edge.self
    this.knows = knows
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

  /**
   * Does the work, at once or by promise, in so many ms, 0: however long it takes. Tells once what came of it: the first word counts, a
   * late one falls on the floor, and so does all when the agent has ended.
   */
  make<Result>(
    work: (edge: SensorEdge) => Result | Promise<Result>,
    timeoutMs: number,
    onDone: (result: Result) => void,
    onFault: (fault: string) => void,
  ): void {
    const onError = (error: unknown): void => this.#end(() => onFault(textOf(error)))
    let result: Result | Promise<Result>
    try {
      result = work(this)
    } catch (error) {
      onError(error)
      return
    }
    if (!(result instanceof Promise)) {
      this.#end(() => onDone(result))
      return
    }
    if (timeoutMs > 0) {
      this.#callOff = this.#edge.later(timeoutMs, () => {
        this.#end(() => onFault(`it took longer than ${timeoutMs} ms`))
        this.#abort?.abort()
      })
    }
    result.then(value => this.#end(() => onDone(value)), onError)
  }

  /** Tells whoever works on it to stop; what it still says counts for nothing. */
  stop(): void {
    this.#end(() => {})
    this.#abort?.abort()
  }

  #end(then: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#callOff()
    this.#edge.signal.removeEventListener('abort', this.#onStop)
    if (!this.#edge.signal.aborted) then()
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
