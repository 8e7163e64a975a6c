import { SignalboxError } from '../errors.ts'
import {
  becomeBuilder,
  fillTable,
  findRoom,
  isFilled,
  type Room,
  tableWords,
  tableWordsMax,
} from '../memory/choice-tables.ts'
import type { Edit } from '../memory/edit.ts'
import { handleOf } from '../memory/region.ts'
import type { ServiceText } from '../memory/service-text.ts'
import { readSlot, serviceCount, serviceStart, serviceTable } from '../memory/slots.ts'
import { ticketOf } from '../memory/ticket.ts'
import {
  buildTable,
  fitting,
  isQuick,
  type Members,
  QUICK_MEMBERS,
  sizeOf,
  type TableSpec,
} from '../policies/tables/table-spec.ts'
import { xxhash } from '../policies/tables/xxhash.ts'
import type { Attachment } from '../router/attachment.ts'
import { tableOf } from './choice-room.ts'
import type { Log } from './control.ts'
import { TableBuilder } from './table-builder.ts'

/** Looks in which no room was found before that is said in the log: a second. Threads let go of old tables sooner. */
const SHORTAGES_TOLD = 100

/** A service whose policy reads a choice table. */
interface Kept {
  readonly service: number
  readonly name: string
  spec: TableSpec
  /** Revision of the service's text that said so. */
  textRevision: number
  /** Revision of its facts when they were last looked at; −1: they must be looked at in any case. */
  revision: number
  /** What the live table was built of and where it is; undefined: there is none. */
  live: (Blueprint & { readonly at: number }) | undefined
  building: Promise<void> | undefined
  /** Looks in a row that found no room. */
  shortages: number
  /** Why the last build came to nothing. */
  fault: unknown
}

interface Blueprint {
  readonly spec: TableSpec
  readonly members: Members
}

/**
 * Keeps the choice tables of a region in step with its structure and the operator's weights.
 *
 *   structure or weight changed ─┬─ small: built within the edit that changes it, and published with it
 *                                └─ large: seen on the next tick ▶ room ▶ built by another thread ▶ published by an edit
 *
 * Of a service one table is built at a time; what changes meanwhile is seen on the tick after it, so any number of changes
 * make one more build. A tick on which nothing has changed compares a word for each service and one for the structure.
 * Health, ejections and drains change no table: see by-table.ts.
 */
export class TableKeeper {
  readonly #attachment: Attachment
  readonly #log: Log
  readonly #isBuilder: boolean
  readonly #builder: TableBuilder
  readonly #reserved = new Set<Room>()
  #kept: (Kept | undefined)[] = []
  #published = 0
  #isHashLoaded = false
  #isClosed = false

  constructor(attachment: Attachment, log: Log) {
    this.#attachment = attachment
    this.#log = log
    // A region of no choice area has no tables: keys are scored, and turns worked out as they come.
    const { choicesAt, choicesEnd } = attachment.region.layout
    this.#isBuilder = choicesEnd > choicesAt && becomeBuilder(attachment.region, attachment.seat)
    this.#builder = new TableBuilder(error =>
      log('warn', 'tables are built by this thread: the one for it failed', { error: String(error) }),
    )
  }

  /** Builds the first tables, and resolves when they are published. Throws SBX_REGION_FULL when there is no room for them. */
  async start(): Promise<void> {
    if (!this.#isBuilder) return
    this.#follow()
    const kept = this.#kept.filter(each => each !== undefined)
    if (kept.length === 0) return
    await this.#loadHash()
    for (const each of kept) {
      this.#look(each)
      await each.building
      if (this.#isClosed) return
      if (each.shortages > 0) throw this.#tooSmall(each)
      if (each.fault !== undefined) throw each.fault
    }
  }

  /** Looks whether anything has changed, and begins what follows from it. Never throws. */
  tick(): void {
    if (!this.#isBuilder || this.#isClosed) return
    try {
      const hasChanged = this.#attachment.catchUp() !== this.#published
      if (hasChanged) this.#follow()
      const { services } = this.#attachment
      for (const each of this.#kept) {
        if (each === undefined || (!hasChanged && each.revision === services.revision(each.service))) continue
        this.#look(each)
      }
    } catch (error) {
      // All of them again on the next tick.
      this.#published = 0
      this.#log('warn', 'choice tables were not looked after on this tick', { error: String(error) })
    }
  }

  /** Renews the table of a service within an edit, if that takes no time; else the next tick sees to it. */
  renew(edit: Edit, service: number): void {
    const kept = this.#kept[service]
    if (kept === undefined || kept.building !== undefined || this.#isClosed || !this.#isHashLoaded) return
    const rows = edit.rows(service)
    if (edit.revision(service) !== kept.textRevision || rows.length > QUICK_MEMBERS || this.#isCurrent(kept, rows))
      return
    const wanted = this.#blueprint(kept, rows)
    const at = isQuickly(wanted) ? this.#findRoom(wanted) : 0
    if (at === 0) return
    fillTable(this.#attachment.region, at, buildTable(wanted.spec, wanted.members))
    edit.setTable(service, at)
    kept.live = { ...wanted, at }
  }

  /** The same in an edit of its own, for what changes no structure: a weight. */
  renewNow(service: number): void {
    if (this.#kept[service] !== undefined) this.#attachment.writer.edit(edit => this.renew(edit, service))
  }

  /** Ends a build that is under way. What is published stays. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#builder.close()
    await Promise.all(this.#kept.map(each => each?.building))
  }

  /** Reads anew which services want tables. */
  #follow(): void {
    this.#published = this.#attachment.catchUp()
    readSlot(this.#attachment.region, this.#published).services.forEach(({ text, revision }, service) => {
      const kept = this.#kept[service]
      if (kept?.textRevision === revision) return
      const { name, policy } = JSON.parse(text) as ServiceText
      const spec = tableOf(policy)
      if (spec === undefined) {
        if (kept !== undefined) this.#drop(kept)
        this.#kept[service] = undefined
      } else if (kept !== undefined) Object.assign(kept, { name, spec, textRevision: revision })
      else {
        const none = { live: undefined, building: undefined, shortages: 0, fault: undefined }
        this.#kept[service] = { service, name, spec, textRevision: revision, revision: -1, ...none }
      }
    })
  }

  #look(kept: Kept): void {
    if (kept.building !== undefined) {
      kept.revision = -1
      return
    }
    const { region, slot, services } = this.#attachment
    const { service } = kept
    // Before the weights: a change that comes while they are read calls for another look.
    kept.revision = services.revision(service)
    // An edit that was given up left the table before it.
    if (kept.live !== undefined && serviceTable(region, slot, service) !== kept.live.at) kept.live = undefined
    const rows = this.#rowsOf(kept)
    if (this.#isCurrent(kept, rows)) {
      kept.shortages = 0
      return
    }
    const wanted = this.#blueprint(kept, rows)
    if (wanted.members.keys.length === 0) {
      this.#drop(kept)
      return
    }
    const at = this.#findRoom(wanted)
    if (at === 0) {
      this.#onShortage(kept, wanted)
      return
    }
    kept.shortages = 0
    if (this.#isHashLoaded && isQuickly(wanted)) this.renewNow(service)
    else kept.building = this.#build(kept, wanted, at)
  }

  async #build(kept: Kept, { spec, members }: Blueprint, at: number): Promise<void> {
    const { region, writer } = this.#attachment
    const room = { at, words: wordsOf({ spec, members }) }
    this.#reserved.add(room)
    try {
      const check = await this.#builder.build({ handle: handleOf(region), ...room, spec, members })
      if (this.#isClosed || this.#kept[kept.service] !== kept) return
      if (!isFilled(region, at, check)) throw new Error('the table that was built is not the one that is there')
      writer.edit(edit => edit.setTable(kept.service, at))
      kept.live = { spec, members, at }
      kept.fault = undefined
      kept.revision = -1
      if (!this.#isHashLoaded) await this.#loadHash()
    } catch (error) {
      // Not tried again before something changes: it would fail as before.
      kept.fault = error
      if (!this.#isClosed) this.#giveUp(kept, error)
    } finally {
      this.#reserved.delete(room)
      kept.building = undefined
    }
  }

  #giveUp(kept: Kept, error: unknown): void {
    this.#log('error', `the choice table of service ${kept.name} was not built`, { error: String(error) })
    try {
      this.#drop(kept)
    } catch (busy) {
      this.#log('warn', `the old table of service ${kept.name} stays`, { error: String(busy) })
    }
  }

  /** Rooms come free when threads let go of older structures, so the next tick looks again; but not for what never fits. */
  #onShortage(kept: Kept, wanted: Blueprint): void {
    kept.shortages++
    const fits = wordsOf(wanted) <= tableWordsMax(this.#attachment.region)
    if (fits) kept.revision = -1
    if (kept.shortages !== (fits ? SHORTAGES_TOLD : 1)) return
    this.#log('warn', `${this.#tooSmall(kept).message}; until then its policy does without`, {})
    this.#drop(kept)
  }

  /** Without a table all endpoints are chosen from; with one that stays old the newcomers would never be. */
  #drop(kept: Kept): void {
    if (kept.live === undefined) return
    this.#attachment.writer.edit(edit => edit.setTable(kept.service, 0))
    kept.live = undefined
  }

  #tooSmall(kept: Kept): SignalboxError {
    const { region } = this.#attachment
    const bytes = wordsOf(this.#blueprint(kept, this.#rowsOf(kept))) * 4
    return new SignalboxError(
      'SBX_REGION_FULL',
      `Cannot build the choice table of service ${kept.name}: it takes ${bytes} bytes, and three times that to be rebuilt, ` +
        `and the region has ${region.layout.choices} for all tables; create the box with a larger capacity.choices`,
    )
  }

  #findRoom(wanted: Blueprint): number {
    const { region } = this.#attachment
    const words = wordsOf(wanted)
    return words > tableWordsMax(region) ? 0 : findRoom(region, words, [...this.#reserved])
  }

  #rowsOf({ service }: Kept): Int32Array {
    const { region, slot } = this.#attachment
    const start = serviceStart(region, slot, service)
    return region.words.subarray(start, start + serviceCount(region, slot, service))
  }

  /** Whether the live table is what would be built now: a pass over the rows, nothing is allocated. */
  #isCurrent({ live, spec }: Kept, rows: ArrayLike<number>): boolean {
    const { endpoints, region } = this.#attachment
    let member = 0
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]
      const weightQ8 = endpoints.weightQ8(row)
      if (weightQ8 === 0) continue
      if (live?.members.tickets[member] !== ticketOf(row, endpoints.generation(row))) return false
      if (live.members.weightsQ8[member++] !== weightQ8) return false
    }
    if (live === undefined) return true
    return member === live.members.tickets.length && isSameSpec(live.spec, fitting(spec, member, tableWordsMax(region)))
  }

  /** Who is to be in the table: all endpoints that have a weight, whatever their health. */
  #blueprint(kept: Kept, rows: ArrayLike<number>): Blueprint {
    const { endpoints, region } = this.#attachment
    const keys: string[] = []
    const tickets = new Int32Array(rows.length)
    const weightsQ8 = new Int32Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]
      const weightQ8 = endpoints.weightQ8(row)
      if (weightQ8 === 0) continue
      tickets[keys.length] = ticketOf(row, endpoints.generation(row))
      weightsQ8[keys.length] = weightQ8
      keys.push(this.#attachment.endpoint(row).id)
    }
    const members = {
      keys,
      tickets: tickets.slice(0, keys.length),
      weightsQ8: weightsQ8.slice(0, keys.length),
    }
    return { spec: fitting(kept.spec, keys.length, tableWordsMax(region)), members }
  }

  async #loadHash(): Promise<void> {
    await xxhash()
    this.#isHashLoaded = true
  }
}

function wordsOf({ spec, members }: Blueprint): number {
  const { entries, points } = sizeOf(spec, members)
  return tableWords(members.keys.length, entries, points)
}

function isQuickly({ spec, members }: Blueprint): boolean {
  const { length } = members.keys
  return length > 0 && isQuick(sizeOf(spec, members), length)
}

function isSameSpec(a: TableSpec, b: TableSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
