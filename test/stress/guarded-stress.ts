import { Worker } from 'node:worker_threads'
import { handleOf } from '../../engine/memory/region.ts'
import type { TinyWorld } from '../support/tiny-world.ts'
import { COUNTERS, type Part, type Role, STOP } from './guarded-thread.ts'

/** Threads at the service of a tiny world, and what they count together. */
export class GuardedStress {
  readonly counters = new Int32Array(new SharedArrayBuffer(COUNTERS * 4))
  readonly marks: Int32Array
  readonly #world: TinyWorld
  readonly #most: Pick<Part, 'endpointMost' | 'serviceMost'>
  readonly #ends: Promise<void>[] = []

  constructor(world: TinyWorld, most = { endpointMost: 0, serviceMost: 0 }) {
    this.#world = world
    this.#most = most
    this.marks = new Int32Array(new SharedArrayBuffer(world.region.layout.rows * 4))
  }

  start(role: Role, threads: number): void {
    for (let n = 0; n < threads; n++) {
      const workerData: Part = {
        role,
        seed: n + 1,
        handle: handleOf(this.#world.region),
        counters: this.counters.buffer as SharedArrayBuffer,
        marks: this.marks.buffer as SharedArrayBuffer,
        ...this.#most,
      }
      const worker = new Worker(new URL('./guarded-thread.js', import.meta.url), { workerData })
      this.#ends.push(
        new Promise<void>((resolve, reject) => {
          worker.once('error', reject)
          worker.once('exit', () => resolve())
        }),
      )
    }
  }

  count(counter: number): number {
    return Atomics.load(this.counters, counter)
  }

  /** Every thread comes to its end: none is in a pick for ever. */
  async stop(): Promise<void> {
    Atomics.store(this.counters, STOP, 1)
    await Promise.all(this.#ends)
  }
}
