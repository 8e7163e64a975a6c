import { SignalboxError } from '../errors.ts'
import { EndpointTable } from '../memory/endpoint-table.ts'
import { hashKey } from '../memory/hash-key.ts'
import { OutcomeWriter } from '../memory/outcome-ring.ts'
import { openRegion, type Region, regionId } from '../memory/region.ts'
import { freeSeat, takeSeat } from '../memory/seats.ts'
import { ServiceTable } from '../memory/service-table.ts'
import type { ServiceText } from '../memory/service-text.ts'
import { movePin, peekPublished, readSlot, slotOf } from '../memory/slots.ts'
import { TableWriter } from '../memory/table-writer.ts'
import { Tally } from '../memory/tally.ts'
import type { Endpoint } from './endpoint.ts'

/** How often an idle thread lets go of an old slot, in ms, so that rows removed meanwhile can be used again. */
const REST_MS = 100

/**
 * One thread's place at the region: its seat, the tables seen through it, its pin, and the endpoint objects it has
 * decoded. A thread has one attachment per region, shared by all its routers.
 */
export class Attachment {
  readonly region: Region
  readonly seat: number
  readonly endpoints: EndpointTable
  readonly services: ServiceTable
  readonly tally: Tally
  readonly outcomes: OutcomeWriter
  isClosed = false
  /** The published word whose slot this thread has pinned. */
  pinned = 0
  #writer: TableWriter | undefined
  readonly #known: (Known | undefined)[] = []
  #decoded: Decoded | undefined
  /** By index of service: rows that were looked up by id. */
  readonly #rowsById: Map<string, number>[] = []
  readonly #rest: NodeJS.Timeout

  constructor(region: Region) {
    this.region = region
    this.seat = takeSeat(region)
    this.endpoints = new EndpointTable(region)
    this.services = new ServiceTable(region)
    this.tally = new Tally(region, this.seat)
    this.outcomes = new OutcomeWriter(region, this.seat)
    while (this.pinned === 0) this.pinned = movePin(region, this.seat)
    this.#rest = setInterval(() => this.catchUp(), REST_MS)
    this.#rest.unref()
    closeOnExit.add(this)
  }

  /** The right to edit the structure from this thread. */
  get writer(): TableWriter {
    return (this.#writer ??= new TableWriter(this.region, this.seat))
  }

  /** Pins the newest structure if this thread does not hold it yet, and returns the published word it holds. */
  catchUp(): number {
    if (peekPublished(this.region) !== this.pinned) {
      const moved = movePin(this.region, this.seat)
      if (moved !== 0) this.pinned = moved
    }
    return this.pinned
  }

  /**
   * The services of the pinned structure, in the order of their index, those that were removed among them (`isGone`);
   * decoded once for each structure. Not to be changed.
   */
  serviceTexts(): readonly ServiceEntry[] {
    const pinned = this.catchUp()
    if (this.#decoded?.pinned === pinned) return this.#decoded.services
    const services = readSlot(this.region, pinned).services.map(({ text, rows }) => ({
      text: JSON.parse(text) as ServiceText,
      rows,
    }))
    this.#decoded = { pinned, services }
    return services
  }

  /**
   * The row of an endpoint of a service, by its id; −1 where there is none. What was asked before costs the same however
   * many there are; else the names of the rows are gone over, a few nanoseconds each.
   */
  rowOfId(service: number, id: string): number {
    this.#rowsById[service] ??= new Map()
    const known = this.#rowsById[service]
    const before = known.get(id)
    if (before !== undefined && this.#isCalled(service, before, id)) return before
    const { rows } = this.serviceTexts()[service]
    const name = hashKey(id) | 0
    const row = rows.find(each => this.endpoints.keyHash(each) === name && this.endpoint(each).id === id) ?? -1
    // Endpoints come and go; what is known of those that went is let go with the rest.
    if (known.size > 2 * rows.length + 16) known.clear()
    if (row >= 0) known.set(id, row)
    return row
  }

  /** Whether a row is listed for the service under this id, as it was when it was looked up. */
  #isCalled(service: number, row: number, id: string): boolean {
    const { endpoints } = this
    return endpoints.service(row) === service && endpoints.retiredAt(row) === 0 && this.endpoint(row).id === id
  }

  /** Index and text of a service. Throws SBX_SERVICE_UNKNOWN. */
  findService(name: string): { index: number; text: ServiceText } {
    const texts = this.serviceTexts()
    const index = texts.findIndex(({ text }) => text.name === name && !text.isGone)
    if (index < 0) {
      const names = texts.flatMap(({ text }) => (text.isGone ? [] : [text.name]))
      throw new SignalboxError(
        'SBX_SERVICE_UNKNOWN',
        `Cannot route to ${JSON.stringify(name)}: there is no such service, ` +
          (names.length === 0 ? 'the box has none' : `use one of ${names.join(', ')}`),
      )
    }
    return { index, text: texts[index].text }
  }

  /** The endpoint of a row as an object, decoded once per tenancy. */
  endpoint(row: number): Endpoint {
    const generation = this.endpoints.generation(row)
    const known = this.#known[row]
    if (known !== undefined && known.generation === generation) return known.endpoint
    const endpoint: Endpoint = Object.freeze({ ...this.endpoints.readText(row), row })
    this.#known[row] = { generation, endpoint }
    return endpoint
  }

  /** Slot number of the pinned structure. */
  get slot(): number {
    return slotOf(this.pinned)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    clearInterval(this.#rest)
    closeOnExit.delete(this)
    freeSeat(this.region, this.seat)
    attachments.delete(regionId(this.region))
  }
}

/** A service of the structure: what it says of itself, and its rows. */
export interface ServiceEntry {
  readonly text: ServiceText
  readonly rows: readonly number[]
}

interface Decoded {
  readonly pinned: number
  readonly services: readonly ServiceEntry[]
}

interface Known {
  readonly generation: number
  readonly endpoint: Endpoint
}

/** A thread that ends by itself gives its seats back; one that is terminated needs box.watch. */
const closeOnExit = new Set<Attachment>()
process.on('exit', () => {
  for (const attachment of closeOnExit) attachment.close()
})

const attachments = new Map<string, Attachment>()

/** This thread's attachment to the region behind a handle; made at the first call, kept until it is closed. */
export function attach(handle: unknown): Attachment {
  const region = openRegion(handle)
  const id = regionId(region)
  let attachment = attachments.get(id)
  if (attachment === undefined) attachments.set(id, (attachment = new Attachment(region)))
  return attachment
}
