import type { Config } from '../config/schema.ts'
import type { RegionHandle } from '../memory/region.ts'

/**
 * The port between the planes, as the engine sees it: something that can be started over a region and closed again.
 * `signalbox/agents` is one; the engine runs without any.
 */
export interface Control {
  /** What the dice of picks follow from, where a run is to be replayed. Left out: thrown by chance, other ones in each process. */
  readonly dice?: number
  start(link: ControlLink): Promise<RunningControl>
}

/** What a control plane is given. */
export interface ControlLink {
  readonly handle: RegionHandle
  readonly config: Config
  /** Which config that is: 1 is the one the box was made with, and each that is taken in its place counts one more. */
  readonly configVersion: number
  /** What this node is called among others. Default: `local`. */
  readonly node?: string
  /** Where it says what happened. Never throws. */
  readonly log: Log
  /** Called with the id of a thread of its own that has ended, so that the seat it held is given back. */
  readonly onThreadGone: (threadId: number) => void
}

export interface RunningControl {
  /** The agents as they are now. */
  status(): AgentStatus[]
  /** Goes on with another config, which the tables say already; what the agents have learned stays. */
  reload?(config: Config, configVersion: number): void
  /** Stops all agents, in reverse order of start. The tables stay as they are. */
  close(): Promise<void>
  /** Stops the thread of an agent at once, as a crash would; its supervisor brings it back. For drills and tests. */
  kill(name: string): Promise<void>
  /**
   * Asks the agents something, and resolves with the first answer. Rejects with SBX_AGENT_SILENT when there is none within `timeoutMs`,
   * and says how the agents stand; with SBX_SIGNAL_UNKNOWN, _INVALID or _REFUSED when nobody takes the question.
   */
  ask?(question: Draft, options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<Answer>
  /** What an agent last reported of itself; undefined before its first report. */
  report?(name: string): object | undefined
  /** Tells the agents what somebody outside has to say. */
  tell?(message: EventMessage): Promise<Told>
  /**
   * Calls back for every fact that agents tell from now on. First for those told after the one with the id `after`, unless that is
   * too long ago: then `isResumed` is false. Throws SBX_AGENT_INVALID for a pattern that is none.
   */
  hear?(wish: HearWish, onEvent: (event: HeardEvent) => void): Hearing
  /** Signals that did not reach an agent, by agent. */
  deadLetters?(): Promise<AgentDeadLetters[]>
  /** Lets signals have another try that did not reach an agent, all or those of one agent; says how many there were. */
  redrive?(agent?: string): Promise<number>
  /** For each column of an endpoint's row that agents have written: what, when, by whom, and the signals that led there. */
  explain?(service: string, id: string): Readonly<Record<string, Cause>>
}

/** A question to agents: what kind, about what, and what it carries. */
export interface Draft {
  readonly type: string
  readonly subject?: string
  readonly data: unknown
}

/** The signal that answers a question, as an event of CloudEvents. */
export interface Answer extends Draft {
  readonly id: string
  readonly source: string
  readonly time: string
  readonly causationid?: string
}

/** A message of HTTP that carries one event of CloudEvents or more. Names of headers are in lower case. */
export interface EventMessage {
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
  readonly body: Uint8Array
}

/** What became of a message: the ids of its events; or why it was not taken, and what was wrong, for people. */
export type Told =
  | { readonly isTaken: true; readonly ids: readonly string[] }
  | { readonly isTaken: false; readonly because: NotTold; readonly fault: string }

export type NotTold =
  /** It is in a form that nobody reads. */
  | 'format'
  /** It is no event, or an event that carries something else than its type promises. */
  | 'invalid'
  /** Nobody listens to signals of its type. */
  | 'unknown'
  /** No thread of agents took it, and one of them has not said in time whether it does: it may be heard yet. */
  | 'silent'
  /** Whoever listens has no room for it now. */
  | 'full'

export interface HearWish {
  /** Patterns over types: `*` is one word, `**` any number. None: all. */
  readonly types?: readonly string[]
  readonly after?: string
}

/** A fact as an event of CloudEvents in JSON. */
export interface HeardEvent {
  readonly id: string
  readonly json: string
}

export interface Hearing {
  readonly isResumed: boolean
  stop(): void
}

/** Signals that did not reach one agent, the last hundred; and how many there were by reason, telemetry too. */
export interface AgentDeadLetters {
  readonly agent: string
  readonly letters: readonly {
    readonly signal: object
    readonly reason: string
    readonly fault?: string
    readonly time: string
    readonly attempts: number
  }[]
  readonly died: Readonly<Record<string, number>>
  readonly telemetry: number
}

/** Why a word of a table is what it is. `time` is RFC 3339; the chain leads from the nearest signal back to the first that is known. */
export interface Cause {
  readonly value: number
  readonly old?: number
  readonly time: string
  readonly by: string
  readonly chain: readonly object[]
}

export interface AgentStatus {
  name: string
  /** Those of a group share a thread, unless each has its own, and are given up together. */
  group: string
  /** `failed`: its group fails too often to be restarted, and rests. Routing goes on with what it wrote last. */
  state: 'starting' | 'running' | 'restarting' | 'stopped' | 'failed'
  /** Starts so far: 1 is the first. */
  incarnation: number
  restarts: number
  threadId: number
  /** Milliseconds since its thread last showed that it turns. */
  heartbeatAgeMs: number
  /** What its thread holds, heap and buffers, when it last showed that it turns. */
  heapBytes: number
  handled: number
  dropped: number
  /** Writes to the tables that came when its thread had been given up already, and were not done. */
  refusedWrites: number
  lastError: string | null
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** A line of the log: level, what happened, and its particulars. */
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void
