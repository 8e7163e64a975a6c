import type { EndpointColumn, RowRef, ServiceColumn } from '../table-port.ts'
import type { Action } from './action.ts'
import type { Draft, Signal } from './signal.ts'
import type { AnyMounted } from './skill.ts'

/** What an agent wants done, as data: deciding is pure, the runner does it. */
export type Directive = Emit | Ask | Schedule | Act | WriteEndpoint | WriteService | Mount | Unmount | Report

/** Tell the other agents. */
export interface Emit {
  readonly kind: 'emit'
  readonly draft: Draft
  /** The signal it follows from, where that is not the one at hand. */
  readonly because?: Signal
}

/** Ask the other agents: the first answer within `deadlineMs` is heard; without one, `unanswered` is. */
export interface Ask {
  readonly kind: 'ask'
  readonly draft: Draft
  readonly deadlineMs: number
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

export function emit(draft: Draft): Emit {
  return { kind: 'emit', draft }
}

/** Answers a question, also when other things have been heard since. */
export function reply(question: Signal, draft: Draft): Emit {
  return { kind: 'emit', draft, because: question }
}

export function ask(draft: Draft, deadlineMs: number): Ask {
  return { kind: 'ask', draft, deadlineMs }
}

export function schedule(delayMs: number, draft: Draft, spreadMs = 0): Schedule {
  return { kind: 'schedule', delayMs, spreadMs, draft }
}

export function act<Params>(action: Action<Params, string, unknown>, params: Params): Act {
  return { kind: 'act', action: action.name, params }
}

export function writeEndpoint(column: EndpointColumn, { row, generation }: RowRef, value: number): WriteEndpoint {
  return { kind: 'write-endpoint', column, row, generation, value }
}

export function writeService(column: ServiceColumn, service: number, value: number): WriteService {
  return { kind: 'write-service', column, service, value }
}

export function mount(mounted: AnyMounted): Mount {
  return { kind: 'mount', mounted }
}

export function unmount(key: string): Unmount {
  return { kind: 'unmount', key }
}

export function report(): Report {
  return { kind: 'report' }
}

/** A decision: what is known from now on, and what is to be done. */
export interface Step<State> {
  readonly state: State
  readonly directives: readonly Directive[]
}

/** The decision to do nothing. */
export function stay<State>(state: State): Step<State> {
  return { state, directives: [] }
}
