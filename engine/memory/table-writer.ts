import { SignalboxError } from '../errors.ts'
import { atomics } from './atomics.ts'
import { Edit } from './edit.ts'
import { EndpointTable } from './endpoint-table.ts'
import { PUBLISHED_AT, WRITER_AT } from './layout.ts'
import type { Region } from './region.ts'
import { ServiceTable } from './service-table.ts'
import { fillSlot, findFreeSlot, publishSlot, type Structure } from './slots.ts'
import { Tally } from './tally.ts'

export interface Judge {
  /** Looks at an edit before it is published, and throws to have it given up. */
  judge(edit: Edit): void
  /** Called when it is published, while no other thread can publish yet. */
  onPublished?(edit: Edit): void
}

/**
 * How long a writer waits for another's edit, which takes microseconds, in ms. Beyond, the other's thread has died and
 * its exit event waits for this very thread to turn.
 */
const PATIENCE_MS = 250

/**
 * The one way the structure changes: services come and go, rows change tenant. An edit is a transaction: it is made
 * on a copy, laid down in a free slot and published by one compare-and-set, so every thread sees all of it or nothing.
 *
 *   row:   free ──add──▶ listed ──remove──▶ retired ──nobody can pick it, nothing in flight──▶ free
 *
 * Any attached thread may write; the WRITER word lets one in at a time, for the microseconds an edit takes. If that
 * thread dies, freeSeat clears the word; which rows are listed is told by the live slot alone, so nothing leaks.
 */
export class TableWriter {
  readonly endpoints: EndpointTable
  readonly services: ServiceTable
  readonly #region: Region
  readonly #seat: number
  readonly #tally: Tally

  constructor(region: Region, seat: number) {
    this.#region = region
    this.#seat = seat
    this.#tally = new Tally(region, seat)
    this.endpoints = new EndpointTable(region)
    this.services = new ServiceTable(region)
  }

  /**
   * Runs `change` on the structure as it is now and publishes the result. What `change` throws is thrown, and nothing
   * has changed. It must not wait: other writers are kept out until it returns. Who edits by this is the operator; what agents
   * ask for comes by `editJudged`.
   *
   * writes    WRITER, a free slot, rows of new tenants, PUBLISHED
   * reads     the live slot, every pin
   * ordering  SeqCst on WRITER and PUBLISHED; the slot and new rows are filled Unordered before
   * progress  blocking among writers (at most PATIENCE_MS, then SBX_REGION_WRITER_BUSY); readers never wait
   * pairs     movePin, freeSeat
   */
  edit<T>(change: (edit: Edit) => T): T {
    return this.#edit(change)
  }

  /** The same for agents: what the judge throws is thrown, and nothing has changed. See plane/agent-writer.ts. */
  editJudged<T>(change: (edit: Edit) => T, judge: Judge): T {
    return this.#edit(change, judge)
  }

  #edit<T>(change: (edit: Edit) => T, judge?: Judge): T {
    return this.alone(before => {
      const edit = new Edit(this.#region, this.endpoints, this.services, this.#tally, before, this.#seat)
      const result = change(edit)
      judge?.judge(edit)
      if (!edit.isChanged) return result
      this.#publish(before, edit.finish(judge === undefined))
      judge?.onPublished?.(edit)
      return result
    })
  }

  /**
   * Runs `act` while no other thread can publish; it is handed the published word and must not wait. For what must be looked
   * at and written in one go.
   *
   * writes    WRITER
   * reads     PUBLISHED
   * ordering  SeqCst
   * progress  blocking among writers, as `edit`
   * pairs     itself, freeSeat
   */
  alone<T>(act: (published: number) => T): T {
    const { words } = this.#region
    this.#enter()
    try {
      return act(atomics.load(words, PUBLISHED_AT))
    } finally {
      atomics.compareExchange(words, WRITER_AT, this.#seat + 1, 0)
      atomics.notify(words, WRITER_AT, 1)
    }
  }

  #publish(before: number, structure: Structure): void {
    const region = this.#region
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const slot = findFreeSlot(region)
      if (slot >= 0) {
        fillSlot(region, slot, structure)
        if (publishSlot(region, before, slot)) return
        throw busy('was published by another thread that does not hold the right to write')
      }
      if (performance.now() > deadline) throw busy('has no free slot')
    }
  }

  #enter(): void {
    const { words } = this.#region
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const holder = atomics.compareExchange(words, WRITER_AT, 0, this.#seat + 1)
      if (holder === 0) return
      if (holder === this.#seat + 1) throw busy('is being edited by this very thread: finish that edit first')
      if (performance.now() > deadline) throw busy(`is held by the thread in seat ${holder - 1}`)
      atomics.wait(words, WRITER_AT, holder, 5)
    }
  }
}

function busy(state: string): SignalboxError {
  return new SignalboxError('SBX_REGION_WRITER_BUSY', `Cannot publish: the structure ${state}`)
}
