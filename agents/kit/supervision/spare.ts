import { AgentWorker } from './worker.ts'

/** Keeps one thread ready that has loaded what agents need, so that a start only has to start them. */
export class Spare {
  readonly #modules: readonly string[]
  readonly #heapMib: number
  #worker: AgentWorker | undefined
  #isClosed = false

  constructor(modules: readonly string[], heapMib: number) {
    this.#modules = modules
    this.#heapMib = heapMib
  }

  /** Makes one ready unless there is one. It keeps no process alive. */
  prepare(): void {
    if (this.#isClosed || (this.#worker !== undefined && !this.#worker.isGone)) return
    this.#worker = new AgentWorker('spare', this.#heapMib, { modules: this.#modules })
    this.#worker.release()
  }

  /** The one that is ready, or is about to be: what it is told waits for it. */
  take(): AgentWorker | undefined {
    const worker = this.#worker
    this.#worker = undefined
    return worker?.isGone === false ? worker : undefined
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.take()
    worker?.terminate()
    await worker?.gone
  }
}
