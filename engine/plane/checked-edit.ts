import { ARRIVING, LEAVING } from '../memory/bars.ts'
import type { Edit, NewEndpoint } from '../memory/edit.ts'
import { endpointTextOf, toQ8 } from '../memory/endpoint-table.ts'
import { hashKey } from '../memory/hash-key.ts'
import type { ServiceText } from '../memory/service-text.ts'
import type { Attachment } from '../router/attachment.ts'
import { refused } from './refuse.ts'
import { endpointFault, serviceFault } from './structure-checks.ts'

/** One transaction on the structure as an agent has it. */
export type PlaneEdit = Pick<Edit, 'find' | 'rows' | 'putService' | 'removeService' | 'add' | 'remove' | 'revision'> & {
  takeBack(service: number, row: number): void
}

/**
 * The same, with every field checked before it is laid down. What is refused once has the whole edit refused, also where the
 * caller goes on regardless.
 */
export class CheckedEdit implements PlaneEdit {
  /** The first thing that was refused. */
  refusal: unknown
  /** It was published or given up: rows may be others' by now. */
  isOver = false
  readonly #edit: Edit
  readonly #attachment: Attachment
  /** By service: the names of its endpoints, hashed. One that was removed may be among them. */
  readonly #names = new Map<number, Set<number>>()

  /** Whether endpoints that come and go are tried first; throws where they would have to wait. */
  readonly #isTried: () => boolean
  /** Rows that came by this edit. */
  readonly added: number[] = []
  readonly #isOwn: (row: number) => boolean

  constructor(
    edit: Edit,
    attachment: Attachment,
    { isTried, isOwn }: { isTried: () => boolean; isOwn: (row: number) => boolean },
  ) {
    this.#isOwn = isOwn
    this.#edit = edit
    this.#attachment = attachment
    this.#isTried = isTried
  }

  /** Index of a service, or −1. */
  find(name: string): number {
    return this.#edit.find(name)
  }

  /** Rows of a service, in the order they came, without those that are to leave. */
  rows(service: number): readonly number[] {
    return this.#edit.rows(service).filter(row => this.#edit.stays(row))
  }

  /**
   * Adds a service and returns its index. All of the text must be there. One that is there is the operator's: it stays as it is,
   * and another text for it is refused.
   */
  putService(text: ServiceText): number {
    return this.#attempt(() => {
      const fault = serviceFault(text)
      if (fault !== undefined) throw this.#invalid('put service', fault)
      const index = this.#edit.find(text.name)
      if (index >= 0 && !this.#edit.says(index, text)) {
        const state = 'it is there, and what it says is for the operator to change'
        throw refused(this.#attachment.region, 'not-owned', `put service ${text.name}`, state)
      }
      return this.#edit.putService(text)
    })
  }

  /** Takes a service out with all its rows: refused as long as it has any, see agent-writer.ts. */
  removeService(service: number): void {
    this.#attempt(() => this.#edit.removeService(service))
  }

  /**
   * Adds an endpoint to a service and returns its row. All of its fields must be there. One that is to leave and comes back as it
   * was stays.
   */
  add(service: number, endpoint: NewEndpoint): number {
    return this.#attempt(() => {
      const fault = endpointFault(endpoint)
      if (fault !== undefined) throw this.#invalid('add endpoint', fault)
      const name = this.#edit.nameOf(service)
      if (name === undefined) throw this.#invalid('add endpoint', `${service} is the index of no service`)
      const there = this.#rowCalled(service, endpoint.id)
      if (there >= 0) return this.#comesBack(there, name, endpoint)
      const isTried = this.#isTried()
      const row = this.#edit.add(service, endpoint)
      this.added.push(row)
      if (isTried) this.#attachment.endpoints.setBar(row, ARRIVING, true)
      return row
    })
  }

  #comesBack(row: number, name: string, endpoint: NewEndpoint): number {
    const { id, weight, priority } = endpoint
    const { endpoints, region } = this.#attachment
    if (this.#edit.stays(row)) {
      throw this.#invalid(`add endpoint ${id}`, `${name} has one of this id, remove it first`)
    }
    const isSame =
      JSON.stringify(endpoints.readText(row)) === JSON.stringify(endpointTextOf(endpoint)) &&
      endpoints.priority(row) === priority &&
      endpoints.weightQ8(row) === toQ8(weight)
    // One that is to leave by this very edit is asked for to be two things at once.
    if (!isSame || this.#edit.leaving.has(row)) {
      throw refused(
        region,
        'on-trial',
        `add endpoint ${id}`,
        `${name} tries to do without another of this id, ask again`,
      )
    }
    endpoints.setBar(row, LEAVING, false)
    return row
  }

  /** The row of the service's endpoint of this id; −1: it has none, and is to have one now. */
  #rowCalled(service: number, id: string): number {
    const { endpoints } = this.#attachment
    let names = this.#names.get(service)
    if (names === undefined) {
      names = new Set(this.#edit.rows(service).map(row => endpoints.keyHash(row)))
      this.#names.set(service, names)
    }
    const hash = hashKey(id) | 0
    if (!names.has(hash)) {
      names.add(hash)
      return -1
    }
    const isIt = (row: number): boolean => endpoints.keyHash(row) === hash && endpoints.readText(row).id === id
    return this.#edit.rows(service).find(isIt) ?? -1
  }

  /** Takes a row out of its service. What is in flight on it may still be settled. */
  remove(service: number, row: number): void {
    this.#attempt(() => {
      if (this.#isTried()) this.#edit.leave(service, row)
      else this.#edit.remove(service, row)
    })
  }

  /**
   * Takes a row out as `remove` does. One that came by an edit of this writer is no loss to the service: of the others it keeps as many
   * as it had.
   */
  takeBack(service: number, row: number): void {
    this.remove(service, row)
    if (!this.#isOwn(row)) return
    const { takenBack } = this.#edit
    takenBack.set(service, (takenBack.get(service) ?? 0) + 1)
  }

  /** The text of a service as of this edit: unchanged since it was read elsewhere if it is of this revision. */
  revision(service: number): number {
    return this.#edit.revision(service)
  }

  #invalid(wish: string, fault: string): Error {
    return refused(this.#attachment.region, 'invalid', wish, fault)
  }

  #attempt<T>(act: () => T): T {
    try {
      if (this.isOver) {
        throw refused(
          this.#attachment.region,
          'broken',
          'go on with an edit',
          'it is over, it must not wait for anything',
        )
      }
      return act()
    } catch (error) {
      this.refusal ??= error
      throw error
    }
  }
}
