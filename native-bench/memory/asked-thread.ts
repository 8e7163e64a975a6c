import { type TransferListItem, Worker } from 'node:worker_threads'

/** No order takes nearly as long, in ms: a thread that has not answered by then never will. */
const PATIENCE_MS = 60_000

/**
 * A thread that does what it is told, one order after the other, and answers with messages. It is started once, so that a turn is no more than
 * what is timed, and says that it is there by its first message.
 */
export class AskedThread<Order, Answer> {
  readonly #worker: Worker
  readonly #answers: Answer[] = []
  /** Whoever waits for an answer. */
  #onNews = (): void => {}
  #fault: Error | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (answer: Answer) => {
      this.#answers.push(answer)
      this.#onNews()
    })
    worker.on('error', error => this.#fail(error))
    worker.on('exit', () => this.#fail(new Error('Cannot measure: a thread ended before it had answered')))
  }

  static async start<Order, Answer>(
    file: URL,
    workerData: unknown,
    transferList: readonly TransferListItem[] = [],
  ): Promise<AskedThread<Order, Answer>> {
    const worker = new Worker(file, { workerData, transferList: [...transferList] })
    const thread = new AskedThread<Order, Answer>(worker)
    try {
      await thread.answer()
    } catch (error) {
      await thread.close()
      throw error
    }
    return thread
  }

  tell(order: Order): void {
    this.#worker.postMessage(order)
  }

  /** Its next answer, in the order they came. One at a time waits for one. */
  async answer(): Promise<Answer> {
    if (this.#answers.length === 0 && this.#fault === undefined) {
      const late = new Error(`Cannot measure: a thread has not answered for ${PATIENCE_MS} ms`)
      const timer = setTimeout(() => this.#fail(late), PATIENCE_MS)
      await new Promise<void>(resolve => {
        this.#onNews = resolve
      })
      clearTimeout(timer)
    }
    if (this.#answers.length === 0) throw this.#fault
    return this.#answers.shift()!
  }

  async ask(order: Order): Promise<Answer> {
    this.tell(order)
    return this.answer()
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    this.#fault ??= error
    this.#onNews()
  }
}
