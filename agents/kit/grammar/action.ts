import type { Attachment } from '../../../engine/writer.ts'
import type { Bridge } from '../../bridge/bridge.ts'
import type { Machine } from '../machine.ts'
import { type Schema, trusted } from './schema.ts'
import type { Signal, SignalKind } from './signal.ts'

/** The outside world, as actions and sensors get it. */
export interface Edge {
  /** This thread's place at the tables. It is read here; words are written by directives. */
  readonly attachment: Attachment
  /** The agent's place in the registry; left out where there is none. */
  readonly place?: RegistryPlace | undefined
  /** How this process is doing; left out in virtual time, unless a test says. */
  readonly machine?: Machine | undefined
  /** How the agent agrees with others; left out where there is no store to agree through. */
  readonly bridge?: Bridge | undefined
  /** The clock that decisions get: whole ms of the region, the same in every thread. Wraps: compare by `elapsedMs` of signalbox/writer. */
  now(): number
  /** Calls back once after so many ms, unless the agent ends before; returns how to call it off. */
  later(delayMs: number, callback: () => void): () => void
  /** Aborted when the agent stops, and when the time of this attempt is over. */
  readonly signal: AbortSignal
}

/** An agent's entry in the registry, which is kept on a lease and made again as long as the agent lives. */
export interface RegistryPlace {
  /** Of what lies there; 0 while nothing does. */
  readonly revision: number
  /** Says how the agent is, for whoever looks it up. */
  update(change: { readonly health: 'healthy' | 'degraded' | 'failed' }): void
}

/** Something an agent can do that is not a pure thought: read the tables, ask an endpoint. */
export interface Action<Params, Type extends string = string, Body = unknown> {
  readonly name: string
  /** Checks what it is given before it runs. What does not pass is a failed action, without an attempt. */
  readonly params: Schema<Params>
  /** The kind of signal its result comes back as. */
  readonly done: SignalKind<Type, Body>
  /** So long an attempt may take, in ms; 0: as long as it likes. Only one that answers by promise can be too slow. */
  readonly timeoutMs: number
  /** Attempts after the first, each after one that threw, rejected or took too long. */
  readonly retries: number
  /** Before the second attempt, in ms; doubled before each further one, up to 30,000. */
  readonly backoffMs: number
  /** It reaches what is outside the process: in virtual time it does not, and never answers, unless a test says what it comes to. */
  readonly isOutside: boolean
  /** At once or by promise. Expected failures are results; what it throws is a failed attempt. */
  run(params: Params, edge: Edge): Body | Promise<Body>
  /** Takes back what attempts may have done that all failed. What it throws ends the agent. */
  readonly undo: ((params: Params, edge: Edge) => void | Promise<void>) | undefined
}

/** An action of which only the name and the kind of its result matter. */
// biome-ignore lint/suspicious/noExplicitAny: params go in and results come out, so no one type is above all actions
export type AnyAction = Action<any, any, any>

/** The signals that results of some actions come back as. */
export type ResultOf<A> = A extends Action<infer _, infer Type, infer Body> ? Signal<Type, Body> : never

/** An attempt that answers late is answered for: thirty seconds, one more try, a quarter of a second between them (Jido's). */
const TIMEOUT_MS = 30_000
const RETRIES = 1
const BACKOFF_MS = 250
/** However often it was doubled. */
export const BACKOFF_MS_MAX = 30_000

/** An action as it is declared. What its result carries follows from `done`. */
export type ActionDefinition<Params, Type extends string, Body> = Pick<
  Action<Params, Type, Body>,
  'name' | 'done' | 'run'
> &
  Partial<Action<Params, Type, Body>>

/**
 * Declares an action. Its name is unique in its agent, or skill.
 *
 * Left out: `params` are not checked, an attempt may take 30 s, a failed one is made once more after 250 ms, and nothing is taken back.
 * When all attempts have failed, who asked for it hears `actionFailed` where it listens to that; where it does not, its thread ends, and
 * its supervisor restarts it.
 *
 * One that answers at once is done before the next directive, and its result is heard before what others send later. How many are under
 * way at a time is the affair of who asks for them.
 */
export function defineAction<Params, const Type extends string, Body>({
  name,
  params = trusted<Params>(),
  done,
  timeoutMs = TIMEOUT_MS,
  retries = RETRIES,
  backoffMs = BACKOFF_MS,
  isOutside = false,
  run,
  undo,
}: ActionDefinition<Params, Type, Body>): Action<Params, Type, Body> {
  return Object.freeze({ name, params, done, timeoutMs, retries, backoffMs, isOutside, run, undo })
}
