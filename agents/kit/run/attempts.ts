import { elapsedMs } from '../../../engine/writer.ts'
import { type AnyAction, BACKOFF_MS_MAX } from '../grammar/action.ts'
import { check } from '../grammar/schema.ts'
import type { AgentEdge } from '../grammar/sensor.ts'
import { Attempt } from './attempt.ts'

/** What an action came to. */
export interface Outcome {
  onDone(result: unknown): void
  onFailed(failure: { readonly fault: string; readonly attempts: number; readonly tookMs: number }): void
  /** Its undo failed too: nobody knows what is true now. */
  onBroken(error: Error): void
}

/**
 * One action on its way: attempts until one succeeds or none is left, each with its own time and its own signal to stop.
 *
 *   check params ──▶ attempt ──▶ done
 *        │             │ throws, rejects, takes too long
 *        │             ├──▶ wait: backoff, doubled each time ──▶ attempt …
 *        └─ bad ───────┴──▶ undo ──▶ failed
 */
export class Attempts {
  readonly #action: AnyAction
  readonly #params: unknown
  readonly #edge: AgentEdge
  readonly #outcome: Outcome
  readonly #startedMs: number
  #made = 0

  /** Begins with the first attempt at once; an action that answers at once is done when this returns. */
  constructor(action: AnyAction, params: unknown, edge: AgentEdge, outcome: Outcome) {
    this.#action = action
    this.#edge = edge
    this.#outcome = outcome
    this.#startedMs = edge.now()
    const verdict = check(action.params, params)
    this.#params = verdict.isGood ? verdict.value : params
    if (verdict.isGood) this.#attempt()
    else this.#fail(`it cannot be run with these params: ${verdict.fault}`)
  }

  #attempt(): void {
    this.#made++
    new Attempt(this.#edge).make(
      edge => this.#action.run(this.#params, edge),
      this.#action.timeoutMs,
      result => this.#outcome.onDone(result),
      fault => this.#retry(fault),
    )
  }

  #retry(fault: string): void {
    const { retries, backoffMs } = this.#action
    if (this.#made > retries) {
      this.#fail(fault)
      return
    }
    this.#edge.later(Math.min(BACKOFF_MS_MAX, backoffMs * 2 ** (this.#made - 1)), () => this.#attempt())
  }

  #fail(fault: string): void {
    const { undo } = this.#action
    const end = (): void => {
      const tookMs = elapsedMs(this.#edge.now(), this.#startedMs)
      this.#outcome.onFailed({ fault, attempts: this.#made, tookMs })
    }
    const onBroken = (error: unknown): void =>
      this.#outcome.onBroken(
        new Error(`action ${this.#action.name} failed (${fault}), and so did its undo`, { cause: error }),
      )
    // Nothing was attempted, nothing is to be taken back.
    if (undo === undefined || this.#made === 0) {
      end()
      return
    }
    try {
      const undone = undo(this.#params, this.#edge)
      if (undone instanceof Promise) undone.then(end, onBroken)
      else end()
    } catch (error) {
      onBroken(error)
    }
  }
}
