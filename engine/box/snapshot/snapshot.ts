import type { EndpointConfig } from '../../config/schema.ts'
import type { NewEndpoint } from '../../memory/edit.ts'
import type { Facts } from '../../memory/facts.ts'

/**
 * What the tables say at one moment, as plain data that outlives the region: who is there, what was decided live, what was learned.
 *
 *   configured    what the config in force then said of the endpoints: without it nobody could tell an endpoint that an operator
 *                 took out from one that the next config adds
 *   endpoints     those that were there
 */
export interface TablesSnapshot {
  /** Milliseconds since 1970. */
  readonly takenAtMs: number
  readonly services: readonly ServiceSnapshot[]
  /** Where sessions are, see memory/sessions.ts; endpoints are counted through all services, from 0. */
  readonly sessions: Int32Array
}

export interface ServiceSnapshot {
  readonly name: string
  readonly facts: Facts
  readonly configured: readonly EndpointConfig[]
  readonly endpoints: readonly EndpointSnapshot[]
}

export interface EndpointSnapshot extends NewEndpoint {
  readonly facts: Facts
}
