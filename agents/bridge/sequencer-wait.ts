import type { MessagePort } from 'node:worker_threads'
import { chance } from '../kit/dice.ts'
import { backoffMs } from '../kit/supervision/restart.ts'
import { type BridgeClock, realClock } from './clock.ts'
import { SequencerKeeper } from './sequencer-keeper.ts'

type OnPort = (port: MessagePort) => void

interface Told {
  /** It cannot be started, and is tried again; once, until it is. */
  onRefused(error: Error): void
  /** It has been started after all. */
  onStarted(): void
}

/**
 * A sequencer that may not be there yet: what it keeps its keys in may be full, or kept by a process that is about to end. It is tried again
 * after up to 20, 50, 100 … 10,000 ms, and whoever was to be lent a way to it is lent one then.
 */
export class SequencerWait {
  readonly #file: string | undefined
  readonly #told: Told
  readonly #clock: BridgeClock
  /** Who wants ways to it, and how to take them back; undefined: it has none yet. */
  readonly #borrowers = new Map<OnPort, (() => void) | undefined>()
  #keeper: SequencerKeeper | undefined
  #starting: Promise<void>
  #failures = 0
  #isClosed = false
  #callOff = (): void => {}

  constructor(file: string | undefined, told: Told, clock = realClock) {
    this.#file = file
    this.#told = told
    this.#clock = clock
    this.#starting = this.#start()
  }

  lend(onPort: OnPort): () => void {
    this.#borrowers.set(onPort, this.#keeper?.lend(onPort))
    return () => {
      this.#borrowers.get(onPort)?.()
      this.#borrowers.delete(onPort)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#callOff()
    await this.#starting
    await this.#keeper?.close()
  }

  async #start(): Promise<void> {
    try {
      this.#keeper = await SequencerKeeper.start(this.#file)
    } catch (error) {
      this.#onRefused(error as Error)
      return
    }
    if (this.#failures > 0) this.#told.onStarted()
    for (const onPort of [...this.#borrowers.keys()]) this.#borrowers.set(onPort, this.#keeper.lend(onPort))
  }

  #onRefused(error: Error): void {
    if (this.#isClosed) return
    if (this.#failures === 0) this.#told.onRefused(error)
    const again = (): void => {
      this.#starting = this.#start()
    }
    this.#callOff = this.#clock.later(backoffMs(this.#failures++, chance()), again, true)
  }
}
