import { tableOf } from '../../engine/box/choice-room.ts'
import type { Candidates } from '../../engine/memory/candidates.ts'
import { fillTable, findRoom, tableWords } from '../../engine/memory/choice-tables.ts'
import type { Edit } from '../../engine/memory/edit.ts'
import type { Capacity } from '../../engine/memory/layout.ts'
import { createRegion, type Region } from '../../engine/memory/region.ts'
import type { ServiceText } from '../../engine/memory/service-text.ts'
import { serviceCount, serviceStart, serviceTable } from '../../engine/memory/slots.ts'
import { ticketOf } from '../../engine/memory/ticket.ts'
import { buildTable, sizeOf } from '../../engine/policies/tables/table-spec.ts'
import { xxhash } from '../../engine/policies/tables/xxhash.ts'
import { Attachment } from '../../engine/router/attachment.ts'
import { Router } from '../../engine/router/router.ts'
import { newEndpoint, type TinyEndpoint } from './tiny-endpoint.ts'

export interface TinyOptions {
  /** Name of the policy, or the policy with its options. */
  policy?: string | ServiceText['policy']
  panicThreshold?: number
  /** What else the structure says of the service. */
  text?: Partial<ServiceText>
  capacity?: Partial<Capacity>
}

/** Small enough to fill up in a test. */
const SMALL: Capacity = { rows: 64, services: 4, seats: 6, textBytes: 128, outcomes: 64, affinity: 64, choices: 0 }

/** Room for tables of any size tests make; pages that stay empty take no memory. */
const CHOICES = 1 << 25

await xxhash()

/**
 * A region with one service and this thread attached to it, in one line:
 *
 *   const world = tinyWorld({ a: { weight: 1 }, b: { weight: 3 } }, { policy: 'round-robin' })
 *
 * Where the policy reads a choice table, every change of the world builds it at once.
 * `another()` takes one more seat, as another thread would: it has its own pin, in-flight block and outcome ring.
 */
export function tinyWorld(endpoints: Record<string, TinyEndpoint>, options: TinyOptions = {}): TinyWorld {
  return new TinyWorld(endpoints, options)
}

export class TinyWorld {
  static readonly SERVICE = 'api'
  readonly region: Region
  readonly attachment: Attachment
  /** Index of the service. */
  readonly service: number
  readonly router: Router
  readonly #policy: ServiceText['policy']
  readonly #seats: Attachment[] = []
  #isBuilding = true

  constructor(
    endpoints: Record<string, TinyEndpoint>,
    { policy = 'least-request', panicThreshold = 0.5, text, capacity }: TinyOptions,
  ) {
    const asPolicy = typeof policy === 'string' ? { name: policy } : policy
    const choices = tableOf(asPolicy) === undefined ? 0 : CHOICES
    this.region = createRegion({ ...SMALL, choices, ...capacity })
    this.#policy = asPolicy
    this.attachment = this.another()
    this.service = this.attachment.writer.edit(edit => {
      const index = edit.putService({
        name: TinyWorld.SERVICE,
        policy: asPolicy,
        panicThreshold,
        ...text,
      })
      for (const [id, endpoint] of Object.entries(endpoints)) edit.add(index, newEndpoint(id, endpoint))
      this.#buildTable(edit, index)
      return index
    })
    this.router = new Router(this.attachment, TinyWorld.SERVICE)
  }

  get endpoints() {
    return this.attachment.endpoints
  }

  get services() {
    return this.attachment.services
  }

  get writer() {
    return this.attachment.writer
  }

  /** Rows of the service now, in order. */
  rows(): readonly number[] {
    return this.attachment.serviceTexts()[this.service].rows
  }

  /** The row of an endpoint's id. */
  row(id: string): number {
    const row = this.rows().find(each => this.attachment.endpoint(each).id === id)
    if (row === undefined) throw new Error(`Cannot find row: the tiny world has no endpoint ${id}`)
    return row
  }

  add(id: string, endpoint: TinyEndpoint = {}): number {
    return this.writer.edit(edit => {
      const row = edit.add(this.service, newEndpoint(id, endpoint))
      this.#buildTable(edit, this.service)
      return row
    })
  }

  remove(id: string): number {
    const row = this.row(id)
    this.writer.edit(edit => {
      edit.remove(this.service, row)
      this.#buildTable(edit, this.service)
    })
    return row
  }

  setWeight(id: string, weight: number): void {
    this.endpoints.setWeight(this.row(id), weight)
    this.services.refreshPullMax(this.service, this.rows(), this.endpoints)
    this.writer.edit(edit => this.#buildTable(edit, this.service))
  }

  /** Leaves the table as it is from here on, as it is while a new one is under way. */
  stopBuilding(): void {
    this.#isBuilding = false
  }

  bar(id: string, bar: number, on = true): void {
    this.endpoints.setBar(this.row(id), bar, on)
  }

  /** The id a pick leads to, or undefined; what was picked stays in flight. */
  pickId(hash?: number): string | undefined {
    const ticket = this.router.pick(hash)
    return ticket < 0 ? undefined : this.router.endpoint(ticket).id
  }

  /** One more seat at the region. */
  another(): Attachment {
    const attachment = new Attachment(this.region)
    this.#seats.push(attachment)
    return attachment
  }

  /** Every seat turns once, as threads do within a moment: nobody pins an old structure after this. */
  catchUp(): void {
    for (const seat of this.#seats) seat.catchUp()
  }

  routerOf(attachment: Attachment): Router {
    return new Router(attachment, TinyWorld.SERVICE)
  }

  /** What a policy would be handed now; `Kind` may be a subclass that counts. */
  candidates<T extends Candidates>(Kind: new (region: Region, service: number) => T): T {
    const candidates = new Kind(this.region, this.service)
    this.attachment.catchUp()
    const slot = this.attachment.slot
    candidates.follow(
      serviceStart(this.region, slot, this.service),
      serviceCount(this.region, slot, this.service),
      this.region.words,
      serviceTable(this.region, slot, this.service),
    )
    candidates.affinity.list(this.rows())
    candidates.begin(undefined)
    return candidates
  }

  close(): void {
    for (const attachment of this.#seats) attachment.close()
  }

  #buildTable(edit: Edit, service: number): void {
    const spec = tableOf(this.#policy)
    if (spec === undefined || !this.#isBuilding) return
    const { endpoints } = this.attachment
    const rows = edit.rows(service).filter(row => endpoints.weight(row) > 0)
    if (rows.length === 0) {
      edit.setTable(service, 0)
      return
    }
    const members = {
      keys: rows.map(row => endpoints.readText(row).id),
      tickets: Int32Array.from(rows, row => ticketOf(row, endpoints.generation(row))),
      weightsQ8: Int32Array.from(rows, row => endpoints.weight(row) * 256),
    }
    const { entries, points } = sizeOf(spec, members)
    const at = findRoom(this.region, tableWords(rows.length, entries, points))
    if (at === 0) throw new Error('Cannot build table: the tiny world has no room for it')
    fillTable(this.region, at, buildTable(spec, members))
    edit.setTable(service, at)
  }
}
