import { type Attachment, EJECTED, SignalboxError, UNHEALTHY } from '../../engine/writer.ts'
import type { AnyAgent } from './agent.ts'
import type { WriteEndpoint, WriteService } from './directive.ts'

/** An endpoint of a certain tenancy of its row. */
export interface RowRef {
  readonly row: number
  readonly generation: number
}

type Endpoints = Attachment['endpoints']

/** Every word of a row that an agent may own, and how it is set. Bars take 1 and 0. */
const ENDPOINT_COLUMNS = {
  health: (table: Endpoints, row: number, value: number) => table.setHealth(row, value),
  healthySinceMs: (table: Endpoints, row: number, value: number) => table.setHealthySince(row, value),
  unhealthyBar: (table: Endpoints, row: number, value: number) => table.setBar(row, UNHEALTHY, value !== 0),
  ejectedBar: (table: Endpoints, row: number, value: number) => table.setBar(row, EJECTED, value !== 0),
  ejectedUntilMs: (table: Endpoints, row: number, value: number) => table.setEjectedUntil(row, value),
  ejections: (table: Endpoints, row: number, value: number) => table.setEjections(row, value),
  factor: (table: Endpoints, row: number, value: number) => table.setFactor(row, value),
  latencyUs: (table: Endpoints, row: number, value: number) => table.setLatencyUs(row, value),
  limit: (table: Endpoints, row: number, value: number) => table.setAdaptiveLimit(row, value),
} as const

/** Every word of a service that an agent may own. For `pullMax` and `panics` the value does not matter. */
const SERVICE_COLUMNS = {
  panicTold: ({ services }: Attachment, service: number, value: number) => services.setPanicTold(service, value !== 0),
  panics: ({ services }: Attachment, service: number) => services.countPanic(service),
  pullMax: (attachment: Attachment, service: number) => {
    const rows = attachment.serviceTexts()[service]?.rows ?? []
    attachment.services.refreshPullMax(service, rows, attachment.endpoints)
  },
} as const

export type EndpointColumn = keyof typeof ENDPOINT_COLUMNS
export type ServiceColumn = keyof typeof SERVICE_COLUMNS

/**
 * The only way an agent's directives reach the tables: the words it declared as its own and no others.
 *
 * A write meant for a row that has had another tenant since is passed over. Throws SBX_AGENT_INVALID for a word that
 * the agent does not own, or a value that is no number: a broken promise, so its thread ends before the table is harmed.
 */
export class TablePort {
  readonly #attachment: Attachment
  readonly #agent: AnyAgent
  readonly #mayWrite: () => boolean

  /** `mayWrite` is asked before each write, and counts where it says no: the agent was declared dead and still runs. */
  constructor(attachment: Attachment, agent: AnyAgent, mayWrite: () => boolean = () => true) {
    this.#attachment = attachment
    this.#agent = agent
    this.#mayWrite = mayWrite
  }

  write(directive: WriteEndpoint | WriteService): void {
    this.#check(directive)
    if (!this.#mayWrite()) return
    if (directive.kind === 'write-service') {
      SERVICE_COLUMNS[directive.column](this.#attachment, directive.service, directive.value)
      return
    }
    const { endpoints } = this.#attachment
    const { column, row, generation, value } = directive
    if (endpoints.generation(row) === generation) ENDPOINT_COLUMNS[column](endpoints, row, value)
  }

  #check({ column, value }: WriteEndpoint | WriteService): void {
    const { name, writes } = this.#agent
    if (!writes.includes(column)) {
      throw new SignalboxError(
        'SBX_AGENT_INVALID',
        `Cannot write ${column} as ${name}: it owns ${writes.join(', ') || 'no word'}, signal the owner instead`,
      )
    }
    if (!Number.isFinite(value)) {
      throw new SignalboxError(
        'SBX_AGENT_INVALID',
        `Cannot write ${column} as ${name}: ${value} is not a finite number`,
      )
    }
  }
}
