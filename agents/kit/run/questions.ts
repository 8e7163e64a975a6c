import type { Signal } from '../grammar/signal.ts'

/** A question that waits for its answer. */
export interface Question {
  readonly id: string
  /** Who asked, of those in an agent. */
  readonly party: string
  /** Calls off the deadline. */
  readonly cancel: () => void
}

/** Questions of one agent that wait for their first answer. */
export class Questions {
  readonly #waiting = new Map<string, Question>()

  add(question: Question): void {
    this.#waiting.set(question.id, question)
  }

  /** Takes out the question that this signal answers; undefined: nobody here waits for it, or no longer. */
  takeAnswered({ causationid }: Signal): Question | undefined {
    const question = causationid === undefined ? undefined : this.#waiting.get(causationid)
    if (question !== undefined) this.#drop(question)
    return question
  }

  /** The deadline of a question is over. */
  takeSilent(id: string): Question | undefined {
    const question = this.#waiting.get(id)
    this.#waiting.delete(id)
    return question
  }

  /** Who asked has gone. */
  forget(party: string): void {
    for (const question of this.#waiting.values()) if (question.party === party) this.#drop(question)
  }

  #drop(question: Question): void {
    this.#waiting.delete(question.id)
    question.cancel()
  }
}
