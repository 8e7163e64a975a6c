import type { BridgeClock } from './clock.ts'
import { type Follower, Following } from './following.ts'
import { readRecord } from './scribe.ts'
import type { Entry, Store } from './store.ts'

/** What lies under a name: what was written, on behalf of which decision, and at which revision. */
export interface FencedRecord {
  readonly name: string
  readonly fence: number
  /** The how-manieth under this fence, where whoever writes counts; 0 where not. */
  readonly turn: number
  readonly value: unknown
  readonly revision: number
}

/** A record as it lies in the store; a turn of 0 is left out there. */
type Laid = Pick<FencedRecord, 'fence' | 'value' | 'turn'>

/**
 * Records that one writes at a time and all read: whoever writes says on behalf of which fence, and loses to a higher one that has
 * written before, however late it comes. What is read is a copy that is kept up to date; it costs no call.
 *
 *   leader, fence 7 ──▶ writes ──▶ stands still …                          … ──▶ writes: refused, 9 was here
 *                                   next leader, fence 9 ──▶ writes ──────────────────▲
 *   everybody       all of it at first, then what has changed, by revision
 */
export class FencedRecords {
  readonly #store: Store
  readonly #root: string
  readonly #following: Following
  readonly #records = new Map<string, FencedRecord>()
  #waiting: (() => void)[] = []

  constructor(store: Store, root: string, clock: BridgeClock) {
    this.#store = store
    this.#root = `${root}/`
    const follower: Follower = {
      onAnew: entries => {
        this.#records.clear()
        for (const entry of entries) this.#see(entry.key, entry)
        this.#wake()
      },
      onChanges: changes => {
        for (const { key, entry } of changes) this.#see(key, entry)
        this.#wake()
      },
    }
    this.#following = new Following(store, this.#root, follower, clock)
  }

  /** Whether what is read may be relied on: it is false until all was read for the first time, and where something may have been missed. */
  get isCurrent(): boolean {
    return this.#following.isCurrent
  }

  get(name: string): FencedRecord | undefined {
    return this.#records.get(name)
  }

  /** All that lies there, by name. */
  all(): FencedRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * Writes on behalf of a fence. False: a higher one has written, and this does not count. Rejects with SBX_STORE_SILENT where nobody can
   * say; said again, it comes to the same. Who counts its writes by `turn` may say an earlier one again, or have two on their way: the latest
   * stands, whichever comes last.
   */
  async write(name: string, fence: number, value: unknown, turn = 0): Promise<boolean> {
    const key = `${this.#root}${name}`
    const text = JSON.stringify({ fence, ...(turn > 0 ? { turn } : {}), value })
    for (;;) {
      const there = await this.#store.get(key)
      const laid = there === undefined ? undefined : readLaid(there.value)
      if (laid !== undefined && laid.fence > fence) return false
      if (laid !== undefined && laid.fence === fence && laid.turn > turn) return true
      if (there?.value === text) return true
      const answer =
        there === undefined ? await this.#store.create(key, text) : await this.#store.cas(key, text, there.revision)
      // Not made: somebody wrote meanwhile, and it may have been the next leader.
      if (answer.isMade) return true
    }
  }

  /** Resolves when anything has changed since the call, and at once when it is closed. */
  changed(): Promise<void> {
    return new Promise(resolve => void this.#waiting.push(resolve))
  }

  close(): void {
    this.#following.close()
    this.#wake()
  }

  #see(key: string, entry: Entry | undefined): void {
    const name = key.slice(this.#root.length)
    const laid = entry === undefined ? undefined : readLaid(entry.value)
    if (entry === undefined || laid === undefined) this.#records.delete(name)
    else this.#records.set(name, { name, ...laid, revision: entry.revision })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** What others wrote is looked at before it is believed. */
function readLaid(value: string): Laid | undefined {
  const laid = readRecord(value) as Partial<Laid> | undefined
  if (laid === undefined || !Number.isSafeInteger(laid.fence)) return undefined
  const turn = Number.isSafeInteger(laid.turn) ? laid.turn! : 0
  return { fence: laid.fence!, turn, value: laid.value }
}
