import {
  type AgentStatus,
  type Attachment,
  type ControlLink,
  elapsedMs,
  type Heartbeats,
  SignalboxError,
  tickClock,
} from '../../engine/writer.ts'
import { steadyMs } from './clock.ts'
import type { Dice } from './dice.ts'
import type { Report } from './orders.ts'
import { judgeEnd, UNBLEMISHED } from './restart.ts'
import { beginWatch, isHung, look } from './watch.ts'
import { AgentWorker } from './worker.ts'

/** An agent of the roster. */
export interface RosterEntry {
  /** The name its definition has. */
  readonly name: string
  /** href of the module that exports it as its default. */
  readonly module: string
  /** Restarted: always; only when it ended by a fault; never. */
  readonly restart: 'permanent' | 'transient' | 'temporary'
}

/** What all supervised agents share. */
export interface Ground {
  readonly link: ControlLink
  /** The one in force: whoever starts, starts with it. */
  config: ControlLink['config']
  readonly attachment: Attachment
  readonly heartbeats: Heartbeats
  readonly bootMs: number
  readonly dice: Dice
  /** Called when an agent's thread has started, at the first time and after each restart. */
  onStarted(agent: Supervised): void
}

/** A thread that has not started by then is ended; a first import from a cold disk takes a second or two. */
const START_MS_MAX = 10_000

/**
 * One agent under supervision.
 *
 *               started              fault, exit, hang, kill            4th in 5 s
 *   starting ───────────▶ running ──────────────────────────▶ restarting ──────────▶ failed
 *      ▲                                                          │ back-off           │ 10 s
 *      └──────────────────────────────────────────────────────────┴────────────────────┘
 *
 * `stopped` is the end: by close, or for one that is not to be restarted.
 */
export class Supervised {
  readonly entry: RosterEntry
  state: AgentStatus['state'] = 'starting'
  worker: AgentWorker | undefined
  readonly #ground: Ground
  readonly #line: number
  #incarnation = 0
  #restarts = 0
  #lastError: string | null = null
  /** Why the supervisor ended the thread, when it did. */
  #reason: string | undefined
  #record = UNBLEMISHED
  #startedMs = 0
  #watch = beginWatch(0)
  #handledBefore = 0
  #droppedBefore = 0
  #isClosing = false
  #timer: NodeJS.Timeout | undefined
  #boot: { resolve: () => void; reject: (reason: Error) => void } | undefined

  constructor(entry: RosterEntry, line: number, ground: Ground) {
    this.entry = entry
    this.#line = line
    this.#ground = ground
  }

  /** Starts it for the first time. Rejects with SBX_AGENT_FAILED when that does not succeed; then it stays down. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#boot = { resolve, reject }
      this.#spawn()
    })
  }

  status(): AgentStatus {
    const { heartbeats, attachment } = this.#ground
    return {
      name: this.entry.name,
      state: this.state,
      incarnation: this.#incarnation,
      restarts: this.#restarts,
      threadId: this.worker?.threadId ?? -1,
      heartbeatAgeMs: Math.max(0, elapsedMs(tickClock(attachment.region), heartbeats.beatMs(this.#line))),
      handled: this.#handledBefore + heartbeats.handled(this.#line),
      dropped: this.#droppedBefore + heartbeats.dropped(this.#line),
      lastError: this.#lastError,
    }
  }

  /** Looks at the heartbeat, `gapMs` after the last look, and ends a thread that hangs. */
  look(gapMs: number, lagMs: number): void {
    if (this.state !== 'running') return
    this.#watch = look(this.#watch, this.#ground.heartbeats.beats(this.#line), gapMs)
    if (!isHung(this.#watch, lagMs)) return
    const reason = `its event loop has stood still for ${Math.round(this.#watch.silentMs)} ms`
    this.#watch = beginWatch(this.#watch.beats)
    void this.end(reason)
  }

  /** Has it go on with the config of the ground. One that is down starts with it. */
  reload(): void {
    this.worker?.reload(this.#ground.config)
  }

  /** Ends the thread at once, as a crash would. */
  async end(reason: string): Promise<void> {
    this.#reason ??= reason
    await this.worker?.terminate()
  }

  /** Stops it for good; ends its thread when it takes longer than `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#timer)
    const hasStopped = await this.worker?.stop(deadlineMs)
    this.state = 'stopped'
    const { name } = this.entry
    if (hasStopped === true) this.#log('debug', `agent ${name} has stopped`)
    if (hasStopped === false) this.#log('warn', `agent ${name} did not stop in ${deadlineMs} ms and was ended`)
  }

  #spawn(): void {
    const { link, heartbeats, bootMs, attachment } = this.#ground
    this.#handledBefore += heartbeats.handled(this.#line)
    this.#droppedBefore += heartbeats.dropped(this.#line)
    heartbeats.begin(this.#line, tickClock(attachment.region))
    this.state = 'starting'
    this.#incarnation++
    this.#startedMs = steadyMs()
    this.#reason = undefined
    this.worker = new AgentWorker(
      {
        name: this.entry.name,
        module: this.entry.module,
        handle: link.handle,
        config: this.#ground.config,
        bootMs,
        incarnation: this.#incarnation,
        heartbeats: heartbeats.buffer,
        line: this.#line,
      },
      {
        onReport: report => this.#onReport(report),
        onExit: (code, fault) => this.#onExit(code, fault),
      },
    )
    // At the first start somebody awaits it; later nobody does, and then it must not keep the process alive.
    if (this.#boot === undefined) this.worker.release()
    this.#after(START_MS_MAX, () => void this.end(`it has not started within ${START_MS_MAX} ms`))
  }

  #onReport(report: Report): void {
    if (report.report === 'told') {
      const { type, subject, data } = report.signal
      const what = type.split('.').slice(1).join(' ')
      this.#log(report.level, subject === undefined ? what : `${what}: ${subject}`, {
        agent: this.entry.name,
        ...(data as object),
      })
      return
    }
    if (this.#isClosing) return
    if (report.report === 'outdated') {
      void this.end('it is to start with another config')
      return
    }
    clearTimeout(this.#timer)
    this.state = 'running'
    this.#watch = beginWatch(this.#ground.heartbeats.beats(this.#line))
    this.worker?.release()
    this.#log(this.#incarnation === 1 ? 'debug' : 'info', `agent ${this.entry.name} runs`, {
      incarnation: this.#incarnation,
    })
    this.#ground.onStarted(this)
    this.#boot?.resolve()
    this.#boot = undefined
  }

  #onExit(code: number, fault: Error | undefined): void {
    clearTimeout(this.#timer)
    const threadId = this.worker?.threadId ?? -1
    this.worker = undefined
    // Before anything else: what the thread held (its seat, the right to drain) is needed by the one after it.
    this.#ground.link.onThreadGone(threadId)
    if (this.#isClosing) {
      this.#boot?.reject(this.#failed('the box was closed meanwhile'))
      return
    }
    const isFault = this.#reason !== undefined || fault !== undefined || code !== 0
    const reason = this.#reason ?? fault?.message ?? `its thread ended with code ${code}`
    this.#lastError = reason
    if (this.#boot !== undefined) {
      this.state = 'failed'
      this.#boot.reject(this.#failed(reason, fault))
      this.#boot = undefined
      return
    }
    const { restart, name } = this.entry
    if (restart === 'temporary' || (restart === 'transient' && !isFault)) {
      this.state = 'stopped'
      this.#log(isFault ? 'error' : 'info', `agent ${name} has ended and stays down: ${reason}`)
      return
    }
    this.#restart(reason)
  }

  #restart(reason: string): void {
    const { name } = this.entry
    const now = steadyMs()
    const { kind, delayMs, record } = judgeEnd(this.#record, now - this.#startedMs, now, this.#ground.dice())
    this.#record = record
    this.#restarts++
    if (kind === 'rest') {
      this.state = 'failed'
      this.#log(
        'fatal',
        `agent ${name} keeps failing and rests for ${delayMs / 1000} s; routing goes on with the last tables`,
        {
          reason,
        },
      )
    } else {
      this.state = 'restarting'
      this.#log('warn', `agent ${name} is restarted`, { reason, delayMs: Math.round(delayMs) })
    }
    if (delayMs === 0) this.#spawn()
    else this.#after(delayMs, () => this.#spawn())
  }

  #after(delayMs: number, callback: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(callback, delayMs)
    this.#timer.unref()
  }

  #failed(reason: string, cause?: Error): SignalboxError {
    return new SignalboxError('SBX_AGENT_FAILED', `Cannot start agent ${this.entry.name}: ${reason}`, { cause })
  }

  #log(level: Parameters<ControlLink['log']>[0], message: string, fields?: Record<string, unknown>): void {
    this.#ground.link.log(level, message, fields)
  }
}
