import {
  type Attachment,
  EJECTED,
  HELD,
  ISOLATED,
  readClock,
  SignalboxError,
  TRIPPED,
  UNHEALTHY,
} from '../../engine/writer.ts'
import type { AnyAgent } from './grammar/agent.ts'
import type { WriteEndpoint, WriteService } from './grammar/directive.ts'

/** An endpoint of a certain tenancy of its row. */
export interface RowRef {
  readonly row: number
  readonly generation: number
}

type Endpoints = Attachment['endpoints']

interface Column {
  get(table: Endpoints, row: number): number
  /** False: it was refused. */
  set(table: Endpoints, row: number, value: number, nowMs: number, seat: number): unknown
}

/** A bar as a column: 1 while it is there. */
function bar(bits: number): Column {
  return {
    get: (table, row) => ((table.bars(row) & bits) === 0 ? 0 : 1),
    set: (table, row, value) => table.setBar(row, bits, value !== 0),
  }
}

/** Every word of a row that an agent may own, and how it is read and set. */
const ENDPOINT_COLUMNS = {
  health: { get: (table, row) => table.health(row), set: (table, row, value) => table.setHealth(row, value) },
  healthySinceMs: {
    get: (table, row) => table.healthySinceMs(row),
    set: (table, row, value) => table.setHealthySince(row, value),
  },
  unhealthyBar: bar(UNHEALTHY),
  ejectedBar: bar(EJECTED),
  isolatedBar: bar(ISOLATED),
  /** Opened for so many ms, or closed by 0; who settles opens and closes it too. */
  breaker: {
    get: (table, row) => ((table.bars(row) & TRIPPED) === 0 ? 0 : 1),
    set: (table, row, value, nowMs, seat) => table.setBreaker(row, value, seat, nowMs),
  },
  heldBar: bar(HELD),
  ejectedUntilMs: {
    get: (table, row) => table.ejectedUntilMs(row),
    set: (table, row, value) => table.setEjectedUntil(row, value),
  },
  ejections: { get: (table, row) => table.ejections(row), set: (table, row, value) => table.setEjections(row, value) },
  factor: { get: (table, row) => table.factor(row), set: (table, row, value) => table.setFactor(row, value) },
  latencyUs: { get: (table, row) => table.latencyUs(row), set: (table, row, value) => table.setLatencyUs(row, value) },
  limit: {
    get: (table, row) => table.adaptiveLimit(row),
    set: (table, row, value) => table.setAdaptiveLimit(row, value),
  },
  /** 0 … 1; −1: not known. */
  utilisation: {
    get: (table, row) => table.utilisation(row) ?? -1,
    set: (table, row, value) => (value < 0 ? table.forgetUtilisation(row) : table.setUtilisation(row, value)),
  },
  /** As of now; 0: no forecast. */
  forecastUs: {
    get: (table, row) => table.forecastUs(row),
    set: (table, row, value, nowMs) => table.setForecast(row, value, nowMs),
  },
} as const satisfies Record<string, Column>

/** Every word of a service that an agent may own. For `pullMax` and `panics` the value does not matter. */
const SERVICE_COLUMNS = {
  panicTold: ({ services }: Attachment, service: number, value: number) => services.setPanicTold(service, value !== 0),
  panics: ({ services }: Attachment, service: number) => services.countPanic(service),
  /** How far forecasts are believed, 0 … 1. */
  trust: ({ services }: Attachment, service: number, value: number) => services.setTrust(service, value),
  /** A class of requests, see CLASS_NAMES; 0: none is shed. The operator has a word of his own, and the stricter counts. */
  shedFrom: ({ services }: Attachment, service: number, value: number) => services.setShedByAgent(service, value),
  /** Requests that may be in flight; 0: any number. */
  admitted: ({ services }: Attachment, service: number, value: number) => services.setAdmitted(service, value),
  /** The number of a policy, see `policyNumber`, to stay until it is another. 0: that of the config. */
  policy: ({ services }: Attachment, service: number, value: number) => services.setPolicy(service, value, false),
  /** The same for a while: an incarnation that does not know why it is there takes it back. */
  passingPolicy: ({ services }: Attachment, service: number, value: number) => services.setPolicy(service, value, true),
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
 * A write meant for a row that has had another tenant since is passed over, and so is a bar that the rules of publication
 * refuse because too many endpoints are out already: it is counted there, and the next view shows that it does not stand.
 * A claim that comes from another node has no word here: it may call for a look, and what this process finds itself is written.
 *
 * Throws SBX_AGENT_INVALID for a word that the agent does not own, or a value that is no number: a broken promise, so its
 * thread ends before the table is harmed.
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

  /** Returns what the word was before, where it is one of an endpoint; undefined: it was not set. */
  write(directive: WriteEndpoint | WriteService): { readonly old: number | undefined } | undefined {
    this.#check(directive)
    if (!this.#mayWrite()) return undefined
    if (directive.kind === 'write-service') {
      SERVICE_COLUMNS[directive.column](this.#attachment, directive.service, directive.value)
      return { old: undefined }
    }
    const { endpoints, region, seat } = this.#attachment
    const { column, row, generation, value } = directive
    if (endpoints.generation(row) !== generation) return undefined
    const { get, set }: Column = ENDPOINT_COLUMNS[column]
    const old = get(endpoints, row)
    return set(endpoints, row, value, readClock(region), seat) === false ? undefined : { old }
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
