/**
 * One thread of choice-tables.stress.test.ts: builds tables and publishes them, or reads them with or without a pin, until
 * it is told to stop, and adds up what it saw in shared counters.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { becomeBuilder, fillTable, findRoom, isTableWhole, readTable } from '../../engine/memory/choice-tables.ts'
import { openRegion, type Region, type RegionHandle } from '../../engine/memory/region.ts'
import { takeSeat } from '../../engine/memory/seats.ts'
import { movePin, peekPublished, serviceTable, slotOf } from '../../engine/memory/slots.ts'
import { TableWriter } from '../../engine/memory/table-writer.ts'
import { STOP } from './region-stress.ts'

/** Large enough that a thread is interrupted within one now and then. */
export const ENTRIES = 20_000
const MEMBERS = 50

/** Shared counters of all threads, beside STOP. */
export const BUILT = 1
export const READ = 2
export const BROKEN = 3
export const COUNTED = 4
export const COUNTERS = 5

export type Role = 'build' | 'read pinned' | 'read unpinned' | 'has one count' | 'count'

export interface Part {
  role: Role
  handle: RegionHandle
  counters: SharedArrayBuffer
}

/** Builds tables 1, 2, 3 …: everything in one says its number, modulo the members. */
function build(region: Region, counters: Int32Array): void {
  const seat = takeSeat(region)
  while (!becomeBuilder(region, seat)) if (Atomics.load(counters, STOP)) return
  const writer = new TableWriter(region, seat)
  for (let n = Atomics.load(counters, BUILT) + 1; !Atomics.load(counters, STOP); n++) {
    const draft = {
      kind: n,
      tickets: new Int32Array(MEMBERS).fill(n),
      weightsQ8: new Int32Array(MEMBERS).fill(n),
      entries: new Uint16Array(ENTRIES + (n % 3)).fill(n % MEMBERS),
    }
    let at = 0
    // Readers that are not scheduled for a while pin old tables.
    while ((at = findRoom(region, WORDS)) === 0) if (Atomics.load(counters, STOP)) return
    fillTable(region, at, draft)
    writer.edit(edit => edit.setTable(0, at))
    Atomics.store(counters, BUILT, n)
  }
}

/** What a table takes at most: header, members, and a word for two entries. */
export const WORDS = 16 + 2 * MEMBERS + ENTRIES / 2 + 12

function read(region: Region, counters: Int32Array, isPinned: boolean): void {
  const seat = takeSeat(region)
  let published = 0
  while (!Atomics.load(counters, STOP)) {
    published = isPinned ? movePin(region, seat) || published : peekPublished(region)
    const at = serviceTable(region, slotOf(published), 0)
    if (at === 0) continue
    const { kind, tickets, weightsQ8, entries } = readTable(region, at)
    const isOne =
      tickets.every(ticket => ticket === kind) &&
      weightsQ8.every(weight => weight === kind) &&
      entries.length === ENTRIES + (kind % 3) &&
      entries.every(entry => entry === kind % MEMBERS)
    if (!isOne || !isTableWhole(region, at)) Atomics.add(counters, BROKEN, 1)
    Atomics.add(counters, READ, 1)
  }
}

if (!isMainThread && workerData !== null && typeof workerData === 'object' && 'role' in workerData) {
  const { role, handle, counters } = workerData as Part
  const words = new Int32Array(counters)
  if (role === 'build') build(openRegion(handle), words)
  else if (role === 'has one count')
    new Worker(new URL(import.meta.url), { workerData: { role: 'count', handle, counters } })
  else if (role === 'count') for (;;) Atomics.add(words, COUNTED, 1)
  else read(openRegion(handle), words, role === 'read pinned')
}
