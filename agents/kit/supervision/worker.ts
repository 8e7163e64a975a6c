import { extname } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { type AgentDeadLetters, inheritedOptions } from '../../../engine/writer.ts'
import type { ConfigInForce } from '../grammar/agent.ts'
import type { Signal } from '../grammar/signal.ts'
import { type Delivery, SILENT } from '../run/delivery.ts'
import type { Order, Report, SpareStart, ThreadStart } from './orders.ts'

/**
 * Old space that one thread of agents may have, in MiB: far above what bounded collections need, far below what hurts the process. What
 * agents remember of an endpoint, each its own, is about 20 KiB when all of it is at its bound; there are rows for three times as many
 * endpoints as a config names, and a heap with as much garbage as there is life in it is healthy.
 */
export function heapMib(rows: number): number {
  return 128 + Math.ceil(rows / 64)
}

/** The module that runs inside every thread of agents; beside this one in the build as in the sources. */
const THREAD = new URL(`../../thread${extname(import.meta.url)}`, import.meta.url)

/** A thread that turns answers within some ms; one that has not by then is busy with one decision, without a core, or hangs. */
const ANSWER_MS_MAX = 1_000

export interface WorkerEvents {
  onReport(report: Report): void
  /** What it said cannot be read: it is not to be relied on any more. */
  onGarbled(error: Error): void
  /** Once, when the thread is gone. `fault` is what it threw, if it threw. */
  onExit(code: number, fault: Error | undefined): void
}

/**
 * One thread of agents, as the supervisor sees it. While it starts or stops it keeps the process alive, so that
 * whoever awaits that gets an answer; in between it does not.
 */
export class AgentWorker {
  /** -1: there never was a thread. */
  readonly threadId: number
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>
  isGone: boolean
  /** Undefined: it could not be created. */
  readonly #worker: Worker | undefined
  readonly #asked = new Map<number, (answer: unknown) => void>()
  #asks = 0
  #events: WorkerEvents | undefined

  /**
   * Without events it is a spare: see `host`. Where the system has no room for another thread it is gone from the start, and that is an
   * exit with a fault as any other, after this returns.
   */
  constructor(name: string, heapMib: number, start: ThreadStart | SpareStart, events?: WorkerEvents) {
    this.#events = events
    let fault: Error | undefined
    const fail = (error: unknown): void => void (fault ??= error instanceof Error ? error : new Error(String(error)))
    const worker = created(name, heapMib, start, fail)
    this.#worker = worker
    this.threadId = worker?.threadId ?? -1
    this.isGone = worker === undefined
    worker?.on('message', (report: Report) => {
      if (report.report === 'answer') this.#answer(report.ask, report.answer)
      else this.#events?.onReport(report)
    })
    worker?.on('messageerror', error => this.#events?.onGarbled(error))
    worker?.on('error', fail)
    this.gone = new Promise(resolve => {
      const onExit = (code: number): void => {
        this.isGone = true
        for (const ask of this.#asked.keys()) this.#answer(ask, undefined)
        this.#events?.onExit(code, fault)
        resolve()
      }
      if (worker === undefined) queueMicrotask(() => onExit(1))
      else worker.once('exit', onExit)
    })
  }

  /** Has a spare run agents. */
  host(start: ThreadStart, events: WorkerEvents): void {
    this.#events = events
    this.#worker?.ref()
    this.#send({ order: 'host', start })
  }

  /** Lets the process end although this thread runs. */
  release(): void {
    this.#worker?.unref()
  }

  /** Gives both threads a port to each other. */
  link(name: string, other: AgentWorker, otherName: string): void {
    const { port1, port2 } = new MessageChannel()
    this.#send({ order: 'link', peer: otherName, port: port1 })
    other.#send({ order: 'link', peer: name, port: port2 })
  }

  /** Gives the thread a way to the sequencer. */
  lend(port: MessagePort): void {
    this.#send({ order: 'store', port })
  }

  /** Hands the thread another config. */
  reload(inForce: ConfigInForce): void {
    this.#send({ order: 'reload', inForce })
  }

  /** Tells its agents that the one they belong to is down. */
  orphan(parent: string): void {
    this.#send({ order: 'orphan', parent })
  }

  /** Has the thread hear something, and resolves with what became of it, or that it has not said so in time. */
  async hear(signal: Signal): Promise<Delivery> {
    return ((await this.#ask(ask => ({ order: 'hear', ask, signal }))) as Delivery | undefined) ?? SILENT
  }

  /** What did not arrive at its agents; nothing where it does not say so in time. */
  async deadLetters(): Promise<AgentDeadLetters[]> {
    return ((await this.#ask(ask => ({ order: 'letters', ask }))) as AgentDeadLetters[] | undefined) ?? []
  }

  /** Gives dead letters another try, and resolves with how many. */
  async redrive(agent: string | undefined): Promise<number> {
    return ((await this.#ask(ask => ({ order: 'redrive', ask, agent }))) as number | undefined) ?? 0
  }

  /** Asks the thread to end. */
  stop(): void {
    this.#worker?.ref()
    this.#send({ order: 'stop' })
  }

  /** Ends the thread wherever it is, even in a loop without end. */
  terminate(): void {
    if (this.isGone) return
    this.#worker?.ref()
    void this.#worker?.terminate()
  }

  /** Undefined: it has gone, or does not turn. */
  #ask(order: (ask: number) => Order): Promise<unknown> {
    if (this.isGone) return Promise.resolve(undefined)
    const ask = ++this.#asks
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#answer(ask, undefined), ANSWER_MS_MAX)
      this.#asked.set(ask, answer => {
        clearTimeout(timer)
        resolve(answer)
      })
      this.#send(order(ask))
    })
  }

  #answer(ask: number, answer: unknown): void {
    const onAnswer = this.#asked.get(ask)
    this.#asked.delete(ask)
    onAnswer?.(answer)
  }

  #send(order: Order): void {
    if (this.#worker !== undefined) this.#worker.postMessage(order, 'port' in order ? [order.port] : [])
    else if ('port' in order) order.port.close()
  }
}

/** A thread; undefined where there is no room for another one, which Node says by throwing. */
function created(
  name: string,
  heapMib: number,
  start: ThreadStart | SpareStart,
  onFault: (error: unknown) => void,
): Worker | undefined {
  try {
    return new Worker(THREAD, {
      name: `signalbox:${name}`,
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: heapMib },
      ...inheritedOptions(),
    })
  } catch (error) {
    onFault(error)
    return undefined
  }
}
