import { closeSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Box } from '../box/box.ts'
import { type ErrorCode, SignalboxError } from '../errors.ts'
import { accessOf } from './access-log.ts'
import { createDurations, type Requests, readDurations } from './durations.ts'
import { canReusePort, describeListenError, listen } from './listen.ts'
import type { BoundAddress, ListenPlan, ThreadPlan } from './plan.ts'
import { ListenFailure, ThreadKeeper, type ThreadStatus } from './thread-keeper.ts'
import { loadTracing } from './tracing.ts'
import { type InheritedListener, tellParentReady } from './under-parent.ts'

export interface ProxyOptions {
  /** Listening descriptors from a parent process, see parent.ts; without them the threads bind config.listen themselves. */
  listeners?: InheritedListener[]
  /**
   * Takes lines of the access log, whole ones, JSON with a newline each. Without it none are made, whatever
   * config.log.access says. While a promise it returned is pending its text counts as not taken; a few MiB behind, lines are dropped and
   * counted.
   */
  onAccessLines?: (lines: string) => unknown
  /** Closes the proxy when aborted. */
  signal?: AbortSignal
}

/** Time in-flight requests have to finish where drain is not told another, in ms. */
const DRAIN_MS = 30_000

/**
 * Listens on config.listen with config.workers threads and routes what comes. Resolves when every thread listens. Like a
 * listening server it keeps the process alive until it is drained or closed; the box must outlive it.
 *
 * Throws SBX_LISTEN_FAILED, SBX_TRACE_UNAVAILABLE.
 */
export async function startProxy(box: Box, options: ProxyOptions = {}): Promise<RunningProxy> {
  options.signal?.throwIfAborted()
  // Here rather than in the threads, where it would be a death.
  if (box.config.trace) await loadTracing()
  const proxy = new RunningProxy(box, options)
  try {
    await proxy.start()
  } catch (error) {
    await proxy.close()
    throw error
  }
  return proxy
}

export class RunningProxy {
  readonly #box: Box
  readonly #options: ProxyOptions
  readonly #keepers: ThreadKeeper[] = []
  /** What the thread of each index measured, through all its lives. */
  readonly #durations: Int32Array[] = []
  /** Descriptors no thread has used yet, by address. */
  readonly #spare: InheritedListener[] | undefined
  readonly #onAbort = () => void this.close()
  #addresses: BoundAddress[] = []
  #isShared = false
  #isEnding = false
  #ending: Promise<void> | undefined

  constructor(box: Box, options: ProxyOptions) {
    this.#box = box
    this.#options = options
    this.#spare = options.listeners?.map(listener => ({ ...listener, fds: [...listener.fds] }))
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Where it listens in fact, in the order of config.listen. */
  get addresses(): BoundAddress[] {
    return this.#addresses.map(at => ({ ...at }))
  }

  /** Its threads as they are now. */
  threads(): ThreadStatus[] {
    return this.#keepers.map(keeper => keeper.status())
  }

  /** How long requests took, by service and class of status, all threads together. */
  requests(): Requests {
    const names = this.#box.attachment.serviceTexts().map(({ text }) => text.name)
    return readDurations(this.#durations, names)
  }

  /** Ends the thread of this index at once, as a crash would; it is brought back. For drills and tests. */
  async kill(index: number): Promise<void> {
    await this.#keepers[index]?.kill()
  }

  /**
   * Stops accepting, finishes what has begun, closes idle connections, and ends all threads. What is still open after
   * `deadlineMs` is cut.
   */
  async drain(deadlineMs = DRAIN_MS): Promise<void> {
    if (this.#ending !== undefined) return this.#ending
    this.#begin()
    await Promise.all(this.#keepers.map(keeper => keeper.drain(deadlineMs)))
    this.#ending ??= Promise.resolve()
  }

  /** Ends all threads at once, with what is open on them. As often as you like. */
  close(): Promise<void> {
    return (this.#ending ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async start(): Promise<void> {
    const wanted = this.#box.config.workers
    await this.#checkFree(wanted)
    const count = this.#threadCount(wanted)
    const addresses = await this.#startThread(0, count, this.#nextListen())
    this.#addresses = addresses
    await Promise.all(Array.from({ length: count - 1 }, (_, i) => this.#startFurther(i + 1, count)))
    if (this.#spare !== undefined) tellParentReady()
  }

  /** How many threads can listen; fewer than wanted are told to the log. */
  #threadCount(wanted: number): number {
    if (this.#spare !== undefined) return Math.min(wanted, ...this.#spare.map(({ fds }) => fds.length))
    if (wanted === 1) return 1
    this.#isShared = canReusePort()
    if (this.#isShared) return wanted
    this.#box.log('warn', 'proxy runs with one thread: this Node cannot share a port between threads by itself', {
      workers: wanted,
      node: process.versions.node,
      wish: 'run "signalbox proxy", or Node 22.12 or newer on Linux',
    })
    return 1
  }

  /**
   * Threads that share a port by binding it each would also share it with a stranger who does the same, and each of us
   * would get half of the other's connections. One plain bind first finds who is there.
   */
  async #checkFree(wanted: number): Promise<void> {
    if (this.#spare !== undefined || wanted === 1 || !canReusePort()) return
    for (const { address, port } of this.#box.config.listen) {
      if (port === 0) continue
      const server = createServer()
      try {
        await listen(server, { address, port, isShared: false })
        await new Promise(resolve => server.close(resolve))
      } catch (error) {
        throw listenError({ address, port }, error)
      }
    }
  }

  /** Whether a port can be shared is known once a second thread has bound it: where it cannot, fewer threads serve. */
  async #startFurther(index: number, count: number): Promise<void> {
    try {
      await this.#startThread(index, count, this.#nextListen())
    } catch (error) {
      if (!this.#isShared) throw error
      const why = (error as Error).message
      this.#box.log('warn', 'proxy runs with fewer threads: the system does not share the port', { index, why })
    }
  }

  async #startThread(index: number, count: number, at: ListenPlan[] | undefined): Promise<BoundAddress[]> {
    const { config, handle, log, attachment } = this.#box
    const plan: Omit<ThreadPlan, 'listen' | 'counters'> = {
      handle,
      limits: config.limits,
      trustedProxies: config.trustedProxies,
      routes: config.routes,
      services: Object.fromEntries(
        Object.entries(config.services).map(([name, { timeouts, retry, policy, limits }]) => [
          name,
          { timeouts, retry, policy, limits },
        ]),
      ),
      durations: (this.#durations[index] = createDurations(attachment.region.layout.services)),
      access: this.#options.onAccessLines === undefined ? undefined : accessOf(config.log.access),
      forwarded: config.forwarded,
      requestId: config.requestId,
      isTracing: config.trace,
    }
    const keeper = new ThreadKeeper(index, plan, Math.ceil(config.limits.connections / count), {
      nextListen: () => this.#nextListen(),
      onGone: (threadId, why) => {
        this.#box.giveBack(threadId)
        if (!this.#isEnding) log('error', 'proxy thread ended', { index, why })
      },
      onLines: text => this.#options.onAccessLines?.(text),
      onStopped: why => log('error', 'proxy thread is not started again', { index, why }),
    })
    this.#keepers[index] = keeper
    try {
      return await keeper.start(at ?? [])
    } catch (error) {
      throw error instanceof ListenFailure ? listenError(error.at, error) : error
    }
  }

  /** Where the next thread listens; undefined when the descriptors are used up. */
  #nextListen(): ListenPlan[] | undefined {
    if (this.#spare === undefined) {
      const known = this.#addresses
      return this.#box.config.listen.map(({ address, port }, i) => ({
        address,
        port: known[i]?.port ?? port,
        isShared: this.#isShared,
      }))
    }
    if (this.#spare.some(({ fds }) => fds.length === 0)) return undefined
    return this.#spare.map(({ address, port, fds }) => ({ address, port, fd: fds.shift(), isShared: false }))
  }

  #begin(): void {
    this.#isEnding = true
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    // A duplicate that is still open would keep the port listening with nobody to accept.
    for (const { fds } of this.#spare ?? []) for (const fd of fds.splice(0)) closeQuietly(fd)
  }

  async #close(): Promise<void> {
    this.#begin()
    await Promise.all(this.#keepers.map(keeper => keeper.close()))
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // It was closed by who passed it.
  }
}

function listenError(at: BoundAddress, cause: unknown): SignalboxError {
  const { code, message } = cause as NodeJS.ErrnoException
  const failed: ErrorCode = 'SBX_LISTEN_FAILED'
  return new SignalboxError(failed, describeListenError(at, code ?? '', message), { cause })
}
