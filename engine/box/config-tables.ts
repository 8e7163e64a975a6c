import { endpointsOf, isSame } from '../config/changes.ts'
import { DISCOVERED, marksOf } from '../config/discover.ts'
import type { Config, DiscoverConfig, EndpointConfig } from '../config/schema.ts'
import type { Edit, NewEndpoint } from '../memory/edit.ts'
import { endpointTextOf } from '../memory/endpoint-table.ts'
import type { Attachment } from '../router/attachment.ts'
import { serviceTextOf } from './service-text.ts'
import type { TableKeeper } from './table-keeper.ts'

/** Puts the services of a config and their endpoints into tables that have none. */
export function fillTables(edit: Edit, config: Config): void {
  for (const [name, service] of Object.entries(config.services)) {
    const index = edit.putService(serviceTextOf(name, service, config.zone))
    for (const endpoint of service.endpoints) edit.add(index, newEndpoint(endpoint))
  }
}

/**
 * Takes the tables from one config to the next in one publication: every pick sees all of it or nothing. Services that are
 * gone stay until `removeServices`: requests that began before may still be routed to them.
 *
 *   now ──┐                 What is the same in both is left alone, whatever was changed live in between (a weight, an
 *         ├─ differences ─▶ endpoint added or removed, a drain). Where they differ, the next one wins.
 *   next ─┘        tables
 *
 * Endpoints that were found stay as well, unless the source they came from is looked at no more.
 *
 * An endpoint that stays the same but for its weight keeps its row, and with it what is in flight, its bars and what was
 * learned of it. Throws what an edit throws, and then nothing has changed.
 */
export function changeTables(attachment: Attachment, tables: TableKeeper, now: Config, next: Config): void {
  const { writer, endpoints, services } = attachment
  const weighed: Weighing[] = []
  const before = new Map<number, number>()
  try {
    writer.edit(edit => {
      const touched = new Set<number>()
      for (const [name, service] of Object.entries(next.services)) {
        const isNew = edit.find(name) < 0
        const index = edit.putService(serviceTextOf(name, service, next.zone))
        const was = isNew ? new Map<string, EndpointConfig>() : endpointsOf(now, name)
        const found = weighed.length
        const isMoved = changeEndpoints(edit, attachment, index, was, endpointsOf(next, name), weighed)
        const isLeft = !isNew && removeLeft(edit, attachment, index, now.services[name]?.discover, service.discover)
        if (isMoved || isLeft || weighed.length > found) touched.add(index)
      }
      // Last, since a word cannot be taken back by leaving an edit unpublished.
      for (const { row, weight, service } of weighed) {
        before.set(row, endpoints.weight(row))
        endpoints.setWeight(row, weight)
        services.raisePullMax(service, endpoints.pull(row))
      }
      for (const index of touched) tables.renew(edit, index)
    })
  } catch (error) {
    for (const [row, weight] of before) endpoints.setWeight(row, weight)
    throw error
  }
}

/** Takes out what was found by sources that are looked at no more. True when there was any. */
function removeLeft(
  edit: Edit,
  attachment: Attachment,
  service: number,
  now: readonly DiscoverConfig[] = [],
  next: readonly DiscoverConfig[],
): boolean {
  const [before, after] = [marksOf(now), marksOf(next)]
  const isLeft = (mark: string | undefined): boolean => mark !== undefined && before.has(mark) && !after.has(mark)
  if (![...before].some(isLeft)) return false
  const rows = edit.rows(service).filter(row => isLeft(attachment.endpoint(row).metadata[DISCOVERED]))
  for (const row of rows) edit.remove(service, row)
  return rows.length > 0
}

interface Weighing {
  readonly row: number
  readonly weight: number
  readonly service: number
}

/** Takes services out that this config does not have any more. */
export function removeServices(attachment: Attachment, names: readonly string[]): void {
  if (names.length === 0) return
  attachment.writer.edit(edit => {
    for (const name of names) {
      const index = edit.find(name)
      if (index >= 0) edit.removeService(index)
    }
  })
}

/** Whether a row's endpoint is this one, its weight aside. */
export function isSameEndpoint(attachment: Attachment, row: number, next: NewEndpoint): boolean {
  return isSameTenant({ ...attachment.endpoint(row), weight: 0, priority: attachment.endpoints.priority(row) }, next)
}

/** Whether two are the same endpoint, their weights aside. */
export function isSameTenant(a: NewEndpoint, b: NewEndpoint): boolean {
  const isWorthTheSame = a.cost === b.cost && a.capacity === b.capacity
  return (
    a.url === b.url &&
    a.zone === b.zone &&
    a.priority === b.priority &&
    isWorthTheSame &&
    isSame(a.metadata, b.metadata)
  )
}

/** What the table needs of a configured endpoint. */
export function newEndpoint(endpoint: EndpointConfig): NewEndpoint {
  const { weight, priority, zone = '' } = endpoint
  return { ...endpointTextOf({ ...endpoint, zone }), weight, priority }
}

/** Adds, removes and lists in `weighed` what differs. True when rows came or went. */
function changeEndpoints(
  edit: Edit,
  attachment: Attachment,
  service: number,
  now: ReadonlyMap<string, EndpointConfig>,
  next: ReadonlyMap<string, EndpointConfig>,
  weighed: Weighing[],
): boolean {
  const rows = new Map(edit.rows(service).map(row => [attachment.endpoint(row).id, row]))
  let isMoved = false
  const remove = (row: number | undefined): void => {
    if (row === undefined) return
    edit.remove(service, row)
    isMoved = true
  }
  for (const id of now.keys()) if (!next.has(id)) remove(rows.get(id))
  for (const [id, endpoint] of next) {
    const before = now.get(id)
    if (before !== undefined && isSame(before, endpoint)) continue
    const wanted = newEndpoint(endpoint)
    const row = rows.get(id)
    if (row !== undefined && isSameEndpoint(attachment, row, wanted)) {
      if (before?.weight !== endpoint.weight) weighed.push({ row, weight: endpoint.weight, service })
      continue
    }
    remove(row)
    edit.add(service, wanted)
    isMoved = true
  }
  return isMoved
}
