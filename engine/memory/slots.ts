import { atomics } from './atomics.ts'
import {
  ENTRY_COUNT,
  ENTRY_REVISION,
  ENTRY_START,
  ENTRY_TABLE,
  ENTRY_TEXT,
  ENTRY_TEXT_BYTES,
  ENTRY_WORDS,
  PUBLISHED_AT,
  SEAT_PIN,
  SEAT_PIN_NEXT,
  SEATS_HIGH_AT,
  SERVICE_TEXT_BYTES_MAX,
  SLOT_CHECK,
  SLOT_DECISION,
  SLOT_HEADER_WORDS,
  SLOT_ROWS,
  SLOT_SERVICES,
  SLOT_TERM,
  SLOT_VERSION,
} from './layout.ts'
import type { Region } from './region.ts'
import { seatWord } from './seats.ts'

/**
 * The structure of the tables (which services there are, which rows each has) as immutable snapshots.
 *
 *        PUBLISHED = version << 8 | slot ───┐
 *                                           ▼
 *   slot 0  [ version check services rows | service 0 | service 1 | … | row row row row … ]   live
 *   slot 1  [ an older version, pinned by seat 3                                          ]   not touched
 *   slot 2  [ free: neither live nor pinned                                               ]   the next version is built here
 *
 * A thread *pins* the slot it reads, in a word of its seat, and keeps the pin between picks. So a pick costs one plain
 * load of PUBLISHED and a comparison; only when the structure changed does it announce anything. A reader holds one
 * slot (two for an instant while it moves), hence slots = seats + 2: one is always free for the writer. A writer that
 * dies leaves an unpublished slot, which is a free slot.
 *
 * A seqlock would be smaller, and wrong: with plain payload loads ECMA-262 allows a torn snapshot, and a writer that
 * dies leaves it odd for ever. Epochs announced per event-loop turn would do, but an idle thread would hold up every
 * later slot, and each turn would pay for two atomic stores.
 */

const VERSION_MASK = 0x7fffff

export const slotOf = (published: number): number => published & 0xff
export const versionOf = (published: number): number => published >>> 8
/** The version after this one. Zero is left out: a published word of 0 means "none". */
export const nextVersion = (version: number): number => (version + 1) & VERSION_MASK || 1
/** Versions a ≥ b on the 23-bit circle: right while they are less than four million publications apart. */
export const isAtLeast = (a: number, b: number): boolean => ((a - b) & VERSION_MASK) < VERSION_MASK >>> 1

/** Which decision of whom a structure comes from: numbers of 31 bits, compared by the term first. */
export interface Decision {
  /** Of the leader that decided; 1 and more. */
  readonly term: number
  /** The number of the decision within the term; 0 and more. */
  readonly revision: number
}

/** What a slot says, as plain data. Rows are row numbers of the endpoint table. */
export interface Structure {
  version: number
  /** The last decision that was followed; left out: none was, only edits of this process. */
  decision?: Decision
  services: {
    text: string
    revision: number
    rows: number[]
    /** Word index of the service's choice table; left out: it has none. */
    table?: number
  }[]
}

export function slotStart(region: Region, slot: number): number {
  return region.layout.slotsAt + slot * region.layout.slotWords
}

/**
 * Moves this thread's pin to the live slot and returns the published word it now reads under; 0 when the writer
 * outran it three times: then the old pin stands, and what it shows is complete, a moment old.
 *
 * writes    SEAT_PIN_NEXT, then SEAT_PIN
 * reads     PUBLISHED, before and after the announcement
 * ordering  SeqCst throughout; the slot is then read Unordered: it does not change while it is pinned
 * progress  wait-free: at most three rounds
 * pairs     publishSlot (stores PUBLISHED, then reads every pin before it reuses a slot). In the total order of SeqCst
 *           either our announcement comes before the writer's look at the pins, and it spares the slot, or our second
 *           load of PUBLISHED comes after its store, and we see that the slot is no longer live.
 */
export function movePin(region: Region, seat: number): number {
  const words = region.words
  const pin = seatWord(region, seat, SEAT_PIN)
  const next = seatWord(region, seat, SEAT_PIN_NEXT)
  for (let round = 0; round < 3; round++) {
    const published = atomics.load(words, PUBLISHED_AT)
    atomics.store(words, next, slotOf(published) + 1)
    if (atomics.load(words, PUBLISHED_AT) === published) {
      atomics.store(words, pin, slotOf(published) + 1)
      atomics.store(words, next, 0)
      return published
    }
  }
  atomics.store(words, next, 0)
  return 0
}

/**
 * A slot that may be filled: neither live nor pinned. −1 when every one is in use for the moment, which happens only
 * while readers move their pins.
 *
 * writes    nothing
 * reads     what slotsInUse reads
 * ordering  SeqCst
 * progress  wait-free
 * pairs     movePin. Call it while holding the right to write: two callers would be given the same slot.
 */
export function findFreeSlot(region: Region): number {
  return slotsInUse(region).indexOf(0)
}

/**
 * Which slots are live or pinned: 1 at the number of each that is.
 *
 * writes    nothing
 * reads     PUBLISHED, then of every seat the next pin and the pin, in this order
 * ordering  SeqCst, PUBLISHED first: who pins after we looked at its seat has seen what was live then, or later
 * progress  wait-free
 * pairs     movePin
 */
export function slotsInUse(region: Region): Uint8Array {
  const { words, layout } = region
  // By pin, which is slot + 1; the first stands for "none", and is not told.
  const used = new Uint8Array(layout.slots + 1)
  used[slotOf(atomics.load(words, PUBLISHED_AT)) + 1] = 1
  const high = atomics.load(words, SEATS_HIGH_AT)
  for (let seat = 0; seat < high; seat++) {
    // The next pin first: a thread that is moving sets its pin before it clears the next one, so one of the two shows it.
    used[atomics.load(words, seatWord(region, seat, SEAT_PIN_NEXT))] = 1
    used[atomics.load(words, seatWord(region, seat, SEAT_PIN))] = 1
  }
  return used.subarray(1)
}

/** Fills a free slot, plainly: nobody reads it before it is published. The caller has checked that it fits. */
export function fillSlot(region: Region, slot: number, structure: Structure): void {
  const { words, layout } = region
  const start = slotStart(region, slot)
  let rowAt = SLOT_HEADER_WORDS + layout.services * ENTRY_WORDS
  structure.services.forEach((service, index) => {
    const entry = start + SLOT_HEADER_WORDS + index * ENTRY_WORDS
    words[entry + ENTRY_START] = rowAt
    words[entry + ENTRY_COUNT] = service.rows.length
    words[entry + ENTRY_REVISION] = service.revision
    words[entry + ENTRY_TABLE] = service.table ?? 0
    words[entry + ENTRY_TEXT_BYTES] = Buffer.from(
      region.buffer,
      (entry + ENTRY_TEXT) * 4,
      SERVICE_TEXT_BYTES_MAX,
    ).write(service.text)
    for (const row of service.rows) words[start + rowAt++] = row
  })
  words[start + SLOT_VERSION] = structure.version
  words[start + SLOT_TERM] = structure.decision?.term ?? 0
  words[start + SLOT_DECISION] = structure.decision?.revision ?? 0
  words[start + SLOT_SERVICES] = structure.services.length
  words[start + SLOT_ROWS] = rowAt - SLOT_HEADER_WORDS - layout.services * ENTRY_WORDS
  words[start + SLOT_CHECK] = checksum(words, start + SLOT_SERVICES, start + rowAt)
}

/**
 * Makes a filled slot the live one, as the version it was filled as. False when somebody else published since `before` was read: the caller's picture
 * is then out of date, and it starts again.
 *
 * writes    PUBLISHED
 * reads     PUBLISHED
 * ordering  SeqCst compareExchange after the Unordered fill: who sees the word sees the whole slot
 * progress  wait-free
 * pairs     movePin
 */
export function publishSlot(region: Region, before: number, slot: number): boolean {
  const after = (slotVersion(region, slot) << 8) | slot
  return atomics.compareExchange(region.words, PUBLISHED_AT, before, after) === before
}

/** The published word now. Plain: who needs it in order with a pin uses movePin. */
export function peekPublished(region: Region): number {
  return region.words[PUBLISHED_AT]
}

/** The live slot as plain data. Only for the thread that holds the right to write, or for one that pinned it. */
export function readSlot(region: Region, published: number): Structure {
  const { words } = region
  const start = slotStart(region, slotOf(published))
  const services = Array.from({ length: words[start + SLOT_SERVICES] }, (_, index) => {
    const entry = start + SLOT_HEADER_WORDS + index * ENTRY_WORDS
    const rowsAt = start + words[entry + ENTRY_START]
    const table = words[entry + ENTRY_TABLE]
    return {
      text: readText(region, entry),
      revision: words[entry + ENTRY_REVISION],
      rows: Array.from(words.subarray(rowsAt, rowsAt + words[entry + ENTRY_COUNT])),
      ...(table === 0 ? {} : { table }),
    }
  })
  const term = words[start + SLOT_TERM]
  const decision = { term, revision: words[start + SLOT_DECISION] }
  return { version: words[start + SLOT_VERSION], services, ...(term === 0 ? {} : { decision }) }
}

/** Where a service's rows start (a word index) in a pinned slot; with `serviceCount` all that a pick needs of it. */
export function serviceStart(region: Region, slot: number, service: number): number {
  const start = slotStart(region, slot)
  return start + region.words[start + SLOT_HEADER_WORDS + service * ENTRY_WORDS + ENTRY_START]
}

export function serviceCount(region: Region, slot: number, service: number): number {
  return region.words[slotStart(region, slot) + SLOT_HEADER_WORDS + service * ENTRY_WORDS + ENTRY_COUNT]
}

/** Changes when the text of a service does: who has decoded a revision need not decode it again. */
export function serviceRevision(region: Region, slot: number, service: number): number {
  return region.words[slotStart(region, slot) + SLOT_HEADER_WORDS + service * ENTRY_WORDS + ENTRY_REVISION]
}

/** Where the choice table of a service is (a word index), which stays as it is while the slot is pinned; 0: it has none. */
export function serviceTable(region: Region, slot: number, service: number): number {
  return region.words[slotStart(region, slot) + SLOT_HEADER_WORDS + service * ENTRY_WORDS + ENTRY_TABLE]
}

export function serviceText(region: Region, slot: number, service: number): string {
  return readText(region, slotStart(region, slot) + SLOT_HEADER_WORDS + service * ENTRY_WORDS)
}

/** True when a pinned slot still says what was published: the invariant of the whole scheme, asked by tests and `check`. */
export function isWhole(region: Region, slot: number): boolean {
  const { words, layout } = region
  const start = slotStart(region, slot)
  const end = start + SLOT_HEADER_WORDS + layout.services * ENTRY_WORDS + words[start + SLOT_ROWS]
  return words[start + SLOT_CHECK] === checksum(words, start + SLOT_SERVICES, end)
}

/** The version a slot was last filled as. */
export function slotVersion(region: Region, slot: number): number {
  return region.words[slotStart(region, slot) + SLOT_VERSION]
}

/**
 * True when no thread can still pick by a structure older than `version`.
 *
 * writes    nothing
 * reads     both pins of every seat, the version of each pinned slot
 * ordering  SeqCst loads of the pins; a pinned slot's version is read Unordered, it does not change
 * progress  wait-free
 * pairs     movePin
 */
export function isForgotten(region: Region, version: number): boolean {
  const { words } = region
  const high = atomics.load(words, SEATS_HIGH_AT)
  for (let seat = 0; seat < high; seat++) {
    // In the order of findFreeSlot, for the same reason.
    for (const word of [SEAT_PIN_NEXT, SEAT_PIN]) {
      const pin = atomics.load(words, seatWord(region, seat, word))
      if (pin !== 0 && !isAtLeast(slotVersion(region, pin - 1), version)) return false
    }
  }
  return true
}

export function publishEmptySlot(region: Region): void {
  fillSlot(region, 0, { version: 1, services: [] })
  atomics.store(region.words, PUBLISHED_AT, 1 << 8)
}

function readText(region: Region, entry: number): string {
  return Buffer.from(region.buffer, (entry + ENTRY_TEXT) * 4, region.words[entry + ENTRY_TEXT_BYTES]).toString('utf8')
}

function checksum(words: Int32Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ words[i], 0x01000193)
  return hash
}
