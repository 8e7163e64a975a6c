import { once } from 'node:events'
import { extname } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { inheritedOptions, SignalboxError } from '../../engine/writer.ts'
import { monotonic } from './clock.ts'
import { EmbeddedStore, type StoreOptions } from './embedded-store.ts'
import type { Begun, Joined, SequencerStart } from './sequencer-thread.ts'

const THREAD = new URL(`./sequencer-thread${extname(import.meta.url)}`, import.meta.url)

/** Two starts this close to each other, in ms, are not taken for two faults: the second begins after so long. */
const PAUSE_MS = 50

/**
 * Keeps the sequencer of this process running, in a thread of its own, and its stores on the way to it.
 *
 *   start ──▶ thread, term 0 ──▶ dies ──▶ thread, term 1 ──▶ …      every store joins the next one
 *
 * With a file its keys outlive it, and the process; without one they are gone with the thread, and the next term says so.
 */
export class SequencerKeeper {
  readonly #file: string | undefined
  readonly #stores = new Set<EmbeddedStore>()
  #worker: Worker
  #term = 0
  #isEnding = false
  #startedAtMs = 0
  #restart: NodeJS.Timeout | undefined

  private constructor(file: string | undefined) {
    this.#file = file
    this.#worker = this.#begin()
  }

  /** `file`: where changes are kept. Throws SBX_STORE_REFUSED where that cannot be read or written. */
  static async start(file?: string): Promise<SequencerKeeper> {
    const keeper = new SequencerKeeper(file)
    try {
      const [{ term }] = (await once(keeper.#worker, 'message')) as [Begun]
      keeper.#term = term
    } catch (error) {
      keeper.#isEnding = true
      const { message } = error as Error
      throw new SignalboxError('SBX_STORE_REFUSED', `Cannot start the sequencer: ${message}`, { cause: error })
    }
    keeper.#watchOver(keeper.#worker)
    return keeper
  }

  /** How often it has begun anew. */
  get term(): number {
    return this.#term
  }

  /** A store for this thread. */
  open(options?: StoreOptions): EmbeddedStore {
    const store = new EmbeddedStore(options)
    this.#stores.add(store)
    this.#join(store)
    return store
  }

  /** Ends the thread as it is, as a fault would. */
  async kill(): Promise<void> {
    await this.#worker.terminate()
  }

  async close(): Promise<void> {
    this.#isEnding = true
    clearTimeout(this.#restart)
    for (const store of this.#stores) store.leave()
    await this.#worker.terminate()
  }

  #begin(): Worker {
    this.#startedAtMs = monotonic()
    const start: SequencerStart = this.#file === undefined ? { term: this.#term } : { file: this.#file }
    const worker = new Worker(THREAD, { name: 'signalbox:sequencer', workerData: start, ...inheritedOptions() })
    worker.unref()
    return worker
  }

  #watchOver(worker: Worker): void {
    worker.on('error', () => {})
    worker.once('exit', () => {
      if (this.#isEnding) return
      for (const store of this.#stores) store.leave()
      this.#term++
      const sinceMs = monotonic() - this.#startedAtMs
      this.#restart = setTimeout(() => this.#beginAnew(), Math.max(0, PAUSE_MS - sinceMs))
    })
  }

  #beginAnew(): void {
    this.#worker = this.#begin()
    this.#worker.once('message', ({ term }: Begun) => {
      this.#term = term
    })
    this.#watchOver(this.#worker)
    for (const store of this.#stores) this.#join(store)
  }

  #join(store: EmbeddedStore): void {
    const { port1, port2 } = new MessageChannel()
    this.#worker.postMessage({ port: port1 } satisfies Joined, [port1])
    store.join(port2)
  }
}
