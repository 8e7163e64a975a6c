import dns, { type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'

/** Answers older than this are asked for again, beside the connection that noticed. The system tells no TTL. */
const FRESH_MS = 5000

/** An address that could not be connected to comes last for so long. */
const FAILED_MS = 10_000

/** Names that are remembered: endpoints come and go. */
const NAMES_MAX = 4096

type Answer = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void

/** Asks for all addresses of a name. */
export type Resolve = (name: string, answer: Answer) => void

const askSystem: Resolve = (name, answer) => dns.lookup(name, { all: true, order: 'verbatim' }, answer)

interface Entry {
  /** The last good answer. */
  addresses: readonly LookupAddress[]
  askedAtMs: number
  /** Where the next connection begins. */
  turn: number
  readonly failedAtMs: Map<string, number>
  /** Who waits for the first answer; undefined while nobody is asked. */
  waiting: Answer[] | undefined
}

/**
 * The addresses of names that endpoints are given by, for one thread.
 *
 *   name ──▶ a b c      1st connection: a b c · 2nd: b c a · 3rd: c a b       each next one begins with the next answer
 *            a ✗ c      b could not be connected to a moment ago: it comes last
 *
 * Who connects tries them in this order (net does so by itself). Only the first connection to a name waits for an answer; later ones take
 * the last good one, which is asked for anew beside them. A name server that says nothing changes nothing.
 */
export class AddressBook {
  readonly #entries = new Map<string, Entry>()
  readonly #resolve: Resolve
  readonly #now: () => number

  constructor(resolve: Resolve = askSystem, now: () => number = () => performance.now()) {
    this.#resolve = resolve
    this.#now = now
  }

  /** For `net.connect` and `tls.connect`. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    this.#addresses(name, (error, addresses) => {
      const { family } = options
      const wanted = family === 4 || family === 6 ? addresses.filter(each => each.family === family) : addresses
      if (error !== null || wanted.length === 0) {
        callback(error ?? notFound(name), options.all === true ? [] : '')
      } else if (options.all === true) {
        callback(null, [...wanted])
      } else {
        callback(null, wanted[0].address, wanted[0].family)
      }
    })
  }

  /** This address of the name did not let itself be connected to. */
  fail(name: string, address: string): void {
    this.#entries.get(name)?.failedAtMs.set(address, this.#now())
  }

  #addresses(name: string, answer: Answer): void {
    const entry = this.#entryOf(name)
    const isStale = this.#now() - entry.askedAtMs > FRESH_MS
    if (entry.addresses.length === 0) {
      if (entry.waiting !== undefined) entry.waiting.push(answer)
      else this.#ask(name, entry, [answer])
      return
    }
    if (isStale && entry.waiting === undefined) this.#ask(name, entry, [])
    // Never within the call: net connects only after it.
    const next = this.#nextOf(entry)
    process.nextTick(() => answer(null, next))
  }

  #entryOf(name: string): Entry {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      if (this.#entries.size >= NAMES_MAX) this.#entries.clear()
      entry = { addresses: [], askedAtMs: 0, turn: 0, failedAtMs: new Map(), waiting: undefined }
      this.#entries.set(name, entry)
    }
    return entry
  }

  #ask(name: string, entry: Entry, waiting: Answer[]): void {
    entry.waiting = waiting
    entry.askedAtMs = this.#now()
    this.#resolve(name, (error, addresses) => {
      entry.waiting = undefined
      if (error === null && addresses.length > 0) {
        entry.addresses = addresses
        for (const address of entry.failedAtMs.keys()) {
          if (!addresses.some(each => each.address === address)) entry.failedAtMs.delete(address)
        }
      }
      for (const answer of waiting) {
        if (entry.addresses.length > 0) answer(null, this.#nextOf(entry))
        else answer(error ?? notFound(name), [])
      }
    })
  }

  /** All addresses, beginning with the one whose turn it is, those that failed last. */
  #nextOf(entry: Entry): readonly LookupAddress[] {
    const { addresses, failedAtMs } = entry
    if (addresses.length === 1) return addresses
    const since = this.#now() - FAILED_MS
    const hasFailed = ({ address }: LookupAddress): boolean => (failedAtMs.get(address) ?? -1e9) > since
    const usable = addresses.filter(each => !hasFailed(each))
    if (usable.length === 0) return turned(addresses, entry.turn++)
    return [...turned(usable, entry.turn++), ...addresses.filter(hasFailed)]
  }
}

function turned<T>(list: readonly T[], turn: number): T[] {
  const at = turn % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function notFound(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`Cannot resolve ${name}: there is no address, check the name`), { code: 'ENOTFOUND' })
}
