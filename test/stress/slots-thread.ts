/**
 * One thread of slots.stress.test.ts: publishes structures, or reads them with or without a pin, until it is told to
 * stop, and adds up what it saw in shared counters.
 */
import { isMainThread, workerData } from 'node:worker_threads'
import { atomics } from '../../engine/memory/atomics.ts'
import { WRITER_AT } from '../../engine/memory/layout.ts'
import { openRegion, type Region, type RegionHandle } from '../../engine/memory/region.ts'
import { takeSeat } from '../../engine/memory/seats.ts'
import {
  fillSlot,
  findFreeSlot,
  isWhole,
  movePin,
  peekPublished,
  publishSlot,
  type Structure,
  serviceCount,
  serviceStart,
  slotOf,
  versionOf,
} from '../../engine/memory/slots.ts'
import { attach } from '../../engine/router/attachment.ts'
import { newEndpoint } from '../support/tiny-endpoint.ts'
import { STOP } from './region-stress.ts'

export const ROWS = 64
export const SERVICES = 3
const STRIDE = 8

/** Shared counters of all threads, beside STOP. */
export const PUBLISHED = 1
export const READ = 2
export const BROKEN = 3
export const WENT_BACK = 4
export const COUNTERS = 5

export type Role = 'publish' | 'publish by edit' | 'read pinned' | 'read unpinned' | 'read endpoints'

export interface Part {
  role: Role
  handle: RegionHandle
  counters: SharedArrayBuffer
}

/** What version v says: service s has 1 + (v + s) mod 8 rows, all of them v mod 8 beyond a multiple of 8. */
function structureOf(version: number): Structure {
  const services = Array.from({ length: SERVICES }, (_, service) => ({
    text: `version ${version}`,
    revision: version,
    rows: Array.from({ length: 1 + ((version + service) % STRIDE) }, (_, i) => i * STRIDE + (version % STRIDE)),
  }))
  return { version, services }
}

/** True when the slot says what exactly one version says. */
function isConsistent(region: Region, slot: number): boolean {
  const { words } = region
  const phase = words[serviceStart(region, slot, 0)] % STRIDE
  for (let service = 0; service < SERVICES; service++) {
    const start = serviceStart(region, slot, service)
    const count = serviceCount(region, slot, service)
    if (count !== 1 + ((phase + service) % STRIDE)) return false
    for (let i = 0; i < count; i++) if (words[start + i] !== i * STRIDE + phase) return false
  }
  return true
}

function publish(region: Region, counters: Int32Array): void {
  const seat = takeSeat(region)
  // As TableWriter does: the right to write is held, so a death leaves it to be cleared.
  while (atomics.compareExchange(region.words, WRITER_AT, 0, seat + 1) !== 0) if (Atomics.load(counters, STOP)) return
  while (!Atomics.load(counters, STOP)) {
    const before = peekPublished(region)
    const slot = findFreeSlot(region)
    if (slot < 0) continue
    fillSlot(region, slot, structureOf(versionOf(before) + 1))
    if (!publishSlot(region, before, slot)) throw new Error('somebody else published')
    Atomics.add(counters, PUBLISHED, 1)
  }
}

function read(region: Region, counters: Int32Array, isPinned: boolean): void {
  const seat = takeSeat(region)
  let published = 0
  while (!Atomics.load(counters, STOP)) {
    const next = isPinned ? movePin(region, seat) || published : peekPublished(region)
    if (versionOf(next) < versionOf(published)) Atomics.add(counters, WENT_BACK, 1)
    published = next
    // Before the first publication there are no services.
    if (versionOf(published) < 2) continue
    const slot = slotOf(published)
    if (!isConsistent(region, slot) || !isWhole(region, slot)) Atomics.add(counters, BROKEN, 1)
    Atomics.add(counters, READ, 1)
  }
}

/** Replaces all endpoints of the service by the next batch, which has as many as its number says. */
function publishByEdit(handle: RegionHandle, counters: Int32Array): void {
  const attachment = attach(handle)
  const read = (row: number): number => Number(attachment.endpoint(row).metadata.batch)
  while (!Atomics.load(counters, STOP)) {
    attachment.catchUp()
    try {
      attachment.writer.edit(edit => {
        const service = edit.find('api')
        const rows = [...edit.rows(service)]
        const batch = rows.length === 0 ? 0 : read(rows[0]) + 1
        for (const row of rows) edit.remove(service, row)
        for (let i = 0; i <= batch % 5; i++) {
          edit.add(service, newEndpoint(`e${i}`, { metadata: { batch: String(batch) } }))
        }
      })
      Atomics.add(counters, PUBLISHED, 1)
    } catch {
      // Every free row can still be seen by a reader that was not scheduled for a while: try again.
    }
  }
}

/** Looks at the endpoints of the pinned structure: all of one batch, as many as it has, and each row of this service. */
function readEndpoints(handle: RegionHandle, counters: Int32Array): void {
  const attachment = attach(handle)
  while (!Atomics.load(counters, STOP)) {
    attachment.catchUp()
    const count = serviceCount(attachment.region, attachment.slot, 0)
    if (count === 0) continue
    const start = serviceStart(attachment.region, attachment.slot, 0)
    const rows = Array.from(attachment.region.words.subarray(start, start + count))
    const endpoints = rows.map(row => attachment.endpoints.readText(row))
    const batch = Number(endpoints[0].metadata.batch)
    const isRight = endpoints.every(({ id, metadata }, i) => id === `e${i}` && Number(metadata.batch) === batch)
    if (!isRight || count !== 1 + (batch % 5)) Atomics.add(counters, BROKEN, 1)
    Atomics.add(counters, READ, 1)
  }
}

if (!isMainThread && workerData !== null && typeof workerData === 'object' && 'role' in workerData) {
  const { role, handle, counters } = workerData as Part
  const words = new Int32Array(counters)
  if (role === 'publish') publish(openRegion(handle), words)
  else if (role === 'publish by edit') publishByEdit(handle, words)
  else if (role === 'read endpoints') readEndpoints(handle, words)
  else read(openRegion(handle), words, role === 'read pinned')
}
