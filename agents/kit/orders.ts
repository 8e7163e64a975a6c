import type { MessagePort } from 'node:worker_threads'
import type { Config, LogLevel, RegionHandle } from '../../engine/writer.ts'
import type { Signal } from './signal.ts'

/** What an agent's thread is started with. */
export interface ThreadStart {
  readonly name: string
  /** href of the module that exports the agent as its default. */
  readonly module: string
  readonly handle: RegionHandle
  readonly config: Config
  readonly bootMs: number
  readonly incarnation: number
  readonly heartbeats: SharedArrayBuffer
  /** The line of the heartbeats that is its own. */
  readonly line: number
}

/** From the supervisor to a thread. */
export type Order =
  /** Use this port for signals to and from that peer, in place of an older one. */
  | { readonly order: 'link'; readonly peer: string; readonly port: MessagePort }
  /** Go on with this config. */
  | { readonly order: 'reload'; readonly config: Config }
  /** End by yourself. */
  | { readonly order: 'stop' }

/** From a thread to the supervisor. */
export type Report =
  /** The agent has started; its thread beats. */
  | { readonly report: 'started' }
  /** The agent cannot go on with another config: it is to be started anew. */
  | { readonly report: 'outdated' }
  /** The agent told others a fact. */
  | { readonly report: 'told'; readonly level: LogLevel; readonly signal: Signal }
