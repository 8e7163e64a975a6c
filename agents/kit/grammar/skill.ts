import type { AnyAction, ResultOf } from './action.ts'
import type { Reload, Setup } from './agent.ts'
import type { Step } from './directive.ts'
import type { AnySensor, ReadingOf } from './sensor.ts'
import type { AnySignalKind, Signal, SignalOf } from './signal.ts'

/** What a skill or an agent takes an interest in: a kind, or all types of a pattern, `signalbox.endpoint.*` or `signalbox.**`. */
export type Interest = AnySignalKind | string

/** The signals some interests bring: of kinds what they carry is known, of patterns it is not. */
export type HeardOf<I> = I extends string ? Signal : SignalOf<I>

/** All that is heard by who has these interests, tells itself these kinds, and acts and senses so. */
export type Heard<
  Listens extends readonly Interest[],
  Own extends readonly AnySignalKind[],
  Actions extends readonly AnyAction[],
  Sensors extends readonly AnySensor[],
> = HeardOf<Listens[number]> | SignalOf<Own[number]> | ResultOf<Actions[number]> | ReadingOf<Sensors[number]>

/**
 * A bundle that several agents can have: it hears, decides and acts for itself beside its agent, and has a state of its own that the
 * agent reads. Mounted twice it has two.
 */
export interface Skill<Options, Slice> {
  readonly name: string
  /** Puts it at a key, unique in its agent, for the agent's `skills` or a `mount`. Each mount has a state of its own. */
  mount(key: string, options: Options): Mounted<Slice>
}

/** A skill at its place in an agent. */
export interface Mounted<Slice> {
  readonly key: string
  readonly skill: string
  readonly listens: readonly Interest[]
  readonly overhears: readonly Interest[]
  readonly own: readonly AnySignalKind[]
  readonly emits: readonly AnySignalKind[]
  readonly actions: readonly AnyAction[]
  readonly sensors: readonly AnySensor[]
  /** Hears before its agent, which is at 0, or after it. */
  readonly priority: number
  start(setup: Setup): Step<Slice>
  decide(slice: Slice, signal: Signal, now: number): Step<Slice>
  /** Goes on with another config. Left out: with what it has. */
  readonly reload: Reload<Slice> | undefined
  /** What of its state the status of its agent shows: plain data of bounded size. */
  readonly describe: ((slice: Slice) => unknown) | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: the state is the skill's own affair
export type AnyMounted = Mounted<any>

/** What an agent reads of its skills, and nobody else: their states as they are now. */
export interface Slices {
  /** Of a mount of this agent; throws SBX_AGENT_INVALID where it is not mounted. */
  of<Slice>(mounted: Mounted<Slice>): Slice
}

/** Before its agent, so that what the agent reads of it is fresh. */
const PRIORITY = 10

/** A skill as it is declared. Lists that are left out are empty. */
export interface SkillDefinition<
  Options,
  Slice,
  Listens extends readonly Interest[],
  Own extends readonly AnySignalKind[],
  Actions extends readonly AnyAction[],
  Sensors extends readonly AnySensor[],
> {
  readonly name: string
  readonly listens?: Listens
  /** Kinds, or types without wildcards, among `listens` that it hears also when its own agent says them, or another skill of it; what it says itself it never hears. */
  readonly overhears?: readonly Interest[]
  readonly own?: Own
  readonly emits?: readonly AnySignalKind[]
  readonly actions?: Actions
  readonly sensors?: Sensors
  /** From -100 to 100, default 10. */
  readonly priority?: number
  start(options: Options, setup: Setup): Step<Slice>
  readonly decide: (slice: Slice, signal: Heard<Listens, Own, Actions, Sensors>, now: number) => Step<Slice>
  readonly reload?: Reload<Slice>
  readonly describe?: (slice: Slice) => unknown
}

/**
 * Declares a skill. `start` and `decide` are pure, as an agent's. It hears before its agent where its priority is above 0, which it is
 * unless told otherwise; what it schedules, asks and begins comes back to it alone. Words of the tables it writes are its agent's.
 *
 * What an agent and its skills tell goes to other agents; a skill that is to hear of it too, because it goes on from there, lists the kind
 * under `overhears`.
 */
export function defineSkill<
  Slice,
  Options = undefined,
  const Listens extends readonly Interest[] = readonly [],
  const Own extends readonly AnySignalKind[] = readonly [],
  const Actions extends readonly AnyAction[] = readonly [],
  const Sensors extends readonly AnySensor[] = readonly [],
>(definition: SkillDefinition<Options, Slice, Listens, Own, Actions, Sensors>): Skill<Options, Slice> {
  const { name, priority = PRIORITY, start, decide, reload, describe } = definition
  const { listens = [], overhears = [], own = [], emits = [], actions = [], sensors = [] } = definition
  return Object.freeze({
    name,
    mount: (key: string, options: Options): Mounted<Slice> =>
      Object.freeze({
        ...{ key, skill: name, listens, overhears, own, emits, actions, sensors, priority, reload, describe },
        start: (setup: Setup) => start(options, setup),
        decide: decide as Mounted<Slice>['decide'],
      }),
  })
}
