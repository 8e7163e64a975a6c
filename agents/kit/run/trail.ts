import type { Signal } from '../grammar/signal.ts'

/** What an agent tells itself within the time that matters to an explanation: some seconds of a busy one. */
const REMEMBERED = 512
/** Longer than any chain of one agent's own signals between two facts. */
const STEPS_MAX = 16

/**
 * What an agent has told itself lately, without what it carried: so that whoever asks why it did something is led through its own
 * timers and actions to the fact they followed from.
 */
export class Trail {
  readonly #own = new Map<string, Signal>()
  /** Of one signal a hundred words may be written: they share what led there. */
  #last: { readonly signal: Signal; readonly steps: readonly Signal[] } | undefined

  add(signal: Signal): void {
    if (this.#own.size >= REMEMBERED) this.#own.delete(this.#own.keys().next().value!)
    this.#own.set(signal.id, signal.data === null ? signal : { ...signal, data: null })
  }

  /** The signal, its cause, and so on: as far as they are the agent's own, and the first that is not. */
  of(signal: Signal | undefined): readonly Signal[] {
    if (signal === undefined) return []
    if (this.#last?.signal !== signal) this.#last = { signal, steps: this.#stepsOf(signal) }
    return this.#last.steps
  }

  #stepsOf(signal: Signal): Signal[] {
    const steps = [this.#own.get(signal.id) ?? signal]
    for (let at = steps[0]!; steps.length < STEPS_MAX; ) {
      const cause = this.#own.get(at.causationid ?? '')
      if (cause === undefined) break
      steps.push(cause)
      at = cause
    }
    return steps
  }
}
