import type { Edit, NewEndpoint } from '../memory/edit.ts'
import { hashKey } from '../memory/hash-key.ts'
import type { ServiceText } from '../memory/service-text.ts'
import type { Attachment } from '../router/attachment.ts'
import { refused } from './refuse.ts'
import { endpointFault, serviceFault } from './structure-checks.ts'

/** One transaction on the structure as an agent has it. */
export type PlaneEdit = Pick<Edit, 'find' | 'rows' | 'putService' | 'removeService' | 'add' | 'remove' | 'revision'>

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

  constructor(edit: Edit, attachment: Attachment) {
    this.#edit = edit
    this.#attachment = attachment
  }

  /** Index of a service, or −1. */
  find(name: string): number {
    return this.#edit.find(name)
  }

  /** Rows of a service, in the order they came. */
  rows(service: number): readonly number[] {
    return [...this.#edit.rows(service)]
  }

  /** Adds a service, or gives the one of this name another text; returns its index. All of the text must be there. */
  putService(text: ServiceText): number {
    return this.#attempt(() => {
      const fault = serviceFault(text)
      if (fault !== undefined) throw this.#invalid('put service', fault)
      return this.#edit.putService(text)
    })
  }

  /** Takes a service out with all its rows: refused as long as it has any, see agent-writer.ts. */
  removeService(service: number): void {
    this.#attempt(() => this.#edit.removeService(service))
  }

  /** Adds an endpoint to a service and returns its row. All of its fields must be there. */
  add(service: number, endpoint: NewEndpoint): number {
    return this.#attempt(() => {
      const fault = endpointFault(endpoint)
      if (fault !== undefined) throw this.#invalid('add endpoint', fault)
      const name = this.#edit.nameOf(service)
      if (name === undefined) throw this.#invalid('add endpoint', `${service} is the index of no service`)
      if (this.#isCalled(service, endpoint.id)) {
        throw this.#invalid(`add endpoint ${endpoint.id}`, `${name} has one of this id, remove it first`)
      }
      return this.#edit.add(service, endpoint)
    })
  }

  /** Whether the service has an endpoint of this id; if it has not, it is to have one now. */
  #isCalled(service: number, id: string): boolean {
    const { endpoints } = this.#attachment
    let names = this.#names.get(service)
    if (names === undefined) {
      names = new Set(this.#edit.rows(service).map(row => endpoints.keyHash(row)))
      this.#names.set(service, names)
    }
    const hash = hashKey(id) | 0
    if (!names.has(hash)) {
      names.add(hash)
      return false
    }
    return this.#edit.rows(service).some(row => endpoints.keyHash(row) === hash && endpoints.readText(row).id === id)
  }

  /** Takes a row out of its service. What is in flight on it may still be settled. */
  remove(service: number, row: number): void {
    this.#attempt(() => this.#edit.remove(service, row))
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
