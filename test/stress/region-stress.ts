import { Worker } from 'node:worker_threads'
import { handleOf, type Region } from '../../engine/memory/region.ts'
import { freeSeat, seatsOfThread } from '../../engine/memory/seats.ts'
import { below, type Dice } from '../../engine/policies/dice.ts'
import { eventually } from '../support/eventually.ts'

/** The counter that says to stop, in the counters of every such stress. */
export const STOP = 0

/** Threads at a region, each in a role of its module, and what they count together. A seat is given back when its thread ends. */
export class RegionStress<Role extends string> {
  readonly #module: URL
  protected readonly region: Region
  readonly #counters: Int32Array
  readonly #threads = new Set<Promise<unknown>>()

  constructor(module: URL, region: Region, counters: number) {
    this.#module = module
    this.region = region
    this.#counters = new Int32Array(new SharedArrayBuffer(counters * 4))
  }

  start(role: Role): Worker {
    const workerData = { role, handle: handleOf(this.region), counters: this.#counters.buffer }
    const worker = new Worker(this.#module, { workerData })
    const { threadId } = worker
    const ended = new Promise<void>((resolve, reject) => {
      worker.once('error', reject)
      worker.once('exit', () => {
        for (const seat of seatsOfThread(this.region, threadId)) this.giveBack(seat)
        resolve()
      })
    })
    this.#threads.add(ended)
    return worker
  }

  count(counter: number): number {
    return Atomics.load(this.#counters, counter)
  }

  /** Once a writer has published, which `counter` counts, ends it in the middle of whatever it does and puts another in its place. */
  async replace(writer: Worker, role: Role, counter: number, dice: Dice): Promise<Worker> {
    const seen = this.count(counter)
    await eventually('the new writer publishes', () => this.count(counter) > seen)
    await new Promise(resolve => setTimeout(resolve, below(dice(), 40)))
    await writer.terminate()
    return this.start(role)
  }

  /** What box.watch does when a thread has ended. */
  protected giveBack(seat: number): void {
    freeSeat(this.region, seat)
  }

  /** Tells all threads to stop and waits for the end of each. */
  async stop(): Promise<void> {
    Atomics.store(this.#counters, STOP, 1)
    await Promise.all(this.#threads)
  }
}
