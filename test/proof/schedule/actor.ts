import { threadId } from 'node:worker_threads'
import { type AtomicsSeam, realAtomics } from '../../../engine/memory/atomics.ts'
import {
  actorAt,
  GRANT,
  LOG,
  LOG_WORDS,
  OPERATIONS,
  type Operation,
  ORDER,
  ORDER_DIE,
  STATE,
  STATE_SLEEPS,
  STATE_STOPPED,
  STEPS,
  STOPS,
  TEXT,
  TEXT_BYTES,
  TEXT_BYTES_MAX,
  THREAD,
  TURN,
  WAIT_INDEX,
  WAIT_VALUE,
} from './control.ts'

/** How an actor dies: nothing it would have done after this has an effect on shared memory. */
export class Death extends Error {}

/** Looks for the turn before it sleeps: a turn often comes back within microseconds. */
const LOOKS = 100

/** An actor's side of the control words: it asks for leave before every step. */
export class Actor {
  isDead = false
  readonly #control: Int32Array
  readonly #at: number
  #turn = 0
  #grant = 0

  constructor(control: Int32Array, actor: number) {
    this.#control = control
    this.#at = actorAt(actor)
    control[this.#at + THREAD] = threadId
  }

  /** Takes one step: waits for leave if none is left, notes it, and dies if that is the order. */
  step(operation: Operation, word: number): void {
    if (this.isDead) throw new Death()
    if (this.#grant === 0) this.stop(STATE_STOPPED)
    this.#grant--
    const control = this.#control
    const steps = control[this.#at + STEPS]!
    if (steps >= LOG_WORDS) throw new Error(`an actor took ${steps} steps: it does not come to an end`)
    control[this.#at + LOG + steps] = (OPERATIONS.indexOf(operation) << 24) | word
    control[this.#at + STEPS] = steps + 1
  }

  /** Sleeps at a word, as far as the director is concerned; says whether it was woken by a change. */
  sleep(words: Int32Array, index: number, value: number): 'ok' | 'not-equal' | 'timed-out' {
    this.step('wait', index)
    if (words[index] !== value) return 'not-equal'
    this.#control[this.#at + WAIT_INDEX] = index
    this.#control[this.#at + WAIT_VALUE] = value
    this.stop(STATE_SLEEPS)
    return words[index] === value ? 'timed-out' : 'ok'
  }

  /** Gives the turn back and waits for the next; returns the order. */
  stop(state: number): number {
    const control = this.#control
    control[this.#at + STATE] = state
    Atomics.add(control, STOPS, 1)
    Atomics.notify(control, STOPS)
    for (let look = 0; look < LOOKS && Atomics.load(control, this.#at + TURN) === this.#turn; look++);
    while (Atomics.load(control, this.#at + TURN) === this.#turn) Atomics.wait(control, this.#at + TURN, this.#turn)
    this.#turn = Atomics.load(control, this.#at + TURN)
    this.#grant = control[this.#at + GRANT]!
    const order = control[this.#at + ORDER]!
    if (order === ORDER_DIE) {
      this.isDead = true
      throw new Death()
    }
    return order
  }

  tellError(error: unknown): void {
    const text =
      error instanceof Error ? (error.message.startsWith('!') ? error.message.slice(1) : `${error.stack}`) : `${error}`
    const bytes = Buffer.from(this.#control.buffer, this.#control.byteOffset + (this.#at + TEXT) * 4, TEXT_BYTES_MAX)
    this.#control[this.#at + TEXT_BYTES] = bytes.write(text)
  }

  /**
   * The operations that stop before each step. Words behind a proxy of `watched` are unwrapped; `late` is called after
   * each operation, for machines that let plain writes take effect too late.
   */
  seam(unwrap: (words: Int32Array) => Int32Array, late: () => void): AtomicsSeam {
    const stopping =
      (operation: Exclude<Operation, 'plain read' | 'plain write' | 'wait'>) =>
      (words: Int32Array, index: number, ...values: number[]): number => {
        this.step(operation, index)
        const real = realAtomics[operation] as (words: Int32Array, index: number, ...values: number[]) => number
        const result = real(unwrap(words), index, ...values)
        late()
        return result
      }
    return {
      load: stopping('load'),
      store: stopping('store'),
      add: stopping('add'),
      sub: stopping('sub'),
      and: stopping('and'),
      or: stopping('or'),
      exchange: stopping('exchange'),
      compareExchange: stopping('compareExchange'),
      notify: stopping('notify'),
      wait: (words, index, value) => this.sleep(unwrap(words), index, value),
    }
  }
}
