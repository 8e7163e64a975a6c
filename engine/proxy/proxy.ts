import { closeSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Box } from '../box/box.ts'
import { isSame } from '../config/changes.ts'
import type { Finding } from '../config/problems.ts'
import type { Config } from '../config/schema.ts'
import { type ErrorCode, SignalboxError } from '../errors.ts'
import { Certificates } from './downstream/certificates.ts'
import type { BoundAddress, ListenPlan, RulesPlan } from './plan.ts'
import { rulesPlanOf } from './rules-plan.ts'
import { createDurations, type Requests, readDurations } from './telling/durations.ts'
import { loadTracing } from './telling/tracing.ts'
import { ACCEPTORS, canReusePort, describeListenError, listen } from './threads/listen.ts'
import { ListenFailure, ThreadKeeper, type ThreadStatus } from './threads/thread-keeper.ts'
import { type InheritedListener, tellParentReady } from './threads/under-parent.ts'

export interface ProxyOptions {
  /** Listening descriptors from a parent process, see parent.ts; without them the threads bind config.listen themselves. */
  listeners?: InheritedListener[]
  /**
   * Takes lines of the access log as bytes of ASCII: whole ones, JSON with a newline each. Without it none are made, whatever
   * config.log.access says. While a promise it returned is pending its bytes count as not taken; a few MiB behind, lines are dropped and
   * counted.
   */
  onAccessLines?: (lines: Uint8Array) => unknown
  /** Closes the proxy when aborted. */
  signal?: AbortSignal
}

/** Threads that are to be started over the life of a process, at least, before each gets more than one duplicate of a descriptor. */
const STARTS = 16

/**
 * Listens on config.listen with config.workers threads and routes what comes. Resolves when every thread listens. Like a
 * listening server it keeps the process alive until it is drained or closed; the box must outlive it. It follows `box.reload`.
 *
 * Throws SBX_LISTEN_FAILED, SBX_CERTIFICATE_INVALID, SBX_TRACE_UNAVAILABLE.
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
  readonly #certificates: Certificates
  /** Descriptors no thread has used yet, by address. */
  readonly #spare: InheritedListener[] | undefined
  readonly #onAbort = () => void this.close()
  #addresses: BoundAddress[] = []
  #isShared = false
  /** Duplicates of a descriptor that each thread gets. */
  #acceptors = 1
  #rules: RulesPlan | undefined
  #unfollow: (() => void) | undefined
  #isEnding = false
  #draining: Promise<void> | undefined
  #ending: Promise<void> | undefined
  #stopWaiting: (() => void) | undefined

  constructor(box: Box, options: ProxyOptions) {
    this.#box = box
    this.#options = options
    this.#certificates = new Certificates(box.config.listen, box.log)
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
   * Reads the files of certificates again, now rather than with the next look at them. Gives back what is wrong with those
   * that are refused: the old ones stay in their place. No connection is cut.
   */
  reloadCertificates(): string[] {
    const faults = this.#certificates.reload()
    this.#showCertificates()
    return faults
  }

  /**
   * Ends in order. For `delayMs` it serves on and has each connection close after its response, so that who balances over it can
   * look elsewhere; then it stops accepting, finishes what has begun, closes idle connections, and ends all threads. What is
   * still open after `deadlineMs` more is cut. Both are those of config.drain where they are not given.
   */
  drain(deadlineMs?: number, delayMs?: number): Promise<void> {
    const { timeout, delay } = this.#box.config.drain
    return this.#ending ?? (this.#draining ??= this.#drain(deadlineMs ?? timeout, delayMs ?? delay))
  }

  async #drain(deadlineMs: number, delayMs: number): Promise<void> {
    if (delayMs > 0) {
      for (const keeper of this.#keepers) keeper.leave()
      await this.#wait(delayMs)
    }
    if (this.#ending !== undefined) return this.#ending
    this.#begin()
    await Promise.all(this.#keepers.map(keeper => keeper.drain(deadlineMs)))
    this.#ending ??= Promise.resolve()
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, delayMs)
      this.#stopWaiting = () => {
        clearTimeout(timer)
        resolve()
      }
    })
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
    this.#rules = this.#rulesOf(this.#box.config, count)
    this.#unfollow = this.#box.follow({
      objections: fixedFaults,
      adopt: config => this.#adopt(config, count),
    })
    const addresses = await this.#startThread(0, this.#nextListen())
    this.#addresses = addresses
    await Promise.all(Array.from({ length: count - 1 }, (_, i) => this.#startFurther(i + 1)))
    this.#certificates.watch(() => this.#showCertificates())
    if (this.#spare !== undefined) tellParentReady()
  }

  /** How many threads can listen; fewer than wanted are told to the log. */
  #threadCount(wanted: number): number {
    if (this.#spare !== undefined) {
      const duplicates = Math.min(...this.#spare.map(({ fds }) => fds.length))
      this.#acceptors = Math.max(1, Math.min(ACCEPTORS, Math.floor(duplicates / STARTS)))
      return Math.min(wanted, duplicates)
    }
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
  async #startFurther(index: number): Promise<void> {
    try {
      await this.#startThread(index, this.#nextListen())
    } catch (error) {
      if (!this.#isShared) throw error
      const why = (error as Error).message
      this.#box.log('warn', 'proxy runs with fewer threads: the system does not share the port', { index, why })
    }
  }

  #rulesOf(config: Config, threads: number): RulesPlan {
    return rulesPlanOf(config, threads, this.#options.onAccessLines !== undefined)
  }

  /** Requests that begin after this resolved follow the config, whichever thread they come to. */
  async #adopt(config: Config, threads: number): Promise<void> {
    // Files that the config names may be others although it says the same.
    this.reloadCertificates()
    const rules = this.#rulesOf(config, threads)
    if (isSame(rules, this.#rules)) return
    this.#rules = rules
    const ruled = await Promise.all(this.#keepers.map(keeper => keeper.rule(rules)))
    const stuck = ruled.flatMap((isRuled, index) => (isRuled ? [] : [index]))
    if (stuck.length > 0)
      this.#box.log('warn', 'proxy threads stand still and have not taken the new config yet', { stuck })
  }

  async #startThread(index: number, at: ListenPlan[] | undefined): Promise<BoundAddress[]> {
    const { config, handle, log, attachment } = this.#box
    const durations = (this.#durations[index] = createDurations(attachment.region.layout.services))
    const keeper = new ThreadKeeper(index, { handle, durations, isTracing: config.trace }, this.#rules as RulesPlan, {
      nextListen: () => this.#nextListen(),
      onGone: (threadId, why) => {
        this.#box.giveBack(threadId)
        if (!this.#isEnding) log('error', 'proxy thread ended', { index, why })
      },
      onLines: lines => this.#options.onAccessLines?.(lines),
      onStopped: why => log('error', 'proxy thread is not started again', { index, why }),
    })
    this.#keepers[index] = keeper
    try {
      return await keeper.start(at ?? [])
    } catch (error) {
      throw error instanceof ListenFailure ? listenError(error.at, error) : error
    }
  }

  #showCertificates(): void {
    const listeners = this.#certificates.materials()
    for (const keeper of this.#keepers) keeper.showCertificates(listeners)
  }

  /** Where the next thread listens, and what it shows there; undefined when the descriptors are used up. */
  #nextListen(): ListenPlan[] | undefined {
    const tls = this.#certificates.materials()
    const door = (i: number): Pick<ListenPlan, 'tls' | 'proxyProtocol'> => ({
      ...(tls[i] !== undefined && { tls: tls[i] }),
      proxyProtocol: this.#box.config.listen[i].proxyProtocol,
    })
    if (this.#spare === undefined) {
      const known = this.#addresses
      return this.#box.config.listen.map(({ address, port }, i) => ({
        address,
        port: known[i]?.port ?? port,
        isShared: this.#isShared,
        ...door(i),
      }))
    }
    if (this.#spare.some(({ fds }) => fds.length === 0)) return undefined
    return this.#spare.map(({ address, port, fds }, i) => ({
      ...{ address, port, fds: fds.splice(0, this.#acceptors), isShared: false },
      ...door(i),
    }))
  }

  #begin(): void {
    this.#isEnding = true
    this.#unfollow?.()
    this.#stopWaiting?.()
    this.#certificates.close()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    // A duplicate that is still open would keep the port listening with nobody to accept.
    for (const { fds } of this.#spare ?? []) for (const fd of fds.splice(0)) closeQuietly(fd)
  }

  async #close(): Promise<void> {
    this.#begin()
    await Promise.all(this.#keepers.map(keeper => keeper.close()))
  }
}

/** Sockets and threads are made once. */
function fixedFaults(now: Config, next: Config): Finding[] {
  const findings: Finding[] = []
  const fixed = (key: 'listen' | 'workers' | 'trace', what: string): void => {
    if (!isSame(now[key], next[key]))
      findings.push({ path: [key], message: `${what} while it runs; restart it to change that` })
  }
  fixed('listen', 'the proxy keeps the addresses it listens on')
  fixed('workers', 'the proxy keeps its threads')
  fixed('trace', 'the proxy traces or does not trace')
  return findings
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
