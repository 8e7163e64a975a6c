import { type Attachment, OVERPROVISIONING, type ServiceText } from '../../engine/writer.ts'
import { defineAction } from './grammar/action.ts'
import { trusted } from './grammar/schema.ts'
import { defineSignal } from './grammar/signal.ts'

/**
 * One endpoint as the tables say, in plain numbers. Names for the bits of `bars` and the values of `health` are in signalbox/writer
 * (EJECTED …, HEALTH_NAMES); times are ms of the region's clock, which wraps.
 */
export interface EndpointView {
  readonly row: number
  /** Which tenant of the row this is: goes with the row wherever a later write is meant for this endpoint. */
  readonly generation: number
  readonly id: string
  readonly url: string
  /** Empty: unknown. */
  readonly zone: string
  /** The operator's own texts. */
  readonly metadata: Readonly<Record<string, string>>
  readonly bars: number
  /** 0 is first. */
  readonly priority: number
  /** The operator's. */
  readonly weight: number
  /** What the weight is multiplied by, from 0 to 1. */
  readonly factor: number
  readonly health: number
  readonly healthySinceMs: number
  readonly ejectedUntilMs: number
  readonly ejections: number
  readonly latencyUs: number
  readonly joinedMs: number
  /** Requests in flight it may have, as its latency says; 0: no limit. */
  readonly limit: number
  /** Requests in flight on it, all threads together. */
  readonly inflight: number
  /** Used share of its capacity, from 0 to 1; undefined: not known. */
  readonly utilisation: number | undefined
  /** µs, as forecast; 0: not. */
  readonly forecastUs: number
  /** What an hour of all of its capacity costs; undefined: not known. */
  readonly cost?: number | undefined
  /** Requests it can work on at a time; undefined: not known. */
  readonly capacity?: number | undefined
}

/** One service as the tables say, and its endpoints. */
export interface ServiceView {
  /** Where it is in the tables: what `writeService` takes. */
  readonly index: number
  readonly name: string
  /** From 0 to 1; 0: never. */
  readonly panicThreshold: number
  /** A panic was told that was not called off yet. */
  readonly isPanicTold: boolean
  /** In percent, see ServiceText. */
  readonly overprovisioning: number
  /** Name of its policy, as the config says. */
  readonly policy: string
  /** The number of the policy that replaces it, see `policyNumber`; 0: none does. */
  readonly policyInstead: number
  /** That is there for a while only. */
  readonly isPolicyPassing: boolean
  /** Requests of this class and of lower ones are shed; 0: none. Whoever says so, the operator or an agent. */
  readonly shedFrom: number
  /** What an agent says of that; 0: nothing. */
  readonly shedByAgent?: number
  /** Requests that may be in flight as this process can bear; 0: any number. */
  readonly admitted?: number
  /** How far forecasts are believed, from 0 to 1; undefined: nobody has said. */
  readonly trust: number | undefined
  /** False when the largest pull of the rows is not what the service table says. */
  readonly isPullMaxRight: boolean
  readonly endpoints: readonly EndpointView[]
}

/** All services that are there at one moment. */
export interface TablesView {
  /** The published structure: who is there, and what is said of them. It is another with each publication. */
  readonly structure: number
  readonly services: readonly ServiceView[]
}

/** Before the first look. */
export const NOTHING_SEEN: TablesView = { structure: 0, services: [] }

/** The answer to `lookAtTables`. */
export const tablesSeen = defineSignal('signalbox.tables.seen', { data: trusted<TablesView>() })

/** Reads the tables as they are now; the answer comes before any other signal that arrives later. */
export const lookAtTables = defineAction({
  name: 'look-at-tables',
  done: tablesSeen,
  run: (_: undefined, { attachment }) => viewTables(attachment),
})

/** A look, and what follows from it, takes some µs for each endpoint: with so many in a ms it is a fifth of a core at most. */
const ROWS_PER_MS = 50

/** From one look to the next, in ms, where something changes all the time: with very many endpoints longer than `leastMs`. */
export function lookEveryMs(endpoints: number, leastMs: number, rowsPerMs = ROWS_PER_MS): number {
  return Math.max(leastMs, Math.ceil(endpoints / rowsPerMs))
}

export function viewTables(attachment: Attachment): TablesView {
  return {
    structure: attachment.catchUp(),
    services: attachment
      .serviceTexts()
      .flatMap(({ text, rows }, index) => (text.isGone ? [] : [viewService(attachment, text, rows, index)])),
  }
}

function viewService(attachment: Attachment, text: ServiceText, rows: readonly number[], index: number): ServiceView {
  const { endpoints, services } = attachment
  const pullMax = rows.reduce((most, row) => Math.max(most, endpoints.pull(row)), 0)
  return {
    index,
    name: text.name,
    panicThreshold: text.panicThreshold,
    isPanicTold: services.isPanicTold(index),
    overprovisioning: text.overprovisioning ?? OVERPROVISIONING,
    policy: text.policy.name,
    policyInstead: services.policy(index),
    isPolicyPassing: services.isPolicyPassing(index),
    shedFrom: services.shedFrom(index),
    shedByAgent: services.shedByAgent(index),
    admitted: services.admitted(index),
    trust: services.trust(index),
    isPullMaxRight: services.pullMax(index) === pullMax,
    endpoints: rows.map(row => viewEndpoint(attachment, row)),
  }
}

function viewEndpoint(attachment: Attachment, row: number): EndpointView {
  const { endpoints } = attachment
  const { id, url, zone, metadata, cost, capacity } = attachment.endpoint(row)
  return {
    row,
    generation: endpoints.generation(row),
    id,
    url,
    zone,
    metadata,
    bars: endpoints.bars(row),
    priority: endpoints.priority(row),
    weight: endpoints.weight(row),
    factor: endpoints.factor(row),
    health: endpoints.health(row),
    healthySinceMs: endpoints.healthySinceMs(row),
    ejectedUntilMs: endpoints.ejectedUntilMs(row),
    ejections: endpoints.ejections(row),
    latencyUs: endpoints.latencyUs(row),
    joinedMs: endpoints.joinedMs(row),
    limit: endpoints.adaptiveLimit(row),
    inflight: attachment.tally.inflight(row),
    utilisation: endpoints.utilisation(row),
    forecastUs: endpoints.forecastUs(row),
    cost,
    capacity,
  }
}
