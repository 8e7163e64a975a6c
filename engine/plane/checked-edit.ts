import type { Region } from '../memory/region.ts'
import type { ServiceText } from '../memory/service-text.ts'
import type { Edit, NewEndpoint } from '../memory/table-writer.ts'
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
  readonly #edit: Edit
  readonly #region: Region

  constructor(edit: Edit, region: Region) {
    this.#edit = edit
    this.#region = region
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
      if (fault !== undefined) throw refused(this.#region, 'invalid', 'put service', fault)
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
      if (fault !== undefined) throw refused(this.#region, 'invalid', 'add endpoint', fault)
      return this.#edit.add(service, endpoint)
    })
  }

  /** Takes a row out of its service. What is in flight on it may still be settled. */
  remove(service: number, row: number): void {
    this.#attempt(() => this.#edit.remove(service, row))
  }

  /** The text of a service as of this edit: unchanged since it was read elsewhere if it is of this revision. */
  revision(service: number): number {
    return this.#edit.revision(service)
  }

  #attempt<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      this.refusal ??= error
      throw error
    }
  }
}
