import type { Answer, Change, Entry, Listing, StoreStatus } from './store.ts'

/** Changes that are kept for watches that come back, at most. */
const HISTORY_MAX = 10_000

/** Keys there may be: what is kept here is few and small, and a loop that makes keys must not fill the process. */
const KEYS_MAX = 100_000

/** Changes of one term; the next one begins behind them. */
const TERM = 2 ** 32

/** A lease, and what goes with it. */
interface Held {
  readonly ttlMs: number
  dueAtMs: number
  readonly keys: Set<string>
}

interface Kept extends Entry {
  readonly lease: string | undefined
}

/** What a change of the sequencer comes down to: enough to make it again. */
export interface Written extends Change {
  readonly lease?: { readonly id: string; readonly ttlMs: number }
}

/**
 * Puts changes of keys in one order. It is plain state: what it is asked it answers at once, time is handed in, and what has changed
 * is handed out. Who asks it one after the other has a linearizable store.
 *
 *   create · cas · end · expire ──▶ Written, revision by revision ──▶ (log) ──▶ watches
 *
 * A revision is the term and a count, term × 2³² + count: a sequencer that begins anew without a log begins a term of its own,
 * and whatever was fenced before it loses to whatever comes after.
 */
export class Sequencer {
  readonly term: number
  #revision: number
  readonly #entries = new Map<string, Kept>()
  readonly #leases = new Map<string, Held>()
  readonly #history: Change[] = []
  /** Changes up to this one are not in the history any more, or never were. */
  #forgotten: number
  #leasesMade = 0
  #written: Written[] = []

  constructor(term = 0) {
    if (!Number.isSafeInteger(term) || term < 0 || term >= 2 ** 20) {
      throw new RangeError(`The term of a sequencer is a whole number from 0 to ${2 ** 20 - 1}, not ${term}`)
    }
    this.term = term
    this.#revision = term * TERM
    this.#forgotten = this.#revision
  }

  get revision(): number {
    return this.#revision
  }

  create(key: string, value: string, leaseId?: string): Answer {
    const there = this.#entries.get(key)
    if (there !== undefined) return { isMade: false, entry: shown(there) }
    if (this.#entries.size >= KEYS_MAX) throw new RangeError(`A sequencer holds ${KEYS_MAX} keys, and has them`)
    return this.#put(key, value, leaseId, undefined)
  }

  cas(key: string, value: string | undefined, revision: number, leaseId?: string): Answer {
    const there = this.#entries.get(key)
    if (there === undefined || there.revision !== revision) {
      return { isMade: false, entry: there && shown(there) }
    }
    if (value !== undefined) return this.#put(key, value, leaseId, there)
    return { isMade: true, revision: this.#remove(there) }
  }

  get(key: string): Entry | undefined {
    const kept = this.#entries.get(key)
    return kept && shown(kept)
  }

  list(prefix: string): Listing {
    const entries: Entry[] = []
    for (const kept of this.#entries.values()) if (kept.key.startsWith(prefix)) entries.push(shown(kept))
    entries.sort((a, b) => (a.key < b.key ? -1 : 1))
    return { entries, revision: this.#revision }
  }

  /** Changes behind a revision, of keys that begin so; undefined where some of them are forgotten, or are of a future that never was. */
  changesSince(prefix: string, revision: number): Change[] | undefined {
    if (revision < this.#forgotten || revision > this.#revision) return undefined
    let from = this.#history.length
    while (from > 0 && this.#history[from - 1].revision > revision) from--
    return this.#history.slice(from).filter(({ key }) => key.startsWith(prefix))
  }

  grant(ttlMs: number, nowMs: number): string {
    const id = `${this.term}-${++this.#leasesMade}`
    this.#leases.set(id, { ttlMs, dueAtMs: nowMs + ttlMs, keys: new Set() })
    return id
  }

  /** False: it has run out, or was ended. */
  keepAlive(leaseId: string, nowMs: number): boolean {
    const held = this.#leases.get(leaseId)
    if (held === undefined) return false
    held.dueAtMs = nowMs + held.ttlMs
    return true
  }

  /** Its keys go, each with a revision of its own. */
  end(leaseId: string): void {
    const held = this.#leases.get(leaseId)
    if (held === undefined) return
    this.#leases.delete(leaseId)
    for (const key of [...held.keys].sort()) this.#remove(this.#entries.get(key) as Kept)
  }

  /** Ends what has run out. Says when to look again, on the same clock; infinity where nothing runs. */
  expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const [id, { dueAtMs }] of this.#leases) {
      if (dueAtMs <= nowMs) this.end(id)
      else nextMs = Math.min(nextMs, dueAtMs)
    }
    return nextMs
  }

  status(): StoreStatus {
    return { revision: this.#revision, term: this.term, keys: this.#entries.size, leases: this.#leases.size }
  }

  /** What has changed since it was asked last, in order. */
  takeWritten(): Written[] {
    const written = this.#written
    this.#written = []
    return written
  }

  /** Makes a change of a log again, at the revision it had. Leases begin anew: their holders could not be heard. */
  replay({ key, revision, entry, lease }: Written, nowMs: number): void {
    const there = this.#entries.get(key)
    if (there?.lease !== undefined) this.#leases.get(there.lease)?.keys.delete(key)
    this.#revision = Math.max(this.#revision, revision)
    if (entry === undefined) {
      this.#entries.delete(key)
    } else {
      this.#entries.set(key, { ...entry, lease: lease?.id })
      if (lease !== undefined) {
        const held = this.#leases.get(lease.id) ?? { ttlMs: lease.ttlMs, dueAtMs: nowMs + lease.ttlMs, keys: new Set() }
        held.keys.add(key)
        this.#leases.set(lease.id, held)
      }
    }
    this.#forgotten = this.#revision
  }

  #put(key: string, value: string, leaseId: string | undefined, before: Kept | undefined): Answer {
    const held = leaseId === undefined ? undefined : this.#leases.get(leaseId)
    // Who lost a lease has lost what goes with it: the change is refused, as if it had been made and gone.
    if (leaseId !== undefined && held === undefined) return { isMade: false, entry: before && shown(before) }
    if (before?.lease !== undefined) this.#leases.get(before.lease)?.keys.delete(key)
    held?.keys.add(key)
    const revision = ++this.#revision
    const kept = { key, value, revision, madeAt: before?.madeAt ?? revision, lease: leaseId }
    this.#entries.set(key, kept)
    const lease = held === undefined || leaseId === undefined ? undefined : { id: leaseId, ttlMs: held.ttlMs }
    this.#write({ key, revision, entry: shown(kept), ...(lease && { lease }) })
    return { isMade: true, revision }
  }

  #remove({ key, lease }: Kept): number {
    if (lease !== undefined) this.#leases.get(lease)?.keys.delete(key)
    this.#entries.delete(key)
    const revision = ++this.#revision
    this.#write({ key, revision, entry: undefined })
    return revision
  }

  #write(written: Written): void {
    const { key, revision, entry } = written
    this.#written.push(written)
    this.#history.push({ key, revision, entry })
    if (this.#history.length <= HISTORY_MAX * 1.25) return
    const old = this.#history.splice(0, this.#history.length - HISTORY_MAX)
    this.#forgotten = (old.at(-1) as Change).revision
  }
}

function shown({ key, value, revision, madeAt }: Kept): Entry {
  return { key, value, revision, madeAt }
}
