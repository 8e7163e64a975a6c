import { type Config, SignalboxError } from '../../engine/writer.ts'
import type { AnyAction } from './action.ts'
import type { Decide, Step } from './directive.ts'
import type { SignalKind } from './signal.ts'
import type { EndpointColumn, ServiceColumn } from './table-port.ts'

/** What an agent starts with. */
export interface Setup {
  readonly config: Config
  /** The clock now, see Clock.now. */
  readonly now: number
  /** The clock when the control plane started: the same for every incarnation. */
  readonly bootMs: number
  /** 1 at the first start, one more after each restart. */
  readonly incarnation: number
  /** For a die of its own, see rollDie. */
  readonly seed: number
}

// biome-ignore lint/suspicious/noExplicitAny: kinds make and take bodies, so no one type is above all kinds
export type AnySignalKind = SignalKind<any>

/**
 * An agent: what it is called, what it hears and says, which words it owns, and how it decides. `start` and `decide`
 * are pure: they read no clock, throw no dice and touch nothing; all of that is done for them by the runner.
 */
export interface Agent<State> {
  /** Kebab-case, unique in the roster. */
  readonly name: string
  /** Signals of other agents it wants. Its own schedules and action results come by themselves. */
  readonly listens: readonly AnySignalKind[]
  readonly emits: readonly AnySignalKind[]
  /** The words of the tables it owns: no other agent writes them. */
  readonly writes: readonly (EndpointColumn | ServiceColumn)[]
  readonly actions: readonly AnyAction[]
  start(setup: Setup): Step<State>
  /**
   * Goes on with another config, pure as the others; the tables may still say the old one, or already the new. Left out: the agent
   * is restarted with it, as after a fault.
   */
  readonly reload?: (state: State, config: Config, now: number) => Step<State>
  readonly decide: Decide<State>
}

// biome-ignore lint/suspicious/noExplicitAny: the state is the agent's own affair, the runner only carries it
export type AnyAgent = Agent<any>

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/**
 * Declares an agent; a module of the roster exports it as its default.
 *
 * Throws SBX_AGENT_INVALID when its name is not kebab-case or two of its actions share a name.
 */
export function defineAgent<State>(agent: Agent<State>): Agent<State> {
  if (!NAME.test(agent.name)) {
    throw new SignalboxError(
      'SBX_AGENT_INVALID',
      `Cannot define agent ${JSON.stringify(agent.name)}: its name is not lower-case words joined by "-", ` +
        'write something like "health-monitor"',
    )
  }
  const names = agent.actions.map(action => action.name)
  const doubled = names.find((name, index) => names.indexOf(name) !== index)
  if (doubled !== undefined) {
    throw new SignalboxError(
      'SBX_AGENT_INVALID',
      `Cannot define agent ${agent.name}: two of its actions are called "${doubled}", give each a name of its own`,
    )
  }
  return Object.freeze(agent)
}
