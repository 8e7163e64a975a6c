import { atomics } from './atomics.ts'
import {
  BUILDER_AT,
  ENTRY_TABLE,
  ENTRY_WORDS,
  LINE_WORDS,
  MEMBER_TICKET,
  MEMBER_WEIGHT_Q8,
  MEMBER_WORDS,
  SLOT_HEADER_WORDS,
  SLOT_SERVICES,
  TABLE_CHECK,
  TABLE_ENTRIES,
  TABLE_HEADER_WORDS,
  TABLE_KIND,
  TABLE_MEMBERS,
  TABLE_POINTS,
  TABLE_WORDS,
} from './layout.ts'
import type { Region } from './region.ts'
import { slotStart, slotsInUse } from './slots.ts'

/**
 * Choice tables: what a policy looks a key or a turn up in, built once and read by all threads.
 *
 *   slot 0  [ … service 0: table ──┐ … ]  live        slot 1  [ … service 0: table ──┐ … ]  pinned by seat 3
 *                                  ▼                                                 ▼
 *   choice area  [ table of 9 members │ room: the next one is built here │ table of 8 members │ room … ]
 *
 *   a table      [ words check kind members entries points … │ ticket weight │ … │ points, 32 bits │ entries, 16 bits ]
 *
 * A slot names the table of each service, so a table is published with the structure, by the same compareExchange, and
 * protected by the same pins: it stays as it is while a slot that is live or pinned names it. Many slots may name one
 * table, and nobody counts them: what is in use is told by looking at the slots that are, when room is needed. A builder
 * that dies leaves a table that no slot names, which is room.
 *
 * An entry is the number of a member, and a member is a ticket: row and generation. So a table may be older than the
 * structure it is named by: a member that has left is known by its row no longer being listed or having another tenant,
 * see choice-view.ts.
 *
 *   In use is what a slot names that was live or pinned when we looked. Later slots copy what the live one names, or name
 *   what the builder has published; so with one builder at a time room stays room until that builder fills it.
 */
export interface TableDraft {
  /** What the entries mean, by a number of the policies' own. */
  readonly kind: number
  readonly tickets: Int32Array
  /** The weight of each member, 24.8 fixed point. */
  readonly weightsQ8: Int32Array
  readonly points?: Uint32Array
  readonly entries: Uint16Array
}

/** A stretch of the choice area, in words. */
export interface Room {
  readonly at: number
  readonly words: number
}

/**
 * Names this seat the one that builds tables in this region. False when a living thread is it already.
 *
 * writes    BUILDER
 * ordering  SeqCst compareExchange
 * progress  wait-free
 * pairs     freeSeat, which clears it when the builder's thread has ended
 */
export function becomeBuilder(region: Region, seat: number): boolean {
  const before = atomics.compareExchange(region.words, BUILDER_AT, 0, seat + 1)
  return before === 0 || before === seat + 1
}

/** Words of a table, whole lines. */
export function tableWords(members: number, entries: number, points: number): number {
  return wholeLines(TABLE_HEADER_WORDS + members * MEMBER_WORDS + points + Math.ceil(entries / 2))
}

/** The largest table there may be: the live one, its heir and one more that is still pinned have room beside each other. */
export function tableWordsMax({ layout }: Region): number {
  return Math.floor((layout.choicesEnd - layout.choicesAt) / 3 / LINE_WORDS) * LINE_WORDS
}

/**
 * Room for a table of so many words: its word index, or 0 when there is none for the moment. `reserved` is what the caller
 * fills and has not published yet.
 *
 * writes    nothing
 * reads     what slotsInUse reads, then the table words of those slots and the length of each table
 * ordering  SeqCst loads of PUBLISHED and pins, then Unordered: slots in use and the tables they name do not change. A
 *           slot that is announced and was replaced meanwhile may say anything; then room is taken for used
 * progress  wait-free
 * pairs     movePin. Call it as the builder: two callers would be given the same room
 */
export function findRoom(region: Region, words: number, reserved: readonly Room[] = []): number {
  const { choicesAt, choicesEnd } = region.layout
  const used = [...reserved, ...tablesInUse(region)].sort((a, b) => a.at - b.at)
  let from = choicesAt
  for (const table of used) {
    if (table.at - from >= words) return from
    from = Math.max(from, table.at + table.words)
  }
  return choicesEnd - from >= words ? from : 0
}

function tablesInUse(region: Region): Room[] {
  const { words, layout } = region
  const inUse = slotsInUse(region)
  const found = new Set<number>()
  for (let slot = 0; slot < layout.slots; slot++) {
    if (inUse[slot] === 0) continue
    const start = slotStart(region, slot)
    for (let service = 0; service < words[start + SLOT_SERVICES]; service++) {
      found.add(words[start + SLOT_HEADER_WORDS + service * ENTRY_WORDS + ENTRY_TABLE])
    }
  }
  found.delete(0)
  return Array.from(found, at => ({ at, words: wholeLines(Math.max(TABLE_HEADER_WORDS, words[at + TABLE_WORDS])) }))
}

/** How large the table at a word index is; undefined where there is none. */
export function tableSize({ words }: Region, at: number): { entries: number; members: number } | undefined {
  return at === 0 ? undefined : { entries: words[at + TABLE_ENTRIES], members: words[at + TABLE_MEMBERS] }
}

/**
 * Writes a table into room for it and returns its checksum.
 *
 * writes    the table; its checksum last
 * reads     nothing that others write: nobody reads the table before a slot that names it is published
 * ordering  Unordered, then a SeqCst store of TABLE_CHECK: the thread that publishes may be another one, and sees all of the
 *           table when it sees that word
 * progress  wait-free
 * pairs     isFilled
 */
export function fillTable(region: Region, at: number, draft: TableDraft): number {
  const { words, buffer } = region
  const { kind, tickets, weightsQ8, points, entries } = draft
  const membersAt = at + TABLE_HEADER_WORDS
  const pointsAt = membersAt + tickets.length * MEMBER_WORDS
  const entriesAt = pointsAt + (points?.length ?? 0)
  const end = entriesAt + Math.ceil(entries.length / 2)
  words[at + TABLE_WORDS] = wholeLines(end - at)
  words[at + TABLE_KIND] = kind
  words[at + TABLE_MEMBERS] = tickets.length
  words[at + TABLE_ENTRIES] = entries.length
  words[at + TABLE_POINTS] = points?.length ?? 0
  for (let member = 0; member < tickets.length; member++) {
    words[membersAt + member * MEMBER_WORDS + MEMBER_TICKET] = tickets[member]
    words[membersAt + member * MEMBER_WORDS + MEMBER_WEIGHT_Q8] = weightsQ8[member]
  }
  // Of an odd number of entries the last shares its word with half a word of nothing.
  words[end - 1] = 0
  if (points !== undefined) new Uint32Array(buffer, pointsAt * 4, points.length).set(points)
  new Uint16Array(buffer, entriesAt * 4, entries.length).set(entries)
  return atomics.store(words, at + TABLE_CHECK, checksum(region, at))
}

/** Whether the table another thread filled has arrived here: asked before it is published. SeqCst, pairs with fillTable. */
export function isFilled(region: Region, at: number, check: number): boolean {
  return atomics.load(region.words, at + TABLE_CHECK) === check
}

/** True when a table says what it was filled with: the invariant of the whole scheme, asked by tests. */
export function isTableWhole(region: Region, at: number): boolean {
  return region.words[at + TABLE_CHECK] === checksum(region, at)
}

/** A table that a pinned slot names, as it was drafted; points and entries are windows into it. */
export function readTable({ words, buffer }: Region, at: number): TableDraft {
  const members = words[at + TABLE_MEMBERS]
  const points = words[at + TABLE_POINTS]
  const membersAt = at + TABLE_HEADER_WORDS
  const pointsAt = membersAt + members * MEMBER_WORDS
  const memberWords = (word: number): Int32Array =>
    Int32Array.from({ length: members }, (_, member) => words[membersAt + member * MEMBER_WORDS + word])
  return {
    kind: words[at + TABLE_KIND],
    tickets: memberWords(MEMBER_TICKET),
    weightsQ8: memberWords(MEMBER_WEIGHT_Q8),
    points: new Uint32Array(buffer, pointsAt * 4, points),
    entries: new Uint16Array(buffer, (pointsAt + points) * 4, words[at + TABLE_ENTRIES]),
  }
}

function checksum({ words, layout }: Region, at: number): number {
  const points = words[at + TABLE_POINTS]
  const size = TABLE_HEADER_WORDS + words[at + TABLE_MEMBERS] * MEMBER_WORDS + points
  // Within the area, whatever a table that is being written says of its size.
  const end = Math.min(at + size + Math.ceil(words[at + TABLE_ENTRIES] / 2), layout.choicesEnd)
  let hash = 0x811c9dc5 | 0
  for (let word = at + TABLE_KIND; word <= at + TABLE_POINTS; word++) hash = Math.imul(hash ^ words[word], 0x01000193)
  for (let word = at + TABLE_HEADER_WORDS; word < end; word++) hash = Math.imul(hash ^ words[word], 0x01000193)
  return hash
}

function wholeLines(words: number): number {
  return Math.ceil(words / LINE_WORDS) * LINE_WORDS
}
