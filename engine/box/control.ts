import type { Config } from '../config/schema.ts'
import type { RegionHandle } from '../memory/region.ts'

/**
 * The port between the planes, as the engine sees it: something that can be started over a region and closed again.
 * `signalbox/agents` is one; the engine runs without any.
 */
export interface Control {
  start(link: ControlLink): Promise<RunningControl>
}

/** What a control plane is given. */
export interface ControlLink {
  readonly handle: RegionHandle
  readonly config: Config
  /** Where it says what happened. Never throws. */
  readonly log: Log
  /** Called with the id of a thread of its own that has ended, so that the seat it held is given back. */
  readonly onThreadGone: (threadId: number) => void
}

export interface RunningControl {
  /** The agents as they are now. */
  status(): AgentStatus[]
  /** Goes on with another config, which the tables say already; what the agents have learned stays. */
  reload?(config: Config): void
  /** Stops all agents, in reverse order of start. The tables stay as they are. */
  close(): Promise<void>
  /** Stops the thread of an agent at once, as a crash would; its supervisor brings it back. For drills and tests. */
  kill(name: string): Promise<void>
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
