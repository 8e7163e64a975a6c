import type { WriteEndpoint, WriteService } from '../grammar/directive.ts'
import type { Signal } from '../grammar/signal.ts'
import { Fifo } from '../run/fifo.ts'
import type { EndpointColumn, RowRef, ServiceColumn } from '../table-port.ts'

/** Of facts, and of writes: minutes of a bad day, a day of good ones; some megabytes. */
export const JOURNAL_ENTRIES = 10_000
/** Longer than any chain the agents make; a bound on one that strangers make up. */
const CHAIN_SIGNALS = 64

/**
 * Columns that are not journalled: `latencyUs`, `forecastUs`, `limit` and `utilisation` are readings, written for every endpoint many times a
 * second, and would push out all that there is to explain; `pullMax` follows from the other columns, and what is written to it means nothing.
 */
const UNTOLD: ReadonlySet<EndpointColumn | ServiceColumn> = new Set([
  'latencyUs',
  'forecastUs',
  'limit',
  'utilisation',
  'pullMax',
])

/** Whether what is written to a column is journalled. */
export function isTold(column: EndpointColumn | ServiceColumn): boolean {
  return !UNTOLD.has(column)
}

/** A fact that an agent told. */
export interface SignalEntry {
  readonly kind: 'signal'
  readonly signal: Signal
}

/** A word of the tables that an agent set. */
export interface WriteEntry {
  readonly kind: 'write'
  readonly agent: string
  readonly column: EndpointColumn | ServiceColumn
  /** Of an endpoint: its row, and which tenant of it was meant. */
  readonly row?: number
  readonly generation?: number
  /** Of a service: its index. */
  readonly service?: number
  /** What it was before, where that is known. */
  readonly old?: number
  readonly value: number
  /** Wall clock, RFC 3339. */
  readonly time: string
  /** Id of the signal it was set for; left out when the agent set it at its start. */
  readonly causationid?: string
}

export type Entry = SignalEntry | WriteEntry

/** An entry, and the how manyth it is. */
interface Noted<E extends Entry = Entry> {
  readonly at: number
  readonly entry: E
}

/** A write on its way into the journal. */
export interface Written {
  readonly agent: string
  readonly directive: WriteEndpoint | WriteService
  readonly old?: number | undefined
  readonly wallMs: number
  readonly cause: Signal | undefined
}

/** Why a word is what it is. */
export interface Because {
  readonly value: number
  readonly old?: number
  readonly time: string
  readonly by: string
  /** The signals that led there, from the one it was set for back to the first that is known. */
  readonly chain: readonly Signal[]
}

/** Of an endpoint, every column that was written since the start. */
export interface Explanation extends RowRef {
  readonly columns: Readonly<Partial<Record<EndpointColumn, Because>>>
}

/**
 * What happened, with cause and effect: facts that agents told and words they set, the last ten thousand of each.
 *
 *   signal ejected ◀── causationid ── write ejectedBar = 1
 *      │ causationid
 *      ▼
 *   signal health-changed
 *
 * While weights move, each word of them is set many times a second: facts have room of their own, so that none is forgotten for it.
 * Telemetry is not in it: a chain that leads through telemetry ends there. The last write of every word stays, and with it the chain
 * that led to it, however long ago: there are as many of them as the tables have words.
 */
export class Journal {
  readonly #room: number
  #noted = 0
  readonly #facts = new Kind<SignalEntry>()
  readonly #writes = new Kind<WriteEntry>()
  readonly #byId = new Map<string, Signal>()
  readonly #bySubject = new Map<string, Fifo<Signal>>()
  readonly #last = new Map<string, { readonly write: WriteEntry; readonly chain: readonly Signal[] }>()
  /** Columns of endpoints that were ever written. */
  readonly #columns = new Set<EndpointColumn>()

  constructor(room = JOURNAL_ENTRIES) {
    this.#room = room
  }

  get length(): number {
    return this.#facts.entries.length + this.#writes.entries.length
  }

  /** Notes a fact; one whose id is there already is the same fact. */
  told(signal: Signal): void {
    if (this.#byId.has(signal.id)) return
    const forgotten = this.#add(this.#facts, { kind: 'signal', signal })
    if (forgotten !== undefined) this.#forget(forgotten.signal)
    this.#byId.set(signal.id, signal)
    if (signal.subject !== undefined) lineIn(this.#bySubject, signal.subject).push(signal)
  }

  /** Notes that a word was set, unless it is one of those that are not told or it was that already. */
  wrote({ agent, directive, old, wallMs, cause }: Written): void {
    const { column, value } = directive
    if (!isTold(column) || old === value) return
    const isEndpoint = directive.kind === 'write-endpoint'
    if (isEndpoint) this.#columns.add(directive.column)
    const write: WriteEntry = {
      kind: 'write',
      agent,
      column,
      ...(isEndpoint ? { row: directive.row, generation: directive.generation } : { service: directive.service }),
      ...(old === undefined ? {} : { old }),
      value,
      time: new Date(wallMs).toISOString(),
      ...(cause === undefined ? {} : { causationid: cause.id }),
    }
    this.#add(this.#writes, write)
    // The cause itself need not be here: an agent's own timer is not told to anyone, and it is the nearest cause all the same.
    const chain = cause === undefined ? [] : [cause, ...this.#follow(cause.causationid, new Set([cause.id]))]
    this.#last.set(wordKey(column, isEndpoint ? directive.row : directive.service), { write, chain })
  }

  /** From a signal back to its first cause that is known; empty when the signal itself is not. */
  chain(id: string): Signal[] {
    return this.#follow(id, new Set())
  }

  /** What followed directly from a signal, oldest first. */
  effects(id: string): Entry[] {
    return inOrder(this.#facts.byCause.get(id) ?? [], this.#writes.byCause.get(id) ?? [])
  }

  /** Signals about an endpoint (`service/id`) or a service, oldest first. */
  about(subject: string): Signal[] {
    return [...(this.#bySubject.get(subject) ?? [])]
  }

  /** The last write of a word: of an endpoint by its row, of a service by its index. */
  lastWrite(column: EndpointColumn | ServiceColumn, index: number): WriteEntry | undefined {
    return this.#last.get(wordKey(column, index))?.write
  }

  /** Signals told after this one, oldest first; undefined when the journal does not reach back to it. */
  after(id: string): Signal[] | undefined {
    if (!this.#byId.has(id)) return undefined
    const signals = [...this.#facts.entries].map(({ entry }) => entry.signal)
    return signals.slice(signals.findIndex(signal => signal.id === id) + 1)
  }

  /** Why the words of some endpoints are what they are. What was written for an earlier tenant of a row is left out. */
  explain(rows: readonly RowRef[]): Explanation[] {
    return rows.map(({ row, generation }) => {
      const columns: Partial<Record<EndpointColumn, Because>> = {}
      for (const column of this.#columns) {
        const last = this.#last.get(wordKey(column, row))
        if (last === undefined || last.write.generation !== generation) continue
        const { agent: by, old, value, time } = last.write
        columns[column] = { value, ...(old === undefined ? {} : { old }), time, by, chain: last.chain }
      }
      return { row, generation, columns }
    })
  }

  /** All entries as JSON, one a line, oldest first. Keys are sorted: two runs that did the same say the same. */
  toJsonl(): string {
    return inOrder(this.#facts.entries, this.#writes.entries)
      .map(entry => `${JSON.stringify(entry, sortKeys)}\n`)
      .join('')
  }

  #follow(id: string | undefined, seen: Set<string>): Signal[] {
    const chain: Signal[] = []
    for (let next = id; next !== undefined && !seen.has(next) && chain.length < CHAIN_SIGNALS; ) {
      const signal = this.#byId.get(next)
      if (signal === undefined) break
      chain.push(signal)
      seen.add(next)
      next = signal.causationid
    }
    return chain
  }

  /** Adds one, and returns the oldest of its kind where that had to make room for it. */
  #add<E extends Entry>({ entries, byCause }: Kind<E>, entry: E): E | undefined {
    const noted = { at: this.#noted++, entry }
    const oldest = entries.length >= this.#room ? entries.take()?.entry : undefined
    const oldCause = oldest === undefined ? undefined : causeOf(oldest)
    if (oldCause !== undefined) leaveLine(byCause, oldCause)
    entries.push(noted)
    const cause = causeOf(entry)
    if (cause !== undefined) lineIn(byCause, cause).push(noted)
    return oldest
  }

  #forget({ id, subject }: Signal): void {
    this.#byId.delete(id)
    if (subject !== undefined) leaveLine(this.#bySubject, subject)
  }
}

/** Entries of one kind. They leave in the order they came, so each is the oldest in every line it stands in. */
class Kind<E extends Entry> {
  readonly entries = new Fifo<Noted<E>>()
  readonly byCause = new Map<string, Fifo<Noted<E>>>()
}

function inOrder(facts: Iterable<Noted>, writes: Iterable<Noted>): Entry[] {
  return [...facts, ...writes].sort((a, b) => a.at - b.at).map(({ entry }) => entry)
}

const causeOf = (entry: Entry): string | undefined =>
  entry.kind === 'signal' ? entry.signal.causationid : entry.causationid

/** Names of columns are unique among endpoints and services together. */
const wordKey = (column: EndpointColumn | ServiceColumn, index: number): string => `${column} ${index}`

function lineIn<T>(lines: Map<string, Fifo<T>>, key: string): Fifo<T> {
  let line = lines.get(key)
  if (line === undefined) lines.set(key, (line = new Fifo()))
  return line
}

function leaveLine(lines: Map<string, Fifo<unknown>>, key: string): void {
  const line = lines.get(key)!
  line.take()
  if (line.length === 0) lines.delete(key)
}

function sortKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
