import { elapsedMs } from '../../../engine/writer.ts'
import type { RowRef } from '../../kit/table-port.ts'
import type { EndpointRef, QuarantineReason } from '../../signals.ts'
import { type Before, RELAPSE_MS, TIMES_WITHIN_MS } from './quarantine-time.ts'
import { type Named, subjectOf } from './subject.ts'

/** An endpoint that is kept out. */
export interface Entry extends EndpointRef {
  readonly reason: QuarantineReason
  readonly by: string
  readonly standing: 'local' | 'alone' | 'confirmed'
  readonly sinceMs: number
  /** How long from `sinceMs` on, in ms. */
  readonly forMs: number
  /** Its how-manieth within the last hour. */
  readonly times: number
  /** Of the decision that confirmed it; 0: none did. */
  readonly fence: number
  readonly proposal: string | null
  /** Whether a check of it has failed, since it is out or just before: only then do checks that pass show anything. */
  readonly hasFailed: boolean
  /** Checks in a row that it has passed. */
  readonly passes: number
  /** Its end that counts: what was scheduled before it was extended comes to nothing. */
  readonly round: number
}

/** What is remembered of an endpoint that was kept out. */
interface Past {
  readonly beganMs: readonly number[]
  readonly releasedMs: number
  readonly forMs: number
  readonly fence: number
}

/** Who is kept out, one entry for each endpoint, and who was. */
export interface QuarantineList {
  readonly entries: ReadonlyMap<string, Entry>
  readonly past: ReadonlyMap<string, Past>
}

export const NOBODY: QuarantineList = { entries: new Map(), past: new Map() }

/** Endpoints that are remembered, and times of each: beyond sixteen a quarantine is as long as it can be. */
const PAST_MAX = 4096
const TIMES_MAX = 16

/** The entry of an endpoint, of this tenancy of its row where that is said. */
export function entryOf({ entries }: QuarantineList, named: Named, generation?: number): Entry | undefined {
  const entry = entries.get(subjectOf(named))
  return generation === undefined || entry?.generation === generation ? entry : undefined
}

/** The entry of whoever is in this row. */
export function entryIn({ entries }: QuarantineList, row: RowRef): Entry | undefined {
  return [...entries.values()].find(entry => isSameRow(entry, row))
}

/** The same endpoint again replaces its entry: there are never two. */
export function put(list: QuarantineList, entry: Entry): QuarantineList {
  return { ...list, entries: new Map(list.entries).set(subjectOf(entry), entry) }
}

/** It is kept out no more, and that it was is remembered. */
export function release(list: QuarantineList, entry: Entry, now: number): QuarantineList {
  const subject = subjectOf(entry)
  const entries = new Map(list.entries)
  entries.delete(subject)
  const past = new Map(list.past)
  const before = past.get(subject)
  past.delete(subject)
  past.set(subject, {
    beganMs: [...(before?.beganMs ?? []), entry.sinceMs].slice(-TIMES_MAX),
    releasedMs: now,
    forMs: entry.forMs,
    fence: Math.max(before?.fence ?? 0, entry.fence),
  })
  if (past.size > PAST_MAX) past.delete(past.keys().next().value as string)
  return { entries, past }
}

/** The endpoint has gone: nothing is remembered of the next one of its name but what is past. */
export function forget(list: QuarantineList, named: Named): QuarantineList {
  const entries = new Map(list.entries)
  entries.delete(subjectOf(named))
  return { ...list, entries }
}

/** What has been of an endpoint, for how long it is to be kept out now. */
export function beforeOf({ past }: QuarantineList, named: Named, now: number): Before {
  const before = past.get(subjectOf(named))
  if (before === undefined) return { times: 0, relapsedFromMs: undefined }
  const times = before.beganMs.filter(ms => isWithin(ms, now, TIMES_WITHIN_MS)).length
  return { times, relapsedFromMs: isWithin(before.releasedMs, now, RELAPSE_MS) ? before.forMs : undefined }
}

/** The newest decision that was followed on an endpoint; 0: none was. */
export function fenceOf({ entries, past }: QuarantineList, named: Named): number {
  const subject = subjectOf(named)
  return Math.max(entries.get(subject)?.fence ?? 0, past.get(subject)?.fence ?? 0)
}

/** ms until it ends; 0 or less: it has. */
export function leftMs({ sinceMs, forMs }: Entry, now: number): number {
  return forMs - elapsedMs(now, sinceMs)
}

export function isSameRow(a: RowRef, b: RowRef): boolean {
  return a.row === b.row && a.generation === b.generation
}

/** Below zero it is so long ago that the clock has wrapped in between. */
function isWithin(ms: number, now: number, withinMs: number): boolean {
  const agoMs = elapsedMs(now, ms)
  return agoMs >= 0 && agoMs < withinMs
}
