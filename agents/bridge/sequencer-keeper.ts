import { once } from 'node:events'
import { extname } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { elapsedMs, inheritedOptions, SignalboxError } from '../../engine/writer.ts'
import { chance, type Dice } from '../kit/dice.ts'
import { backoffMs, HEALTHY_MS } from '../kit/supervision/restart.ts'
import { type BridgeClock, realClock } from './clock.ts'
import { EmbeddedStore, type StoreOptions } from './embedded-store.ts'
import { FileLock } from './file-lock.ts'
import type { Begun, Joined, SequencerStart } from './sequencer-thread.ts'
import { roadOf } from './wire.ts'

const THREAD = new URL(`./sequencer-thread${extname(import.meta.url)}`, import.meta.url)

export interface KeeperOptions {
  /** By which restarts wait. */
  readonly clock?: BridgeClock
  /** By which they do not wait in step. */
  readonly dice?: Dice
}

/**
 * Keeps the sequencer of this process running, in a thread of its own, and its stores on the way to it.
 *
 *   start ──▶ thread, term 0 ──▶ dies ──▶ up to 20, 50, 100 … 10,000 ms ──▶ thread, term 1 ──▶ …      every store joins the next one
 *
 * With a file its keys outlive it, and the process; without one they are gone with the thread, and the next term says so. The wait
 * begins anew with a thread that ran for a minute.
 */
export class SequencerKeeper {
  readonly #file: string | undefined
  /** Held from the start to the end: threads come and go meanwhile. */
  #lock: FileLock | undefined
  readonly #clock: BridgeClock
  readonly #dice: Dice
  readonly #stores = new Set<EmbeddedStore>()
  readonly #borrowers = new Set<(port: MessagePort) => void>()
  /** Undefined between two of them. */
  #worker: Worker | undefined
  #term = 0
  #deathsInRow = 0
  #isEnding = false
  #callOff = () => {}

  private constructor(file: string | undefined, { clock = realClock, dice = chance }: KeeperOptions) {
    this.#file = file
    this.#clock = clock
    this.#dice = dice
  }

  /** `file`: where changes are kept. Throws SBX_STORE_REFUSED where that cannot be read or written, or another process keeps it. */
  static async start(file?: string, options: KeeperOptions = {}): Promise<SequencerKeeper> {
    const keeper = new SequencerKeeper(file, options)
    try {
      if (file !== undefined) keeper.#lock = FileLock.take(file)
      const worker = keeper.#begin()
      const [{ term }] = (await once(worker, 'message')) as [Begun]
      keeper.#term = term
      keeper.#watchOver(worker)
    } catch (error) {
      keeper.#lock?.release()
      const { message } = error as Error
      throw new SignalboxError('SBX_STORE_REFUSED', `Cannot start the sequencer: ${message}`, { cause: error })
    }
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

  /**
   * Lends ways to the sequencer to a store in another thread: a port now, and one to each sequencer that follows. Returns how to end
   * that; the thread that has the port may end as it likes.
   */
  lend(onPort: (port: MessagePort) => void): () => void {
    this.#borrowers.add(onPort)
    this.#lendTo(onPort)
    return () => this.#borrowers.delete(onPort)
  }

  /** Ends the thread as it is, as a fault would. */
  async kill(): Promise<void> {
    await this.#worker?.terminate()
  }

  async close(): Promise<void> {
    this.#isEnding = true
    this.#callOff()
    for (const store of this.#stores) store.leave()
    await this.#worker?.terminate()
    this.#lock?.release()
  }

  /** Throws where the system has no room for another thread. */
  #begin(): Worker {
    const start: SequencerStart = this.#file === undefined ? { term: this.#term } : { file: this.#file }
    const worker = new Worker(THREAD, { name: 'signalbox:sequencer', workerData: start, ...inheritedOptions() })
    worker.unref()
    this.#worker = worker
    return worker
  }

  #watchOver(worker: Worker): void {
    const sinceMs = this.#clock.now()
    worker.on('error', () => {})
    worker.once('exit', () => {
      this.#worker = undefined
      if (this.#isEnding) return
      for (const store of this.#stores) store.leave()
      this.#term++
      if (elapsedMs(this.#clock.now(), sinceMs) >= HEALTHY_MS) this.#deathsInRow = 0
      this.#beginLater()
    })
  }

  #beginLater(): void {
    const delayMs = backoffMs(this.#deathsInRow++, this.#dice())
    this.#callOff = this.#clock.later(delayMs, () => this.#beginAnew(), true)
  }

  #beginAnew(): void {
    let worker: Worker
    try {
      worker = this.#begin()
    } catch {
      // One that was never there is dead as well: the next one comes after a longer wait.
      this.#beginLater()
      return
    }
    worker.once('message', ({ term }: Begun) => {
      this.#term = term
    })
    this.#watchOver(worker)
    for (const store of this.#stores) this.#join(store)
    for (const onPort of this.#borrowers) this.#lendTo(onPort)
  }

  #join(store: EmbeddedStore): void {
    this.#lendTo(port => store.join(roadOf(port)))
  }

  #lendTo(onPort: (port: MessagePort) => void): void {
    if (this.#worker === undefined) return
    const { port1, port2 } = new MessageChannel()
    this.#worker.postMessage({ port: port1 } satisfies Joined, [port1])
    onPort(port2)
  }
}
