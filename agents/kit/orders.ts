import type { MessagePort } from 'node:worker_threads'
import type { Config, LogLevel, RegionHandle } from '../../engine/writer.ts'
import type { Signal } from './signal.ts'

/** What a thread of agents is started with. */
export interface ThreadStart {
  /** In the order they start. */
  readonly agents: readonly HostedAgent[]
  readonly handle: RegionHandle
  readonly config: Config
  readonly bootMs: number
  readonly incarnation: number
  readonly heartbeats: SharedArrayBuffer
  /** How often it shows that it turns, in ms. */
  readonly beatMs: number
}

export interface HostedAgent {
  readonly name: string
  /** href of the module that exports the agent as its default. */
  readonly module: string
  /** The line of the heartbeats that is its own. */
  readonly line: number
}

/** What a spare thread is started with: it loads these modules and waits to be told which agents it is to run. */
export interface SpareStart {
  readonly modules: readonly string[]
}

/** From the supervisor to a thread. */
export type Order =
  /** Run these agents; to a spare thread, once. */
  | { readonly order: 'host'; readonly start: ThreadStart }
  /** Use this port for signals to and from that peer, in place of an older one. */
  | { readonly order: 'link'; readonly peer: string; readonly port: MessagePort }
  /** Go on with this config. */
  | { readonly order: 'reload'; readonly config: Config }
  /** The agent that yours belongs to is down. */
  | { readonly order: 'orphan'; readonly parent: string }
  /** End by yourself. */
  | { readonly order: 'stop' }

/** From a thread to the supervisor. */
export type Report =
  /** All its agents have started; the thread beats. */
  | { readonly report: 'started' }
  /** An agent cannot go on with another config: the thread is to be started anew. */
  | { readonly report: 'outdated' }
  /** An agent told others a fact. */
  | { readonly report: 'told'; readonly agent: string; readonly level: LogLevel; readonly signal: Signal }
