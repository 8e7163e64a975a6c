import { type ChildProcess, spawn } from 'node:child_process'
import type { Config } from '../../config/schema.ts'
import { type FromEngine, type FromParent, type InheritedListener, LISTENERS_VARIABLE } from './under-parent.ts'

const FIRST_FD = 3

/** How an engine is started. */
export interface EngineStart {
  /** The engine's script and arguments, as for execPath. */
  readonly args: readonly string[]
  readonly execPath: string
  readonly env: NodeJS.ProcessEnv | undefined
  readonly sockets: readonly { address: string; port: number; fd: number }[]
  /** Threads that can be started on each address over the life of one engine. */
  readonly duplicates: number
}

export interface EngineLinks {
  onConfig(config: Config): void
  onReady(): void
}

/** How an engine ended. */
export interface EngineEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * One engine, seen from its parent.
 *
 *   spawned ──▶ loads its modules ──▶ asks ──▶ waits ──turn──▶ starts ──▶ ready ──▶ ended
 *
 * An engine that asks for the config waits until it is its turn: so one can stand by with all it needs loaded, and an engine that
 * does not ask has its turn from the start.
 */
export class EngineChild {
  /** Rejects when the program cannot be run. */
  readonly ended: Promise<EngineEnd>
  /** It has begun to route. */
  isReady = false
  isOver = false
  readonly #child: ChildProcess
  #hasAsked = false
  #turn: FromParent | undefined

  constructor({ args, execPath, env, sockets, duplicates }: EngineStart, links: EngineLinks) {
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
    child.on('message', (message: FromEngine | null) => {
      switch (message?.signalbox) {
        case 'ask-config':
          this.#hasAsked = true
          this.#answer()
          break
        case 'config':
          links.onConfig(message.config)
          break
        case 'ready':
          this.isReady = true
          links.onReady()
      }
    })
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        this.isOver = true
        resolve({ code, signal })
      })
    })
    // Whoever waits for its end is told; nobody may wait for one that stands by.
    this.ended.catch(() => {
      this.isOver = true
    })
  }

  /** It is its turn: it goes on with this config, or for `null` with that of the file. */
  begin(config: Config | null, failedStarts: number): void {
    this.#turn = { signalbox: 'config', config, failedStarts }
    if (this.#hasAsked) this.#answer()
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  #answer(): void {
    // One that died in this moment cannot be told; that it died is told by `ended`.
    if (this.#turn !== undefined && this.#child.connected) this.#child.send(this.#turn, () => {})
  }
}
