import type { MessagePort } from 'node:worker_threads'
import type { LogLevel, RegionHandle } from '../../../engine/writer.ts'
import type { ConfigInForce } from '../grammar/agent.ts'
import type { Signal } from '../grammar/signal.ts'
import type { AgentReport } from '../member/status.ts'
import type { Written } from '../outside/journal.ts'

/** What a thread of agents is started with. */
export interface ThreadStart extends ConfigInForce {
  /** In the order they start. */
  readonly agents: readonly HostedAgent[]
  readonly handle: RegionHandle
  readonly bootMs: number
  readonly incarnation: number
  readonly heartbeats: SharedArrayBuffer
  /** How often it shows that it turns, in ms. */
  readonly beatMs: number
  readonly node: string
  /** From one heartbeat of an agent to the next, in ms: what it tells of itself, beside what the thread shows. */
  readonly heartbeatMs: number
  /** Whether there is a store to agree through: the way to it comes by an order. */
  readonly hasStore: boolean
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
  /** Use this port to the sequencer, in place of an older one. */
  | { readonly order: 'store'; readonly port: MessagePort }
  /** Go on with this config. */
  | { readonly order: 'reload'; readonly inForce: ConfigInForce }
  /** Hear this, which no agent says, and report by the number what became of it. */
  | { readonly order: 'hear'; readonly ask: number; readonly signal: Signal }
  /** Report by the number what did not arrive. */
  | { readonly order: 'letters'; readonly ask: number }
  /** Give that another try, all or what one agent has; report by the number how many there were. */
  | { readonly order: 'redrive'; readonly ask: number; readonly agent: string | undefined }
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
  /** An agent told others a fact. `trail`: what it told itself on the way there. */
  | {
      readonly report: 'told'
      readonly agent: string
      readonly level: LogLevel
      readonly signal: Signal
      readonly trail: readonly Signal[]
    }
  /** Agents set words, in this order. */
  | { readonly report: 'wrote'; readonly writes: readonly { written: Written; trail: readonly Signal[] }[] }
  /** How an agent is. */
  | { readonly report: 'status'; readonly agent: string; readonly status: AgentReport }
  /** What came of an order that had a number. */
  | { readonly report: 'answer'; readonly ask: number; readonly answer: unknown }
