import { SignalboxError } from '../errors.ts'
import { ARRIVING, LEAVING } from './bars.ts'
import { readClock, tickClock } from './clock.ts'
import { type EndpointTable, type EndpointText, endpointTextOf } from './endpoint-table.ts'
import { GAUGE_CONNECTIONS, GAUGE_INFLIGHT, Gauges } from './gauges.ts'
import { ENTRY_TEXT, ENTRY_WORDS, SERVICE_TEXT_BYTES_MAX } from './layout.ts'
import type { Region } from './region.ts'
import type { ServiceTable } from './service-table.ts'
import type { ServiceText } from './service-text.ts'
import { type Decision, isForgotten, nextVersion, readSlot, type Structure, versionOf } from './slots.ts'
import type { Tally } from './tally.ts'

/** A new endpoint, complete: defaults are filled in by who calls. */
export interface NewEndpoint extends EndpointText {
  readonly weight: number
  readonly priority: number
}

/** Instead of the version that took a row out, once that is so old that it could be taken for a new one. */
const LONG_AGO = -1

/** One transaction on the structure. All methods throw before they change anything. */
export class Edit {
  isChanged = false
  readonly #region: Region
  readonly #endpoints: EndpointTable
  readonly #serviceTable: ServiceTable
  readonly #tally: Tally
  readonly #seat: number
  readonly #structure: Structure
  /** What it is published as. */
  readonly version: number
  #isListed: Uint8Array | undefined
  /** Services whose rows have changed. */
  readonly #touched = new Set<number>()
  /** Rows that were taken out: they are not given to others within the same edit. */
  readonly #removed = new Set<number>()
  /** Rows that are to be taken out once that was tried. */
  readonly #leaving = new Set<number>()
  /** By service: how many of those it takes out are newcomers that whoever added them takes back. They are no loss. */
  readonly takenBack = new Map<number, number>()
  /** What there was before, by index of service. */
  readonly #before: readonly Size[]
  #cursor = 0

  constructor(
    region: Region,
    endpoints: EndpointTable,
    services: ServiceTable,
    tally: Tally,
    before: number,
    seat: number,
  ) {
    this.#region = region
    this.#seat = seat
    this.#endpoints = endpoints
    this.#serviceTable = services
    this.#tally = tally
    this.#structure = readSlot(region, before)
    this.version = nextVersion(versionOf(before))
    this.#before = this.#structure.services.map(({ text, rows }) => ({ text, rows: this.#stayingOf(rows) }))
  }

  /** The decision the structure came from so far. */
  get decision(): Decision | undefined {
    return this.#structure.decision
  }

  /** Says which decision this follows. */
  setDecision(decision: Decision): void {
    this.#structure.decision = decision
    this.isChanged = true
  }

  /** Rows that this edit takes out, at once or once that was tried. */
  get removed(): ReadonlySet<number> {
    return new Set([...this.#removed, ...this.#leaving])
  }

  /** Rows that are to be taken out once that was tried. */
  get leaving(): ReadonlySet<number> {
    return this.#leaving
  }

  /** Whether a row is neither taken out nor to be. */
  stays(row: number): boolean {
    return !this.#leaving.has(row) && (this.#endpoints.bars(row) & LEAVING) === 0
  }

  #stayingOf(rows: readonly number[]): number {
    let count = 0
    for (const row of rows) if (this.stays(row)) count++
    return count
  }

  /** The services whose rows have changed, by how many they had and have. Those that were not there before are left out. */
  resized(): Resized[] {
    return [...this.#touched].flatMap(service => {
      const { text, rows } = this.#before[service] ?? { text: '', rows: 0 }
      if (text === '') return []
      const { name, isGone } = JSON.parse(text) as ServiceText
      return isGone ? [] : [{ service, name, before: rows, after: this.#stayingOf(this.rows(service)) }]
    })
  }

  /** Index of a service, or −1. */
  find(name: string): number {
    return this.#structure.services.findIndex(({ text }) => isCalled(text, name, false))
  }

  /** What a service is called; undefined where there is none, or none any more. */
  nameOf(service: number): string | undefined {
    const text = this.#structure.services[service]?.text
    if (text === undefined) return undefined
    const { name, isGone } = JSON.parse(text) as ServiceText
    return isGone ? undefined : name
  }

  /** Whether this is the text of a service. */
  says(service: number, text: ServiceText): boolean {
    return this.#structure.services[service].text === JSON.stringify(text)
  }

  /** Rows of a service, in the order they came. */
  rows(service: number): readonly number[] {
    return this.#structure.services[service].rows
  }

  /**
   * Adds a service, or gives the one of this name another text. Returns its index: that which it had before it was removed,
   * as long as no other has it, so that routers which still have the service go on with it.
   */
  putService(text: ServiceText): number {
    const encoded = JSON.stringify(text)
    const bytes = Buffer.byteLength(encoded)
    if (bytes > SERVICE_TEXT_BYTES_MAX) {
      throw new SignalboxError(
        'SBX_REGION_FULL',
        `Cannot put service ${text.name}: its name and policy options take ${bytes} bytes, shorten them to ` +
          `${SERVICE_TEXT_BYTES_MAX} (${ENTRY_WORDS - ENTRY_TEXT} words)`,
      )
    }
    const services = this.#structure.services
    let index = this.find(text.name)
    if (index < 0) {
      index = this.#placeFor(text.name)
      this.#serviceTable.begin(index)
      services[index] ??= { text: '', revision: this.version, rows: [] }
    }
    if (services[index].text !== encoded) {
      services[index].text = encoded
      services[index].revision = this.version
      this.isChanged = true
    }
    return index
  }

  /** Takes a service out with all its rows. What is in flight may still be settled; routers of it pick nobody from now on. */
  removeService(service: number): void {
    const removed = this.#structure.services[service]
    for (const row of [...removed.rows]) this.remove(service, row)
    const { name } = JSON.parse(removed.text) as ServiceText
    removed.text = JSON.stringify({ name, policy: { name: '' }, panicThreshold: 0, isGone: true } satisfies ServiceText)
    removed.revision = this.version
    delete removed.table
    this.isChanged = true
  }

  /** Adds an endpoint to a service and returns its row. */
  add(service: number, endpoint: NewEndpoint): number {
    const { id, weight, priority } = endpoint
    const text = endpointTextOf(endpoint)
    this.#endpoints.checkText(text)
    const row = this.#freeRow(id)
    this.#tally.forget(row)
    this.#endpoints.settleIn(row, service, text, weight, priority, tickClock(this.#region))
    this.#structure.services[service].rows.push(row)
    this.#touched.add(service)
    this.isChanged = true
    return row
  }

  /** Takes a row out of its service. What is in flight on it may still be settled. */
  remove(service: number, row: number): void {
    const rows = this.#structure.services[service].rows
    const position = rows.indexOf(row)
    if (position < 0) return
    rows.splice(position, 1)
    this.#touched.add(service)
    this.#removed.add(row)
    this.isChanged = true
  }

  /** Likewise, and the service loses nothing by it: it has come in vain. */
  takeBack(service: number, row: number): void {
    this.remove(service, row)
    this.takenBack.set(service, (this.takenBack.get(service) ?? 0) + 1)
  }

  /** Has a row taken out of its service once that was tried, see trial.ts; one that is on trial itself at once. */
  leave(service: number, row: number): void {
    if ((this.#endpoints.bars(row) & ARRIVING) !== 0) {
      this.remove(service, row)
      return
    }
    if (!this.rows(service).includes(row) || !this.stays(row)) return
    this.#leaving.add(row)
    this.#touched.add(service)
    this.isChanged = true
  }

  /**
   * Gives a service another choice table, by its word index; 0: none. It is filled already, and is read from the moment
   * the edit is published; the one before stays as it is while a thread can see it.
   */
  setTable(service: number, table: number): void {
    this.#structure.services[service].table = table
    this.isChanged = true
  }

  /** The text of a service as of this edit: unchanged since it was read elsewhere if it is of this revision. */
  revision(service: number): number {
    return this.#structure.services[service].revision
  }

  /** What is to be published. From the number of rows that an operator leaves, what agents take is counted anew. */
  finish(isOperator: boolean): Structure {
    // Versions are compared on a circle: a removal must be forgotten before they have come half-way round it.
    if ((this.version & 0xfffff) === 0) this.#forgetRetired()
    for (const row of this.#removed) this.#endpoints.setRetiredAt(row, this.version)
    const nowMs = readClock(this.#region)
    for (const index of this.#touched) {
      const { rows } = this.#structure.services[index]
      this.#serviceTable.refreshPullMax(index, rows, this.#endpoints)
      const before = this.#before[index]?.rows ?? 0
      const peak = isOperator ? 0 : this.#serviceTable.rowsPeak(index, before, nowMs) - (this.takenBack.get(index) ?? 0)
      // Remembered from the last removal on: who takes one after the other does not outlast it.
      const after = this.#stayingOf(rows)
      if (isOperator || after < before || after > peak) {
        this.#serviceTable.setRowsPeak(index, Math.max(peak, after), nowMs)
      }
    }
    return { ...this.#structure, version: this.version }
  }

  /** Where a service goes that is not there: to where it was, behind all others, or in the place of one that was removed. */
  #placeFor(name: string): number {
    const services = this.#structure.services
    const before = services.findIndex(({ text }) => isCalled(text, name, true))
    if (before >= 0) return before
    const { services: room } = this.#region.layout
    if (services.length < room) return services.length
    const vacant = this.#vacantPlace()
    if (vacant >= 0) return vacant
    throw new SignalboxError(
      'SBX_REGION_FULL',
      `Cannot put service ${name}: the region has room for ${room} services, create the box with a larger capacity.services`,
    )
  }

  /** The place of a removed service that no thread sees any more as it was, and whose requests are over; −1: there is none. */
  #vacantPlace(): number {
    return this.#structure.services.findIndex(({ text, revision }, service) => {
      if ((JSON.parse(text) as ServiceText).isGone !== true) return false
      if (revision === this.version || !isForgotten(this.#region, revision)) return false
      const gauges = new Gauges(this.#region, this.#seat, service)
      return gauges.sum(GAUGE_INFLIGHT) === 0 && gauges.sum(GAUGE_CONNECTIONS) === 0
    })
  }

  /** A row nobody lists, nobody can still pick by an old slot, and nothing is in flight on. */
  #freeRow(id: string): number {
    const { rows } = this.#region.layout
    const isListed = (this.#isListed ??= this.#listed())
    for (let step = 0; step < rows; step++) {
      const row = (this.#cursor + step) % rows
      if (isListed[row] === 1) continue
      const retiredAt = this.#endpoints.retiredAt(row)
      if (this.#removed.has(row)) continue
      if (retiredAt > 0 && !isForgotten(this.#region, retiredAt)) continue
      // Asked last: whoever picked the row by an old slot counted it before moving its pin.
      if (this.#tally.inflight(row) !== 0) continue
      isListed[row] = 1
      this.#cursor = row + 1
      return row
    }
    throw new SignalboxError(
      'SBX_REGION_FULL',
      `Cannot add endpoint ${id}: all ${rows} rows are in use, or were removed and still have requests in flight or a ` +
        'thread whose event loop has not turned since; create the box with a larger capacity.rows',
    )
  }

  #forgetRetired(): void {
    for (let row = 0; row < this.#region.layout.rows; row++) {
      const retiredAt = this.#endpoints.retiredAt(row)
      if (retiredAt > 0 && retiredAt !== this.version && isForgotten(this.#region, retiredAt)) {
        this.#endpoints.setRetiredAt(row, LONG_AGO)
      }
    }
  }

  #listed(): Uint8Array {
    const isListed = new Uint8Array(this.#region.layout.rows)
    for (const service of this.#structure.services) for (const row of service.rows) isListed[row] = 1
    return isListed
  }
}

interface Size {
  readonly text: string
  readonly rows: number
}

/** How many rows a service had and has. */
export interface Resized {
  readonly service: number
  readonly name: string
  readonly before: number
  readonly after: number
}

function isCalled(text: string, name: string, isGone: boolean): boolean {
  const read = JSON.parse(text) as ServiceText
  return read.name === name && (read.isGone === true) === isGone
}
