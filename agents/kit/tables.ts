import type { Attachment } from '../../engine/writer.ts'
import { defineAction } from './action.ts'
import { defineSignal } from './signal.ts'

/** One endpoint as the tables say, in plain numbers; bars and health as in the engine's bars.ts and endpoint-table.ts. */
export interface EndpointView {
  readonly row: number
  /** Which tenant of the row this is: goes with the row wherever a later write is meant for this endpoint. */
  readonly generation: number
  readonly id: string
  readonly url: string
  readonly bars: number
  readonly weight: number
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
}

export interface ServiceView {
  readonly index: number
  readonly name: string
  /** From 0 to 1; 0: never. */
  readonly panicThreshold: number
  readonly barMask: number
  /** False when the largest pull of the rows is not what the service table says. */
  readonly isPullMaxRight: boolean
  readonly endpoints: readonly EndpointView[]
}

export interface TablesView {
  readonly services: readonly ServiceView[]
}

/** The answer to `lookAtTables`. */
export const tablesSeen = defineSignal<TablesView>('signalbox.tables.seen')

/** Reads the tables as they are now; the answer comes before any other signal that arrives later. */
export const lookAtTables = defineAction<undefined, TablesView>('look-at-tables', tablesSeen, (_, { attachment }) =>
  viewTables(attachment),
)

type Structure = ReturnType<Attachment['serviceTexts']>

/** The structure is decoded again only when it has changed: an agent looks ten times a second, structure seldom changes. */
const decoded = new WeakMap<Attachment, { pinned: number; structure: Structure }>()

export function viewTables(attachment: Attachment): TablesView {
  return {
    services: structureOf(attachment).map(({ text, rows }, index) => viewService(attachment, text, rows, index)),
  }
}

function structureOf(attachment: Attachment): Structure {
  const pinned = attachment.catchUp()
  const known = decoded.get(attachment)
  if (known !== undefined && known.pinned === pinned) return known.structure
  const structure = attachment.serviceTexts()
  // What was read may be newer than what was pinned above; then the next look decodes once more.
  decoded.set(attachment, { pinned, structure })
  return structure
}

function viewService(
  attachment: Attachment,
  text: Structure[number]['text'],
  rows: readonly number[],
  index: number,
): ServiceView {
  const { endpoints, services } = attachment
  const pullMax = rows.reduce((most, row) => Math.max(most, endpoints.pull(row)), 0)
  return {
    index,
    name: text.name,
    panicThreshold: text.panicThreshold,
    barMask: services.barMask(index),
    isPullMaxRight: services.pullMax(index) === pullMax,
    endpoints: rows.map(row => viewEndpoint(attachment, row)),
  }
}

function viewEndpoint(attachment: Attachment, row: number): EndpointView {
  const { endpoints } = attachment
  const { id, url } = attachment.endpoint(row)
  return {
    row,
    generation: endpoints.generation(row),
    id,
    url,
    bars: endpoints.bars(row),
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
  }
}
