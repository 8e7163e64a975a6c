import { extname } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { inheritedOptions } from '../../engine/writer.ts'
import type { Order, Report, SpareStart, ThreadStart } from './orders.ts'

/** Old space of one thread of agents: far above what bounded collections need, far below what hurts the process. */
const HEAP_MB_MAX = 128

/** The module that runs inside every thread of agents; beside this one in the build as in the sources. */
const THREAD = new URL(`../thread${extname(import.meta.url)}`, import.meta.url)

export interface WorkerEvents {
  onReport(report: Report): void
  /** Once, when the thread is gone. `fault` is what it threw, if it threw. */
  onExit(code: number, fault: Error | undefined): void
}

/**
 * One thread of agents, as the supervisor sees it. While it starts or stops it keeps the process alive, so that
 * whoever awaits that gets an answer; in between it does not.
 */
export class AgentWorker {
  readonly threadId: number
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>
  isGone = false
  readonly #worker: Worker
  #events: WorkerEvents | undefined

  /** Without events it is a spare: see `host`. */
  constructor(name: string, start: ThreadStart | SpareStart, events?: WorkerEvents) {
    this.#events = events
    this.#worker = new Worker(THREAD, {
      name: `signalbox:${name}`,
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
      ...inheritedOptions(),
    })
    this.threadId = this.#worker.threadId
    let fault: Error | undefined
    this.#worker.on('message', (report: Report) => this.#events?.onReport(report))
    this.#worker.on('messageerror', error => (fault ??= error))
    this.#worker.on('error', error => (fault ??= error instanceof Error ? error : new Error(String(error))))
    this.gone = new Promise(resolve =>
      this.#worker.once('exit', code => {
        this.isGone = true
        this.#events?.onExit(code, fault)
        resolve()
      }),
    )
  }

  /** Has a spare run agents. */
  host(start: ThreadStart, events: WorkerEvents): void {
    this.#events = events
    this.#worker.ref()
    this.#send({ order: 'host', start })
  }

  /** Lets the process end although this thread runs. */
  release(): void {
    this.#worker.unref()
  }

  /** Gives both threads a port to each other. */
  link(name: string, other: AgentWorker, otherName: string): void {
    const { port1, port2 } = new MessageChannel()
    this.#send({ order: 'link', peer: otherName, port: port1 })
    other.#send({ order: 'link', peer: name, port: port2 })
  }

  /** Hands the thread another config. */
  reload(config: ThreadStart['config']): void {
    this.#send({ order: 'reload', config })
  }

  /** Tells its agents that the one they belong to is down. */
  orphan(parent: string): void {
    this.#send({ order: 'orphan', parent })
  }

  /** Asks the thread to end. */
  stop(): void {
    this.#worker.ref()
    this.#send({ order: 'stop' })
  }

  /** Ends the thread wherever it is, even in a loop without end. */
  terminate(): void {
    if (this.isGone) return
    this.#worker.ref()
    void this.#worker.terminate()
  }

  #send(order: Order): void {
    this.#worker.postMessage(order, order.order === 'link' ? [order.port] : [])
  }
}
