import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Config } from '../../config/schema.ts'
import { SignalboxError } from '../../errors.ts'
import type { BoundAddress } from '../plan.ts'
import type { Held } from './hold.ts'
import { describeListenError } from './listen.ts'
import { type FromEngine, type FromParent, type InheritedListener, LISTENERS_VARIABLE } from './under-parent.ts'

/**
 * The small process above the engine. It binds every address once, starts the engine with duplicates of the descriptors,
 * and starts it again when it dies; meanwhile new connections wait in the queue of a socket that never closed.
 *
 *   parent ── bind, listen, never accept ──▶ fd ══ N duplicates ══▶ engine ──▶ some duplicates a thread
 *          ── SIGTERM, SIGINT, SIGHUP ─────────────────────────────▶
 *          ◀─ ready · exit code ────────────────────────────────────
 *          ◀─ the config in force ──── asked for by the next engine ▶
 *
 * The descriptors come after standard input, output and error: address a, duplicate d is 3 + a × duplicates + d.
 */

/** Duplicates for each address where the caller does not say: threads, and a good many restarts of them, with ACCEPTORS each. */
const DUPLICATES = 256
const FIRST_FD = 3

/** An engine that died is started again at once; one that dies again soon, after this, in ms, doubled for each death in a row … */
const BACK_OFF_MS = 100
/** … up to this. */
const BACK_OFF_MS_MAX = 5000
/** An engine that ran this long has recovered: its next death is a first one again. */
const RECOVERED_MS = 30_000

/** Exit code of "what was asked for cannot be done as written": another start would read the same. */
const EXIT_CONFIG = 2

export interface ParentOptions {
  /** The engine's script and arguments, as for execPath. */
  args: string[]
  /** The program that runs them; default: this Node. */
  execPath?: string
  listen: BoundAddress[]
  /** Threads that can be started on each address over the life of one engine. */
  duplicates?: number
  /** Further environment of the engine. */
  env?: NodeJS.ProcessEnv
  /** Told of deaths and restarts of the engine. */
  /** Told of each config the engine takes. */
  onConfig?: (config: Config) => void
  log?: (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void
}

/**
 * Runs an engine under this process and resolves with the exit code to end with, once the engine has ended for good: by
 * its own decision, or because SIGTERM or SIGINT was passed on to it. A second one kills it. Handles SIGTERM, SIGINT and
 * SIGHUP of this process as long as it runs.
 *
 * Throws SBX_LISTEN_FAILED.
 */
export async function runUnderParent(options: ParentOptions): Promise<number> {
  const holder = await holdAddresses(options.listen)
  const engine = new EngineKeeper(options, holder)
  try {
    return await engine.run()
  } finally {
    await holder.release()
  }
}

interface Holder {
  readonly sockets: readonly { address: string; port: number; fd: number }[]
  /** Closes the descriptors here; the duplicates stay. */
  release(): Promise<unknown>
}

async function holdAddresses(listen: BoundAddress[]): Promise<Holder> {
  const worker = new Worker(new URL('./hold.js', import.meta.url), { name: 'signalbox-hold', workerData: listen })
  const [held] = (await once(worker, 'message')) as [Held]
  if (held.type === 'held') return { sockets: held.sockets, release: () => worker.terminate() }
  await worker.terminate()
  throw new SignalboxError('SBX_LISTEN_FAILED', describeListenError(held, held.code, held.message))
}

class EngineKeeper {
  readonly #options: ParentOptions
  readonly #holder: Holder
  #child: ChildProcess | undefined
  #asked: NodeJS.Signals | undefined
  #isReady = false
  /** The one in force: an engine that is started again begins with it, whatever the file says by now. */
  #config: Config | undefined
  /** A reload was asked for while no engine listened to that. */
  #isReloadDue = false
  #wakeUp: (() => void) | undefined

  constructor(options: ParentOptions, holder: Holder) {
    this.#options = options
    this.#holder = holder
  }

  async run(): Promise<number> {
    process.on('SIGTERM', this.#onStop)
    process.on('SIGINT', this.#onStop)
    process.on('SIGHUP', this.#onReload)
    try {
      let deaths = 0
      for (;;) {
        const startedAt = performance.now()
        const { code, signal } = await this.#once()
        if (this.#isFinal(code)) return code ?? exitCodeOf(signal)
        if (performance.now() - startedAt > RECOVERED_MS) deaths = 0
        const delayMs = deaths === 0 ? 0 : Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS * 2 ** (deaths - 1))
        deaths++
        this.#options.log?.('error', 'the engine died and is started again', { code, signal, delayMs })
        await this.#rest(delayMs)
        if (this.#asked !== undefined) return 0
      }
    } finally {
      process.off('SIGTERM', this.#onStop)
      process.off('SIGINT', this.#onStop)
      process.off('SIGHUP', this.#onReload)
    }
  }

  /** Asked to end, ended in order, refused its config, or never came up in the first place. */
  #isFinal(code: number | null): boolean {
    return this.#asked !== undefined || code === 0 || code === EXIT_CONFIG || !this.#isReady
  }

  async #once(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const { args, execPath = process.execPath, duplicates = DUPLICATES, env } = this.#options
    const { sockets } = this.#holder
    const listeners: InheritedListener[] = sockets.map(({ address, port }, i) => ({
      address,
      port,
      fds: Array.from({ length: duplicates }, (_, d) => FIRST_FD + i * duplicates + d),
    }))
    const child = spawn(execPath, args, {
      // A group of its own: Ctrl-C reaches us alone, and the engine hears of it once.
      detached: true,
      stdio: ['inherit', 'inherit', 'inherit', ...sockets.flatMap(({ fd }) => Array(duplicates).fill(fd)), 'ipc'],
      env: { ...process.env, ...env, [LISTENERS_VARIABLE]: JSON.stringify(listeners) },
    })
    this.#child = child
    let isListening = false
    this.#reload = () => {
      if (isListening) child.kill('SIGHUP')
      else this.#isReloadDue = true
    }
    child.on('message', (message: FromEngine | null) => {
      switch (message?.signalbox) {
        case 'ask-config':
          child.send({ signalbox: 'config', config: this.#config ?? null } satisfies FromParent)
          break
        case 'config':
          this.#config = message.config
          this.#options.onConfig?.(message.config)
          break
        case 'ready':
          this.#isReady = true
          isListening = true
          if (this.#isReloadDue) child.kill('SIGHUP')
          this.#isReloadDue = false
      }
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        this.#child = undefined
        isListening = false
        resolve({ code, signal })
      })
    })
  }

  readonly #onStop = (signal: NodeJS.Signals): void => {
    if (this.#asked !== undefined) {
      this.#child?.kill('SIGKILL')
      return
    }
    this.#asked = signal
    // While we hold the socket it listens, and connections would queue for nobody.
    void this.#holder.release()
    this.#child?.kill(signal)
    this.#wakeUp?.()
  }

  readonly #onReload = (): void => {
    if (this.#asked === undefined) this.#reload()
  }

  /** Passes SIGHUP on, which would kill an engine that does not listen to it yet. */
  #reload: () => void = () => {
    this.#isReloadDue = true
  }

  #rest(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, delayMs)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGTERM: 15,
}

function exitCodeOf(signal: NodeJS.Signals | null): number {
  return signal === null ? 1 : 128 + (SIGNAL_NUMBERS[signal] ?? 0)
}
