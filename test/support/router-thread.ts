import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Order } from './router-worker.ts'

/** A thread that routes 'api', as seen from the test: see router-worker.ts. */
export class RouterThread {
  readonly worker: Worker
  readonly exited: Promise<unknown>

  private constructor(worker: Worker) {
    this.worker = worker
    this.exited = new Promise(resolve => worker.once('exit', resolve))
  }

  /** Starts it and waits until it has attached. Without a handle it looks into its environment data. */
  static async start(handle?: unknown): Promise<RouterThread> {
    const worker = new Worker(new URL('./router-worker.js', import.meta.url), {
      workerData: handle ?? null,
      stderr: true,
    })
    const thread = new RouterThread(worker)
    await once(worker, 'message')
    return thread
  }

  /** Picks and settles so many times; the ids, null where there was no endpoint. */
  picks(times = 50): Promise<(string | null)[]> {
    return this.#ask({ how: 'pick', times, isHeld: false })
  }

  /** Picks and keeps the requests in flight. */
  hold(times: number): Promise<(string | null)[]> {
    return this.#ask({ how: 'pick', times, isHeld: true })
  }

  /** Settles all that is held. */
  async settle(): Promise<void> {
    await this.#ask({ how: 'settle' })
  }

  /** Ends it in one of the ways a thread may end. */
  async end(how: 'throw' | 'exit' | 'return' | 'terminate'): Promise<void> {
    this.worker.on('error', () => {})
    if (how === 'terminate') await this.worker.terminate()
    else this.worker.postMessage({ how } satisfies Order)
    await this.exited
  }

  async #ask(order: Order): Promise<(string | null)[]> {
    this.worker.postMessage(order)
    const [ids] = (await once(this.worker, 'message')) as [(string | null)[]]
    return ids
  }
}
