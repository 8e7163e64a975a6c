import { type Config, SignalboxError } from '../../../engine/writer.ts'
import type { Proposal, Vote } from '../../bridge/proposal.ts'
import type { Tender } from '../../bridge/tender.ts'
import type { EndpointColumn, ServiceColumn } from '../table-port.ts'
import type { AnyAction } from './action.ts'
import type { Step } from './directive.ts'
import type { AnySensor } from './sensor.ts'
import type { AnySignalKind, Signal } from './signal.ts'
import type { AnyMounted, Heard, Interest, Slices } from './skill.ts'

/** A config, and which one it is: 1 is the one the box was made with, and each that is taken in its place counts one more. */
export interface ConfigInForce {
  readonly config: Config
  readonly configVersion: number
}

/** How an agent or a skill goes on with another config. */
export type Reload<State> = (
  state: State,
  config: Config,
  now: number,
  configVersion: number,
  slices: Slices,
) => Step<State>

/** What an agent starts with: `config` is the one in force when it starts, checked and with all defaults. */
export interface Setup extends ConfigInForce {
  /** Now, on the clock of the region: whole ms that wrap, so that two are compared by `elapsedMs` of signalbox/writer. */
  readonly now: number
  /** The clock when the control plane started: the same for every incarnation. */
  readonly bootMs: number
  /** 1 at the first start, one more after each restart. */
  readonly incarnation: number
  /** What this node is called among others; left out: it has no others. */
  readonly node?: string
  /** By chance another each time: for a die of its own, see `rollDie`. */
  readonly seed: number
  /** What this node is called among others; left out where there are none. */
  readonly cluster?: { readonly node: string } | undefined
}

/**
 * An agent: what it is called, what it hears and says, which words it owns, and how it decides. `start` and `decide`
 * are pure: they read no clock, throw no dice and touch nothing; all of that is done for them by the runner.
 */
export interface Agent<State> {
  /** Kebab-case, unique in the roster. */
  readonly name: string
  /** What it is to the cluster: agents of one role on several nodes stand in for each other. */
  readonly role: string
  /** Signals of other agents it wants. Its own schedules, readings and action results come by themselves. */
  readonly listens: readonly Interest[]
  /** What it tells itself, by schedule. */
  readonly own: readonly AnySignalKind[]
  /** What it tells others, and asks them. Saying anything else ends its thread. */
  readonly emits: readonly AnySignalKind[]
  /** The words of the tables it owns: no other agent writes them. Writing any other ends its thread. */
  readonly writes: readonly (EndpointColumn | ServiceColumn)[]
  readonly actions: readonly AnyAction[]
  /** They look from its start on. */
  readonly sensors: readonly AnySensor[]
  /** Those it has from its start on; `mount` gives it more. */
  readonly skills: readonly AnyMounted[]
  /** Its first state and directives, in each incarnation anew: what it knew is gone, what it wrote is in the tables. */
  start(setup: Setup): Step<State>
  /**
   * Goes on with another config, pure as the others; the tables may still say the old one, or already the new. Left out: the agent
   * is restarted with it, as after a fault.
   */
  readonly reload?: Reload<State> | undefined
  /**
   * What is known and to be done after a signal; one at a time, in the order they came. `now` as in Setup. What it throws ends the
   * thread.
   */
  readonly decide: (state: State, signal: Signal, now: number, slices: Slices) => Step<State>
  /** What of its state its status shows: plain data of bounded size. */
  readonly describe?: ((state: State) => unknown) | undefined
  /** What it can do for others, by which they find it in the registry. Its role is among them. */
  readonly capabilities: readonly string[]
  /** How it votes on a proposal, from what it and its skills know: pure as the others. Left out: it abstains. */
  readonly vote?: ((state: State, proposal: Proposal, slices: Slices) => Pick<Vote, 'ballot' | 'reason'>) | undefined
  /** At which marginal cost it gives what is put out to tender, pure as the others; undefined: it does not want to. Left out: never. */
  readonly bid?: ((state: State, tender: Tender, slices: Slices) => number | undefined) | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: the state is the agent's own affair, the runner only carries it
export type AnyAgent = Agent<any>

/** An agent as it is declared, see Agent for each field. Lists that are left out are empty. */
export interface AgentDefinition<
  State,
  Listens extends readonly Interest[],
  Own extends readonly AnySignalKind[],
  Actions extends readonly AnyAction[],
  Sensors extends readonly AnySensor[],
> {
  readonly name: string
  readonly role: string
  readonly listens?: Listens
  readonly own?: Own
  readonly emits?: readonly AnySignalKind[]
  readonly writes?: Agent<State>['writes']
  readonly actions?: Actions
  readonly sensors?: Sensors
  readonly skills?: readonly AnyMounted[]
  start(setup: Setup): Step<State>
  readonly reload?: Agent<State>['reload']
  readonly decide: (
    state: State,
    signal: Heard<Listens, Own, Actions, Sensors>,
    now: number,
    slices: Slices,
  ) => Step<State>
  readonly describe?: Agent<State>['describe']
  readonly capabilities?: readonly string[]
  readonly vote?: Agent<State>['vote']
  readonly bid?: Agent<State>['bid']
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/**
 * Declares an agent; a module of the roster exports it as its default. What `decide` can hear follows from what it lists: by
 * `signal.type` TypeScript knows `signal.data`.
 *
 * Throws SBX_AGENT_INVALID when its name or role is not kebab-case, or two of its actions, sensors or skills share a name.
 */
export function defineAgent<
  State,
  const Listens extends readonly Interest[] = readonly [],
  const Own extends readonly AnySignalKind[] = readonly [],
  const Actions extends readonly AnyAction[] = readonly [],
  const Sensors extends readonly AnySensor[] = readonly [],
>(definition: AgentDefinition<State, Listens, Own, Actions, Sensors>): Agent<State> {
  const { name, role, decide, capabilities = [], ...rest } = definition
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalid(
      JSON.stringify(name),
      'its name is not lower-case words joined by "-", write something like "health-monitor"',
    )
  }
  if (typeof role !== 'string' || !NAME.test(role)) {
    throw invalid(name, `it has no role, write what it is to the cluster, such as role: ${JSON.stringify(name)}`)
  }
  const agent: Agent<State> = {
    ...{ listens: [], own: [], emits: [], writes: [], actions: [], sensors: [], skills: [] },
    ...rest,
    ...{ name, role, capabilities: [...new Set([role, ...capabilities])] },
    decide: decide as Agent<State>['decide'],
  }
  checkUnique(name, 'actions', agent.actions)
  checkUnique(name, 'sensors', agent.sensors)
  checkUnique(
    name,
    'skills',
    agent.skills.map(({ key }) => ({ name: key })),
  )
  return Object.freeze(agent)
}

function checkUnique(agent: string, what: string, named: readonly { readonly name: string }[]): void {
  const names = named.map(each => each.name)
  const doubled = names.find((name, index) => names.indexOf(name) !== index)
  if (doubled === undefined) return
  throw invalid(agent, `two of its ${what} are called "${doubled}", give each a name of its own`)
}

function invalid(agent: string, state: string): SignalboxError {
  return new SignalboxError('SBX_AGENT_INVALID', `Cannot define agent ${agent}: ${state}`)
}
