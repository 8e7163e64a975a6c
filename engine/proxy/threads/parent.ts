import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Config } from '../../config/schema.ts'
import { SignalboxError } from '../../errors.ts'
import type { BoundAddress } from '../plan.ts'
import { EngineChild, type EngineEnd } from './engine-child.ts'
import type { Held } from './hold.ts'
import { describeListenError } from './listen.ts'

/**
 * The small process above the engine. It binds every address once, starts the engine with duplicates of the descriptors,
 * and starts it again when it dies; meanwhile new connections wait in the queue of a socket that never closed.
 *
 *   parent ── bind, listen, never accept ──▶ fd ══ N duplicates ══▶ engine ──▶ some duplicates a thread
 *          ── SIGTERM, SIGINT, SIGHUP ─────────────────────────────▶
 *          ◀─ ready · exit code ────────────────────────────────────
 *          ◀─ the config in force ──── asked for by the next engine ▶ with how many before it died before they routed
 *
 * The descriptors come after standard input, output and error: address a, duplicate d is 3 + a × duplicates + d.
 */

/** Duplicates for each address where the caller does not say: threads, and a good many restarts of them, with ACCEPTORS each. */
const DUPLICATES = 256

/** An engine that died is started again at once; one that dies again soon, after this, in ms, doubled for each death in a row … */
const BACK_OFF_MS = 100
/** … up to this. It is never given up: what makes it die may be a request that ends, or a disk that is mended. */
const BACK_OFF_MS_MAX = 5000
/** So much of a back-off is left to chance, so that many nodes which die of one cause do not return at one moment. */
const JITTER = 0.5
/**
 * An engine that ran this long has recovered: its next death is a first one again, and nobody waits longer than a start takes. A start
 * takes about half a second, so that one which dies again and again spends a tenth of its time on that.
 */
const RECOVERED_MS = 5000

/** From the moment an engine routes until another is made ready to stand in for it: the first moments of an engine are busy ones. */
const STANDBY_AFTER_MS = 1000
/** From the end of an engine that stood by until there is another. */
const STANDBY_AGAIN_MS = 10_000

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
  /**
   * Keeps a second engine that has loaded what it needs and waits for its turn, so that an engine that dies is followed in the time
   * threads take to start. For programs that ask with `askParent` alone; it costs the memory of an idle Node.
   */
  hasStandby?: boolean
  /** Further environment of the engine. */
  env?: NodeJS.ProcessEnv
  /** Told of each config the engine takes. */
  onConfig?: (config: Config) => void
  /** Told of deaths and restarts of the engine. */
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
  #engine: EngineChild | undefined
  #standby: EngineChild | undefined
  #standbyDue: NodeJS.Timeout | undefined
  #asked: NodeJS.Signals | undefined
  #hasBeenReady = false
  /** Engines in a row that died before they routed. */
  #failedStarts = 0
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
        const delayMs = backOffMs(deaths++, Math.random())
        this.#options.log?.('error', 'the engine died and is started again', { code, signal, delayMs, deaths })
        await this.#rest(delayMs)
        if (this.#asked !== undefined) return 0
      }
    } finally {
      this.#endStandby()
      process.off('SIGTERM', this.#onStop)
      process.off('SIGINT', this.#onStop)
      process.off('SIGHUP', this.#onReload)
    }
  }

  /** Asked to end, ended in order, refused its config, or never came up in the first place. */
  #isFinal(code: number | null): boolean {
    return this.#asked !== undefined || code === 0 || code === EXIT_CONFIG || !this.#hasBeenReady
  }

  async #once(): Promise<EngineEnd> {
    clearTimeout(this.#standbyDue)
    const engine = this.#standby ?? this.#spawn()
    this.#standby = undefined
    this.#engine = engine
    engine.begin(this.#config ?? null, this.#failedStarts)
    const end = await engine.ended
    this.#engine = undefined
    this.#failedStarts = engine.isReady ? 0 : this.#failedStarts + 1
    return end
  }

  #spawn(): EngineChild {
    const { args, execPath = process.execPath, duplicates = DUPLICATES, env } = this.#options
    const engine = new EngineChild(
      { args, execPath, env, sockets: this.#holder.sockets, duplicates },
      {
        onConfig: config => {
          this.#config = config
          this.#options.onConfig?.(config)
        },
        onReady: () => {
          this.#hasBeenReady = true
          if (this.#isReloadDue) engine.kill('SIGHUP')
          this.#isReloadDue = false
          this.#standByIn(STANDBY_AFTER_MS)
        },
      },
    )
    return engine
  }

  #standByIn(delayMs: number): void {
    if (this.#options.hasStandby !== true || this.#asked !== undefined) return
    clearTimeout(this.#standbyDue)
    this.#standbyDue = setTimeout(() => {
      const standby = this.#spawn()
      this.#standby = standby
      const onEnd = (): void => {
        if (this.#standby !== standby) return
        this.#standby = undefined
        this.#standByIn(STANDBY_AGAIN_MS)
      }
      standby.ended.then(onEnd, onEnd)
    }, delayMs)
    this.#standbyDue.unref()
  }

  #endStandby(): void {
    clearTimeout(this.#standbyDue)
    this.#standby?.kill('SIGKILL')
    this.#standby = undefined
  }

  readonly #onStop = (signal: NodeJS.Signals): void => {
    if (this.#asked !== undefined) {
      this.#engine?.kill('SIGKILL')
      return
    }
    this.#asked = signal
    // While we or one that stands by hold the socket it listens, and connections would queue for nobody.
    void this.#holder.release()
    this.#endStandby()
    this.#engine?.kill(signal)
    this.#wakeUp?.()
  }

  /** Passed on to an engine that listens to it; it would kill one that does not yet. */
  readonly #onReload = (): void => {
    if (this.#asked !== undefined) return
    if (this.#engine?.isReady === true) this.#engine.kill('SIGHUP')
    else this.#isReloadDue = true
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

/** How long an engine rests after so many deaths in a row before this one, in ms; `die` is from 0 to 1. */
export function backOffMs(deaths: number, die: number): number {
  if (deaths === 0) return 0
  const whole = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS * 2 ** (deaths - 1))
  return Math.round(whole * (1 - JITTER * die))
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
