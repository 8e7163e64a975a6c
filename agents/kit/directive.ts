import type { Action } from './action.ts'
import type { Draft, Signal } from './signal.ts'
import type { EndpointColumn, RowRef, ServiceColumn } from './table-port.ts'

/** What an agent wants done, as data: deciding is pure, the runner does it. */
export type Directive = Emit | Schedule | Act | WriteEndpoint | WriteService

/** Tell the other agents. */
export interface Emit {
  readonly kind: 'emit'
  readonly draft: Draft
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

export function emit(draft: Draft): Emit {
  return { kind: 'emit', draft }
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

/** A decision: what is known from now on, and what is to be done. */
export interface Step<State> {
  readonly state: State
  readonly directives: readonly Directive[]
}

/** The decision to do nothing. */
export function stay<State>(state: State): Step<State> {
  return { state, directives: [] }
}

export type Decide<State> = (state: State, signal: Signal, now: number) => Step<State>
