import type { Attachment } from '../../engine/writer.ts'
import type { SignalKind } from './signal.ts'

/** The outside world, as an action gets it. */
export interface Edge {
  /** This thread's place at the tables. Actions read it; words are written by directives. */
  readonly attachment: Attachment
  /** The clock that decisions get, see Clock.now. */
  now(): number
  /** See Clock.later. */
  later(delayMs: number, callback: () => void): () => void
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal
}

/** Something an agent can do that is not a pure thought: read the tables, ask an endpoint. */
export interface Action<Params, Body> {
  readonly name: string
  /** The kind of signal its result comes back as. */
  readonly done: SignalKind<Body>
  /** At once or by promise. Expected failures are results; what it throws ends the agent, and its supervisor restarts it. */
  run(params: Params, edge: Edge): Body | Promise<Body>
}

/** An action of which only the name and the kind of its result matter. */
// biome-ignore lint/suspicious/noExplicitAny: params go in and results come out, so no one type is above all actions
export type AnyAction = Action<any, any>

/** Declares an action. Its name is unique in its agent. */
export function defineAction<Params, Body>(
  name: string,
  done: SignalKind<Body>,
  run: Action<Params, Body>['run'],
): Action<Params, Body> {
  return Object.freeze({ name, done, run })
}
