import type { Worker } from 'node:worker_threads'
import type {
  BoundAddress,
  FixedPlan,
  FromThread,
  ListenPlan,
  RulesPlan,
  ThreadPlan,
  TlsMaterial,
  ToThread,
} from '../plan.ts'
import { type Counts, createCounters, OPEN_CONNECTIONS, readCounters } from '../telling/counters.ts'
import { startThread } from './warm-thread.ts'

/** A thread that died is started again after this, doubled for each further death in a row … */
const BACK_OFF_MS = 50
/** … up to this. */
const BACK_OFF_MS_MAX = 5000
/** Of which up to so much is added or taken off at random: threads that died together do not come back together. */
const JITTER = 0.2
/** A thread that served this long has recovered: its next death is a first one again. */
const RECOVERED_MS = 10_000
/** What a drained thread may take to end by itself before it is ended, in ms. */
const ENDING_MS = 1000

/** A thread that has not taken other rules by then stands still, in ms; it takes them when it turns again. */
const RULING_MS_MAX = 10_000

/** A proxy thread as it is now. */
export interface ThreadStatus extends Counts {
  index: number
  /** −1 while there is none. */
  threadId: number
  state: 'starting' | 'serving' | 'restarting' | 'draining' | 'stopped'
  restarts: number
  /** Why the last one ended, if it ended by itself. */
  lastError: string | null
}

export interface KeeperLinks {
  /** Where the next start listens; undefined when there are no descriptors left for another start. */
  readonly nextListen: () => ListenPlan[] | undefined
  readonly onGone: (threadId: number, why: string) => void
  readonly onLines: (lines: Uint8Array) => unknown
  readonly onStopped: (why: string) => void
}

export class ListenFailure extends Error {
  readonly code: string
  readonly at: BoundAddress

  constructor(code: string, at: BoundAddress, message: string) {
    super(message)
    this.code = code
    this.at = at
  }
}

/** Keeps one proxy thread: starts it, starts it again when it dies, drains it, ends it. */
export class ThreadKeeper {
  readonly index: number
  readonly #fixed: FixedPlan
  readonly #links: KeeperLinks
  readonly #counters = createCounters()
  #worker: Worker | undefined
  #threadId = -1
  #state: ThreadStatus['state'] = 'stopped'
  #restarts = 0
  #lastError: string | null = null
  #deaths = 0
  /** What a thread that is started is given. */
  #rules: RulesPlan
  #turn = 0
  readonly #ruled = new Map<number, () => void>()
  #isLeaving = false
  #isEnding = false
  #again: NodeJS.Timeout | undefined
  #gone: Promise<void> = Promise.resolve()

  constructor(index: number, fixed: FixedPlan, rules: RulesPlan, links: KeeperLinks) {
    this.index = index
    this.#fixed = fixed
    this.#rules = rules
    this.#links = links
  }

  status(): ThreadStatus {
    return {
      index: this.index,
      threadId: this.#threadId,
      state: this.#state,
      restarts: this.#restarts,
      lastError: this.#lastError,
      ...readCounters(this.#counters),
    }
  }

  /** Starts the thread; resolves with the addresses it listens on. Rejects with ListenFailure, or with what killed it. */
  start(listen: ListenPlan[]): Promise<BoundAddress[]> {
    this.#state = this.#restarts === 0 ? 'starting' : 'restarting'
    const plan: ThreadPlan = { ...this.#rules, ...this.#fixed, listen, counters: this.#counters }
    const worker = startThread(`signalbox-proxy-${this.index}`, plan)
    const { threadId } = worker
    this.#worker = worker
    this.#threadId = threadId
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      let fault: Error | undefined
      worker.on('error', error => {
        fault = error
      })
      worker.on('message', (message: FromThread) => {
        if (message.type === 'lines') return this.#takeLines(worker, message.lines)
        if (message.type === 'listening') {
          this.#state = this.#isEnding ? 'draining' : 'serving'
          if (this.#isLeaving) this.#tell({ type: 'leave' })
          resolve(message.addresses)
        } else if (message.type === 'ruled') {
          this.#ruled.get(message.turn)?.()
        } else if (message.type === 'failed') {
          const { code, address, port } = message
          fault = new ListenFailure(code, { address, port }, message.message)
          void worker.terminate()
        }
      })
      this.#gone = new Promise(gone => {
        worker.once('exit', code => {
          const why = fault?.message ?? `it ended with code ${code}`
          if (performance.now() - startedAt > RECOVERED_MS) this.#deaths = 0
          this.#worker = undefined
          this.#threadId = -1
          // It did not live to count them down.
          this.#counters[OPEN_CONNECTIONS] = 0
          // The next one starts with the newest rules.
          for (const done of this.#ruled.values()) done()
          this.#links.onGone(threadId, why)
          const wasServing = this.#state === 'serving'
          reject(fault ?? new Error(`the thread ended with code ${code} before it listened`))
          if (this.#isEnding) this.#state = 'stopped'
          else this.#onDeath(why, wasServing)
          gone()
        })
      })
    })
  }

  /** Gives the thread, and those that are started after it, other rules. Resolves when requests follow them; false: it stands still. */
  rule(rules: RulesPlan): Promise<boolean> {
    this.#rules = rules
    if (this.#worker === undefined) return Promise.resolve(true)
    const turn = ++this.#turn
    this.#tell({ type: 'rules', plan: rules, turn })
    return new Promise(resolve => {
      const end = (isRuled: boolean): void => {
        clearTimeout(timer)
        this.#ruled.delete(turn)
        resolve(isRuled)
      }
      const timer = setTimeout(() => end(false), RULING_MS_MAX)
      this.#ruled.set(turn, () => end(true))
    })
  }

  /** Serves on, and has each connection close after its response: the end is near. */
  leave(): void {
    this.#isLeaving = true
    this.#tell({ type: 'leave' })
  }

  /** Shows these certificates from the next handshake on; a thread that starts later is started with them. */
  showCertificates(listeners: (TlsMaterial | undefined)[]): void {
    this.#tell({ type: 'certificates', listeners })
  }

  /** Dies as by a crash; for drills and tests. */
  async kill(): Promise<void> {
    if (this.#worker !== undefined) await this.#end(this.#worker, { type: 'crash' }, 0)
  }

  /** Finishes what has begun, within `deadlineMs`, and ends the thread. */
  async drain(deadlineMs: number): Promise<void> {
    this.#beginEnd()
    const worker = this.#worker
    if (worker === undefined) return
    this.#state = 'draining'
    await this.#end(worker, { type: 'drain', deadlineMs }, deadlineMs)
  }

  /** Ends the thread at once. */
  async close(): Promise<void> {
    this.#beginEnd()
    if (this.#worker !== undefined) await this.#end(this.#worker, { type: 'drain', deadlineMs: 0 }, 0)
    await this.#gone
  }

  /** Has it end by itself, and ends it where it does not: terminated in the middle of HTTP/2 it could take the process along, see crash.ts. */
  async #end(worker: Worker, by: ToThread, deadlineMs: number): Promise<void> {
    this.#tell(by)
    const timer = setTimeout(() => void worker.terminate(), deadlineMs + ENDING_MS)
    await this.#gone
    clearTimeout(timer)
  }

  #tell(message: ToThread): void {
    this.#worker?.postMessage(message)
  }

  #beginEnd(): void {
    this.#isEnding = true
    clearTimeout(this.#again)
    if (this.#worker === undefined) this.#state = 'stopped'
  }

  /** One that never served is not brought back by itself: who called start decides. */
  #onDeath(why: string, wasServing: boolean): void {
    this.#lastError = why
    if (!wasServing && this.#restarts === 0) {
      this.#state = 'stopped'
      return
    }
    this.#state = 'restarting'
    const whole = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS * 2 ** this.#deaths++)
    const delay = whole * (1 + (Math.random() * 2 - 1) * JITTER)
    this.#again = setTimeout(() => this.#restart(), delay)
  }

  #restart(): void {
    const listen = this.#links.nextListen()
    if (listen === undefined) {
      this.#state = 'stopped'
      this.#links.onStopped('there is no listening descriptor left for another start')
      return
    }
    this.#restarts++
    this.start(listen).catch(() => {})
  }

  #takeLines(worker: Worker, lines: Uint8Array): void {
    const bytes = lines.byteLength
    const taken = (): void => worker.postMessage({ type: 'written', bytes } satisfies ToThread)
    const waiting = this.#links.onLines(lines)
    if (waiting instanceof Promise) void waiting.then(taken, taken)
    else taken()
  }
}
