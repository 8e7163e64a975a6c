import type { EndpointColumn, RowRef, ServiceColumn } from '../table-port.ts'
import type { Action } from './action.ts'
import type { Draft, Signal } from './signal.ts'
import type { AnyMounted } from './skill.ts'

/** What an agent wants done, as data: deciding is pure, the runner does it. */
export type Directive = Emit | Tell | Ask | Schedule | Act | WriteEndpoint | WriteService | Mount | Unmount | Report

/** Tell the other agents. */
export interface Emit {
  readonly kind: 'emit'
  readonly draft: Draft
  /** The signal it follows from, where that is not the one at hand. */
  readonly because?: Signal
}

/** Tell whoever of this agent listens to it: the agent and its skills, who says it too. */
export interface Tell {
  readonly kind: 'tell'
  readonly draft: Draft
}

/** Ask the other agents: the first answer within `deadlineMs` is heard; without one, `unanswered` is. */
export interface Ask {
  readonly kind: 'ask'
  readonly draft: Draft
  /** From now, in ms. */
  readonly deadlineMs: number
  /** Comes back with the id of the question, where one of several is to be told by its answer. */
  readonly about?: string
}

/** Signal to myself later, `delayMs` ± up to `spreadMs`. Without spread it may share a wake-up of the thread, see Clock.later. */
export interface Schedule {
  readonly kind: 'schedule'
  readonly delayMs: number
  readonly spreadMs: number
  readonly draft: Draft
}

/** Run one of my actions; what it returns comes back as a signal of its kind. */
export interface Act {
  readonly kind: 'act'
  readonly action: string
  readonly params: unknown
}

/** Set a word of an endpoint's row that I own, unless the row has another tenant by now. */
export interface WriteEndpoint {
  readonly kind: 'write-endpoint'
  readonly column: EndpointColumn
  readonly row: number
  readonly generation: number
  readonly value: number
}

/** Set a word of a service that I own. */
export interface WriteService {
  readonly kind: 'write-service'
  readonly column: ServiceColumn
  readonly service: number
  readonly value: number
}

/** Have this skill from now on. */
export interface Mount {
  readonly kind: 'mount'
  readonly mounted: AnyMounted
}

/** Have the skill at this key no longer: its state goes, what it hears, and what it has scheduled or begun comes to nothing. */
export interface Unmount {
  readonly kind: 'unmount'
  readonly key: string
}

/** Hand my status to whoever supervises me. */
export interface Report {
  readonly kind: 'report'
}

/** Tells the other agents, those of its own thread too, and of itself the skills that overhear it. The kind is one of its `emits`; by `subject` people find it. */
export function emit(draft: Draft): Emit {
  return { kind: 'emit', draft }
}

/** Answers a question that was heard, at once or when other things have been heard since. The kind is one of its `emits`. */
export function reply(question: Signal, draft: Draft): Emit {
  return { kind: 'emit', draft, because: question }
}

/**
 * Tells the agent itself and its skills, those that listen to it, and nobody else: what a skill has found out and its neighbours go by. The
 * kind is one of its `own`; it is heard after what is being done now.
 */
export function tell(draft: Draft): Tell {
  return { kind: 'tell', draft }
}

/**
 * Asks the other agents: the first signal of a kind that `answers` this one and was caused by it is heard if it comes within
 * `deadlineMs`, later ones are not; without any `unanswered` is heard. The kind is one of its `emits`, the answer's one of what it
 * `listens` to. With `about`, `asked` is heard before either: it says by which id an answer will name this question.
 */
export function ask(draft: Draft, deadlineMs: number, about?: string): Ask {
  return about === undefined ? { kind: 'ask', draft, deadlineMs } : { kind: 'ask', draft, deadlineMs, about }
}

/**
 * Tells itself later, and nobody else: after `delayMs`, by chance up to `spreadMs` earlier or later. Without spread a delay of 100 ms and
 * more may be up to 50 ms off, to share a wake-up of the thread. The kind is one of its `own`. It is never dropped, and ends with this
 * incarnation.
 */
export function schedule(delayMs: number, draft: Draft, spreadMs = 0): Schedule {
  return { kind: 'schedule', delayMs, spreadMs, draft }
}

/** Runs one of its actions; the result, or `actionFailed`, comes back to it alone. */
export function act<Params>(action: Action<Params, string, unknown>, params: NoInfer<Params>): Act {
  return { kind: 'act', action: action.name, params }
}

/**
 * Sets a word of an endpoint, one of its `writes`, to a finite number. Nothing is set when the row has had another tenant since
 * `generation` was read, or when the rules of publication refuse: too many would be out. Look at the tables to see that it stands.
 */
export function writeEndpoint(column: EndpointColumn, { row, generation }: RowRef, value: number): WriteEndpoint {
  return { kind: 'write-endpoint', column, row, generation, value }
}

/** Sets a word of a service, one of its `writes`; `service` is the `index` of a ServiceView. */
export function writeService(column: ServiceColumn, service: number, value: number): WriteService {
  return { kind: 'write-service', column, service, value }
}

/**
 * Has a skill from now on. A second one at a key ends the thread, as any broken promise. What it listens to it hears from other threads
 * as soon as they have been told of it.
 */
export function mount(mounted: AnyMounted): Mount {
  return { kind: 'mount', mounted }
}

/** Has the skill at this key no longer; none there: nothing happens. */
export function unmount(key: string): Unmount {
  return { kind: 'unmount', key }
}

/** Hands its status to its supervisor now; each heartbeat does so anyway. */
export function report(): Report {
  return { kind: 'report' }
}

/** A decision: what is known from now on, and what is to be done, in this order. */
export interface Step<State> {
  readonly state: State
  readonly directives: readonly Directive[]
}

/** The decision to do nothing. */
export function stay<State>(state: State): Step<State> {
  return { state, directives: [] }
}
