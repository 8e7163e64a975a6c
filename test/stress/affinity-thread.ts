/**
 * One thread of affinity.stress.test.ts: keeps or finds sessions until it is told to stop, and adds up what it saw in
 * shared counters.
 */
import { isMainThread, workerData } from 'node:worker_threads'
import { Affinity, NO_SESSION } from '../../engine/memory/affinity.ts'
import { AFFINITY_SET_WORDS, AFFINITY_TICKET, AFFINITY_WAYS } from '../../engine/memory/layout.ts'
import { openRegion, type Region, type RegionHandle } from '../../engine/memory/region.ts'

export const ROWS = 16
/** Four times as many as the table has entries: nearly each that is kept takes the place of another. */
export const HASHES = 256

/** Shared counters of all threads. */
export const STOP = 0
export const KEPT = 1
export const FOUND = 2
export const MISSED = 3
export const WRONG = 4
/** Pairs of words that were never written together. */
export const MIXED = 5
export const COUNTERS = 6

export type Role = 'keep' | 'find'

export interface Part {
  role: Role
  handle: RegionHandle
  counters: SharedArrayBuffer
  service: number
  rows: readonly number[]
  /** The ticket that is written with each first word there may be. */
  pairs: Map<number, number>
}

export const TTL_MS = 60_000

/** Where a session belongs: each has one row for good, so any other is wrong. */
export const homeOf = (hash: number, rows: readonly number[]): number => rows[hash % rows.length]

function keep(table: Affinity, rows: readonly number[], counters: Int32Array): void {
  for (let turn = 0; !Atomics.load(counters, STOP); turn++) {
    const hash = 1 + (Math.imul(turn, 0x2545f491) >>> 24)
    table.keep(hash, homeOf(hash, rows), TTL_MS)
    Atomics.add(counters, KEPT, 1)
  }
}

/** Finds sessions, and looks at the same words without asking whether they belong together. */
function find(table: Affinity, { words, layout }: Region, { rows, pairs }: Part, counters: Int32Array): void {
  const end = layout.affinityAt + (layout.affinity / AFFINITY_WAYS) * AFFINITY_SET_WORDS
  while (!Atomics.load(counters, STOP)) {
    for (let hash = 1; hash <= HASHES; hash++) {
      const row = table.find(hash, TTL_MS)
      Atomics.add(counters, row === NO_SESSION ? MISSED : FOUND, 1)
      if (row !== NO_SESSION && row !== homeOf(hash, rows)) Atomics.add(counters, WRONG, 1)
    }
    for (let set = layout.affinityAt; set < end; set += AFFINITY_SET_WORDS) {
      for (let at = set; at < set + AFFINITY_WAYS; at++) {
        const sealed = words[at]
        const ticket = words[at + AFFINITY_TICKET]
        if (sealed !== 0 && ticket !== 0 && pairs.get(sealed) !== ticket) Atomics.add(counters, MIXED, 1)
      }
    }
  }
}

if (!isMainThread && workerData !== null && typeof workerData === 'object' && 'role' in workerData) {
  const part = workerData as Part
  const region = openRegion(part.handle)
  const table = new Affinity(region, part.service)
  table.list(part.rows)
  const counters = new Int32Array(part.counters)
  if (part.role === 'keep') keep(table, part.rows, counters)
  else find(table, region, part, counters)
}
