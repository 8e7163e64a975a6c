import { completeEndpoint, type EndpointInput } from '../config/endpoint.ts'
import { SignalboxError } from '../errors.ts'
import { DRAINING, ISOLATED, QUARANTINED } from '../memory/bars.ts'
import { CLASS_NAMES, type ClassName } from '../memory/classes.ts'
import type { NewEndpoint } from '../memory/edit.ts'
import type { Attachment } from '../router/attachment.ts'
import { type EndpointReport, reportService } from '../router/report.ts'
import { isSameEndpoint, newEndpoint } from './config-tables.ts'
import type { TableKeeper } from './table-keeper.ts'

const DRAIN_POLL_MS = 10

/**
 * A service while it runs. Each change is seen by every attached thread on its next pick, and is either whole or not
 * made (the shares of a large choice table follow some milliseconds later, and until then nobody who has left is picked): bad input throws SBX_ENDPOINT_INVALID, SBX_ENDPOINT_EXISTS or SBX_ENDPOINT_UNKNOWN.
 */
export class LiveService {
  readonly name: string
  readonly #attachment: Attachment
  readonly #tables: TableKeeper | undefined

  constructor(attachment: Attachment, name: string, tables?: TableKeeper) {
    this.name = name
    this.#attachment = attachment
    this.#tables = tables
    attachment.findService(name)
  }

  /** Asked anew each time: a config may take the service away and bring it back. Throws SBX_SERVICE_UNKNOWN. */
  get #index(): number {
    return this.#attachment.findService(this.name).index
  }

  /** Adds an endpoint; it may be picked from now on. `id` defaults to host:port, `weight` to 1. */
  add(endpoint: EndpointInput): void {
    const complete = newEndpoint(completeEndpoint(endpoint))
    const { writer } = this.#writing()
    writer.edit(edit => {
      if (this.#attachment.rowOfId(this.#index, complete.id) >= 0) {
        throw new SignalboxError(
          'SBX_ENDPOINT_EXISTS',
          `Cannot add endpoint ${complete.id}: ${this.name} has one of this id, remove it first or choose another id`,
        )
      }
      edit.add(this.#index, complete)
      this.#tables?.renew(edit, this.#index)
    })
  }

  /** Takes an endpoint out at once. What is in flight on it may finish and be settled; `drain` waits for it. */
  remove(id: string): void {
    this.#writing().writer.edit(edit => {
      edit.remove(this.#index, this.#rowOf(id))
      this.#tables?.renew(edit, this.#index)
    })
  }

  /**
   * Makes these the endpoints of the service, all at once: every pick sees either those before or these. Those that are
   * there already, with the same url, zone, priority and metadata, stay as they are, in flight, health and all, and take
   * over the new weight; others are added or removed. Nothing is changed when one of them is invalid.
   *
   * Throws SBX_ENDPOINT_INVALID, SBX_ENDPOINT_EXISTS where two share an id, or SBX_REGION_FULL.
   */
  replace(endpoints: readonly EndpointInput[]): void {
    const wanted = new Map<string, NewEndpoint>()
    for (const input of endpoints) {
      const complete = newEndpoint(completeEndpoint(input))
      if (wanted.has(complete.id)) {
        throw new SignalboxError(
          'SBX_ENDPOINT_EXISTS',
          `Cannot replace the endpoints of ${this.name}: two of them are called ${complete.id}, give each an id of its own`,
        )
      }
      wanted.set(complete.id, complete)
    }
    const { writer } = this.#writing()
    const kept: [row: number, weight: number][] = []
    writer.edit(edit => {
      for (const row of [...edit.rows(this.#index)]) {
        const { id } = this.#attachment.endpoint(row)
        const next = wanted.get(id)
        if (next !== undefined && isSameEndpoint(this.#attachment, row, next)) {
          wanted.delete(id)
          kept.push([row, next.weight])
        } else {
          edit.remove(this.#index, row)
        }
      }
      for (const endpoint of wanted.values()) edit.add(this.#index, endpoint)
    })
    for (const [row, weight] of kept) this.#weigh(row, weight)
    this.#tables?.renewNow(this.#index)
  }

  #weigh(row: number, weight: number): void {
    const { endpoints, services } = this.#attachment
    if (endpoints.weight(row) === weight) return
    endpoints.setWeight(row, weight)
    services.raisePullMax(this.#index, endpoints.pull(row))
  }

  /**
   * Begins nothing new on an endpoint. Resolves when what was in flight is settled, or the drain was withdrawn, or the
   * box was closed; the change itself is made before this returns.
   */
  drain(id: string): Promise<void> {
    const { endpoints, tally } = this.#writing()
    const row = this.#rowOf(id)
    const generation = endpoints.generation(row)
    endpoints.setBar(row, DRAINING, true)
    return new Promise(resolve => {
      // Idle at two looks in a row: a pick that read the bars just before they were set may count itself after the first.
      let idleLooks = 0
      const isDone = (): boolean => {
        if (this.#attachment.isClosed || endpoints.generation(row) !== generation) return true
        if ((endpoints.bars(row) & DRAINING) === 0) return true
        idleLooks = tally.inflight(row) === 0 ? idleLooks + 1 : 0
        return idleLooks === 2
      }
      isDone()
      const poll = setInterval(() => {
        if (!isDone()) {
          // Whoever must settle what is in flight is alive for that; the second look itself is worth waiting for.
          if (idleLooks === 0) poll.unref()
          else poll.ref()
          return
        }
        clearInterval(poll)
        resolve()
      }, DRAIN_POLL_MS)
    })
  }

  /** Lets a drained endpoint be picked again. */
  undrain(id: string): void {
    this.#writing().endpoints.setBar(this.#rowOf(id), DRAINING, false)
  }

  /** Keeps an endpoint out until it is released, whatever its health: panic mode does not bring it back. */
  quarantine(id: string): void {
    this.#writing().endpoints.setBar(this.#rowOf(id), QUARANTINED, true)
  }

  /** Lets an endpoint be picked again that is kept out, also where the health monitor does so: it may find another reason. */
  release(id: string): void {
    this.#writing().endpoints.setBar(this.#rowOf(id), QUARANTINED | ISOLATED, false)
  }

  /** Gives an endpoint another weight, 0…65,535; 0: not picked. */
  setWeight(id: string, weight: number): void {
    if (!(weight >= 0 && weight <= 65_535)) {
      throw new SignalboxError(
        'SBX_ENDPOINT_INVALID',
        `Cannot set weight of ${id}: ${String(weight)} is not a weight, use a number from 0 to 65535`,
      )
    }
    this.#writing()
    this.#weigh(this.#rowOf(id), weight)
    this.#tables?.renewNow(this.#index)
  }

  /**
   * Turns away requests of this class and of cheaper ones, with PICK.SHED, from the next pick of every thread on; null:
   * none any more. What is critical-plus is never shed.
   */
  shed(from: Exclude<ClassName, 'critical-plus'> | null): void {
    const { services } = this.#writing()
    const first = from === null ? 0 : CLASS_NAMES.indexOf(from)
    if (from !== null && first < 1) {
      throw new SignalboxError(
        'SBX_ENDPOINT_INVALID',
        `Cannot shed requests of ${this.name}: ${JSON.stringify(from)} is no class that can be shed, use one of ` +
          CLASS_NAMES.slice(1).join(', '),
      )
    }
    services.setShedFrom(this.#index, first)
  }

  /** The endpoints as they are now. */
  endpoints(): EndpointReport[] {
    return reportService(this.#writing(), this.name).endpoints
  }

  #writing(): Attachment {
    if (this.#attachment.isClosed) {
      throw new SignalboxError(
        'SBX_BOX_CLOSED',
        `Cannot use service ${this.name}: the box was closed, create a new one`,
      )
    }
    return this.#attachment
  }

  #rows(): readonly number[] {
    return this.#attachment.serviceTexts()[this.#index].rows
  }

  #rowOf(id: string): number {
    const row = this.#attachment.rowOfId(this.#index, id)
    if (row >= 0) return row
    const ids = this.#rows().map(each => this.#attachment.endpoint(each).id)
    throw new SignalboxError(
      'SBX_ENDPOINT_UNKNOWN',
      `Cannot find endpoint ${JSON.stringify(id)}: ${this.name} has ` +
        (ids.length === 0
          ? 'none'
          : ids.slice(0, 20).join(', ') + (ids.length > 20 ? ` and ${ids.length - 20} more` : '')),
    )
  }
}
