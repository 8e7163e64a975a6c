import { avalanche, GOLDEN } from './hash-key.ts'
import {
  AFFINITY_IS_USED,
  AFFINITY_SET_WORDS,
  AFFINITY_TICKET,
  AFFINITY_UNTIL_MS,
  AFFINITY_WAYS,
  CLOCK_MS_AT,
  GENERATION,
  REGION_ID_AT,
  ROW_WORDS,
  SERVICE,
} from './layout.ts'
import type { Region } from './region.ts'
import { generationOfTicket, rowOfTicket, ticketOf } from './ticket.ts'

/** Longest time a session may stay unused. It bounds how far ahead UNTIL_MS can be of a clock that wraps, see leftOf. */
export const SESSION_TTL_MS_MAX = 86_400_000

/** What `find` answers where a session is nowhere. */
export const NO_SESSION = -1

const NO_ROWS = new Uint8Array(0)

/**
 * Where the sessions of a service are: a table of all threads and all services, of fixed size, without a lock.
 *
 *   key    = murmur3's finaliser of hash ^ salt of service and scope     which set, and what is looked for
 *   entry  = key ^ seal(ticket) │ ticket │ until │ is used               seal: a product, one to one over 32 bits
 *   found  ⇔ word ^ seal(ticket) = key,  the ticket's tenant has its row, that row is one of this router's, until lies ahead
 *
 *   set      line 0   [ sealed key × 8 │ ticket × 8 ]      read by every look-up, written when a session comes or moves
 *            line 1   [ until × 8      │ is used × 8 ]     written by who uses a session, once a second at most
 *
 * Each entry is true on its own. A reader may see the first word of one writer and the second of another, for a moment or,
 * when both wrote the same entry at one moment, for good. Such a mixture of (K₁, T₁) and (K₂, T₂) reads as the key
 * K₁ ^ seal(T₁) ^ seal(T₂). That is never K₁ (unless T₁ = T₂, and then it is true), and it is one particular other key
 * with probability 2^−32. So it is nobody's: a miss, which costs a session its place once. A writer that dies between the
 * two words leaves such a mixture, and nothing to repair. Who lives meanwhile neither waits nor looks twice.
 *
 * The first entry of a key counts, where two threads made two at one moment. A new session takes an entry that is empty or
 * has ended; else, of the sessions that were never used again, the one that ends first; else that of all. Among equal times to
 * live that is the one unused the longest. So who never comes back (a probe, a crawler, a client that keeps no cookies) pushes
 * out others of its kind, and nobody who does come back.
 *
 * Keys are salted with the region's id, so that who sends keys of his own choice cannot aim them at one set. Two sessions
 * of a service with one 32-bit hash are one session: they go to the same endpoint, and stay there.
 *
 * Source  Hyatt and Mann 2002, a lock-less transposition table. Deviation: sets, time to live, and who has left.
 *         Johnson and Shasha 1994 (2Q), for what was used once.
 */
export class Affinity {
  readonly #words: Int32Array
  readonly #at: number
  /** Sets − 1; below 0 where the region has no room for sessions. */
  readonly #mask: number
  readonly #endpointsAt: number
  readonly #rows: number
  readonly #service: number
  readonly #salt: number
  /** 1 for each row of the router; nothing until it says which. */
  #isListed: Uint8Array = NO_ROWS

  /** `scope` keeps sessions apart that are of one service and share no endpoints; 0: those of all of it. */
  constructor(region: Region, service: number, scope = 0) {
    const { words, layout } = region
    this.#words = words
    this.#at = layout.affinityAt
    this.#mask = layout.affinity / AFFINITY_WAYS - 1
    this.#endpointsAt = layout.endpointsAt
    this.#rows = layout.rows
    this.#service = service
    this.#salt = saltOf(region, service) ^ avalanche(scope)
  }

  /**
   * Says which rows the router may pick from, whatever tier has its turn: those of the structure it has pinned. No row of
   * them changes its tenant while the pin stands, so a ticket that agrees now agrees until the pick is counted.
   */
  list(rows: ArrayLike<number>): void {
    if (this.#isListed === NO_ROWS) this.#isListed = new Uint8Array(this.#rows)
    else this.#isListed.fill(0)
    for (let i = 0; i < rows.length; i++) this.#isListed[rows[i]] = 1
  }

  /**
   * The row a session is at, or NO_SESSION. To find it is to use it: it stays for `ttlMs` from now.
   *
   * writes    UNTIL_MS and IS_USED of the entry: the first time, and then when a second has passed, or a sixteenth of a
   *           shorter `ttlMs`
   * reads     both words of each entry of one set until the key is found; GENERATION of its row; the clock
   * ordering  Unordered: words do not tear (ECMA-262, Int32), and a mixture of two writes reads as nobody's key. An old
   *           entry is one that was true; the tenant is asked anew
   * progress  wait-free: eight entries
   * pairs     keep
   */
  find(hash: number, ttlMs: number): number {
    if (this.#mask < 0) return NO_SESSION
    const words = this.#words
    const key = this.#keyOf(hash)
    let at = this.#setOf(key)
    const end = at + AFFINITY_WAYS
    // Read once: the ticket that is believed is the one that was compared, whoever writes meanwhile. No compiler may repeat
    // the read of a shared word (ECMA-262, shared memory guidelines).
    let ticket = words[at + AFFINITY_TICKET]
    while ((words[at] ^ seal(ticket)) !== key) {
      if (++at === end) return NO_SESSION
      ticket = words[at + AFFINITY_TICKET]
    }
    const row = rowOfTicket(ticket)
    if (this.#isListed[row] !== 1) return NO_SESSION
    if (words[this.#endpointsAt + row * ROW_WORDS + GENERATION] !== generationOfTicket(ticket)) return NO_SESSION
    const now = words[CLOCK_MS_AT]
    const left = leftOf(words[at + AFFINITY_UNTIL_MS], now)
    if (left <= 0) return NO_SESSION
    // More than there should be: the time to live was shortened.
    const isStale = left > ttlMs || ttlMs - left > Math.min(REFRESH_MS, ttlMs >> 4)
    if (isStale || words[at + AFFINITY_IS_USED] === 0) {
      words[at + AFFINITY_UNTIL_MS] = (now + ttlMs) | 0
      words[at + AFFINITY_IS_USED] = 1
    }
    return row
  }

  /** The same without using it: nothing is written. */
  peek(hash: number): number {
    if (this.#mask < 0) return NO_SESSION
    const words = this.#words
    const at = this.#entryOf(this.#keyOf(hash))
    if (at < 0 || leftOf(words[at + AFFINITY_UNTIL_MS], words[CLOCK_MS_AT]) <= 0) return NO_SESSION
    const ticket = words[at + AFFINITY_TICKET]
    const row = rowOfTicket(ticket)
    const isTenant = words[this.#endpointsAt + row * ROW_WORDS + GENERATION] === generationOfTicket(ticket)
    return isTenant && this.#isListed[row] === 1 ? row : NO_SESSION
  }

  /**
   * From now on the session is at this row, for `ttlMs` or until it is used again.
   *
   * writes    the words of one entry: the key's own, else one of its set that makes room
   * reads     the words of one set; GENERATION of the row; the clock
   * ordering  Unordered: see find. UNTIL_MS first, so that mostly who finds the new key finds it alive
   * progress  wait-free: eight entries, twice over
   * pairs     find; itself: of two writers of one entry one wins, or a mixture stays that is nobody's
   */
  keep(hash: number, row: number, ttlMs: number): void {
    if (this.#mask < 0) return
    const words = this.#words
    const key = this.#keyOf(hash)
    let at = this.#entryOf(key)
    const isKnown = at >= 0 && leftOf(words[at + AFFINITY_UNTIL_MS], words[CLOCK_MS_AT]) > 0
    if (at < 0) at = this.#entryToGo(key)
    if (!isKnown) words[at + AFFINITY_IS_USED] = 0
    const ticket = ticketOf(row, words[this.#endpointsAt + row * ROW_WORDS + GENERATION])
    words[at + AFFINITY_UNTIL_MS] = (words[CLOCK_MS_AT] + ttlMs) | 0
    words[at + AFFINITY_TICKET] = ticket
    words[at] = key ^ seal(ticket)
  }

  /** Sessions of the service that are at one of its endpoints now. Reads the whole table: for reports, not for picks. */
  count(): number {
    const words = this.#words
    const now = words[CLOCK_MS_AT]
    const end = this.#at + (this.#mask + 1) * AFFINITY_SET_WORDS
    let count = 0
    for (let set = this.#at; set < end; set += AFFINITY_SET_WORDS) {
      for (let at = set; at < set + AFFINITY_WAYS; at++) {
        const ticket = words[at + AFFINITY_TICKET]
        // Most entries are empty, or have ended.
        if (ticket === 0 || leftOf(words[at + AFFINITY_UNTIL_MS], now) <= 0) continue
        const row = this.#endpointsAt + rowOfTicket(ticket) * ROW_WORDS
        if (words[row + GENERATION] === generationOfTicket(ticket) && words[row + SERVICE] === this.#service) count++
      }
    }
    return count
  }

  #keyOf(hash: number): number {
    return avalanche(hash ^ this.#salt)
  }

  #setOf(key: number): number {
    return this.#at + (key & this.#mask) * AFFINITY_SET_WORDS
  }

  /** The first entry of a key, or −1. An empty one reads as the key 0 at ticket 0, which is no tenant's. */
  #entryOf(key: number): number {
    const words = this.#words
    const set = this.#setOf(key)
    for (let at = set; at < set + AFFINITY_WAYS; at++) {
      if ((words[at] ^ seal(words[at + AFFINITY_TICKET])) === key) return at
    }
    return -1
  }

  #entryToGo(key: number): number {
    const words = this.#words
    const now = words[CLOCK_MS_AT]
    const set = this.#setOf(key)
    let first = set
    let least = SESSION_TTL_MS_MAX + 1
    for (let at = set; at < set + AFFINITY_WAYS; at++) {
      const left = leftOf(words[at + AFFINITY_UNTIL_MS], now)
      if (left <= 0 || words[at + AFFINITY_TICKET] === 0) return at
      // Never used again: before all that were.
      const rank = words[at + AFFINITY_IS_USED] === 0 ? left - SESSION_TTL_MS_MAX : left
      if (rank >= least) continue
      least = rank
      first = at
    }
    return first
  }
}

/** What the names of a service's sessions are salted with; those of a scope with the scope as well. */
export function saltOf({ words }: Region, service: number): number {
  return words[REGION_ID_AT] ^ Math.imul(service + 1, GOLDEN)
}

export function seal(ticket: number): number {
  return Math.imul(ticket, GOLDEN)
}

/** How long an entry in use goes on without being written again, in ms, so that a hot session does not write on each pick. */
const REFRESH_MS = 1000

/**
 * Milliseconds until an entry ends, not above 0 when it has. One that ended 24 days ago would lie ahead on a clock that wraps: what
 * is further ahead than any session may be has ended. (An entry that nobody touched for 48 days reads as alive for a day. It
 * leads where its session was, if that endpoint is still there.)
 */
export function leftOf(untilMs: number, nowMs: number): number {
  const left = (untilMs - nowMs) | 0
  return left > SESSION_TTL_MS_MAX ? -left : left
}
