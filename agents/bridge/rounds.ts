import { elapsedMs } from '../../engine/writer.ts'
import { type BridgeClock, realClock } from './clock.ts'
import { Following } from './following.ts'
import { Scribe } from './scribe.ts'
import type { Change, Entry, Store } from './store.ts'
import { Sweeper, type Written } from './sweeper.ts'

/** How long the records of a round stay when it has ended, in ms. */
const KEEP_MS = 3_600_000
/** Rounds that have ended and are remembered, for who asks late; the store is asked about those before. */
const REMEMBERED_MAX = 1_000
/** Whoever waits for a round beyond its time gets an answer that much later, in ms: others may be about to write it. */
export const GRACE_MS = 250

/** What lies at the end of a round, and the revision it was written at. */
export interface Ending<Outcome> {
  readonly outcome: Outcome
  readonly fence: number
}

/** One round, as it is seen here. */
export interface Round<Opening, State, Outcome> {
  readonly id: string
  /** Undefined as long as it was only asked about, and when it has ended. */
  opening: Opening | undefined
  /** What its participants wrote, and what is done about it here. */
  readonly state: State
  ending: Ending<Outcome> | undefined
}

/** A kind of round: how its records are read, and what is done about them. Nothing that is read here may be believed unseen. */
export interface Matter<Opening, State, Outcome> {
  /** Its keys begin so. */
  readonly root: string
  begin(): State
  readOpening(value: string): Opening | undefined
  readOutcome(value: string): Outcome | undefined
  /** A record of a participant lies there; `agent` is empty where it is nobody's. */
  take(state: State, letter: string, agent: string, value: string): void
  /** It is seen for the first time: what is timed begins now. */
  onOpen(round: Round<Opening, State, Outcome>, opening: Opening): void
  /** Does what is to be done now; called whenever more is known, as long as it has not ended. */
  serve(round: Round<Opening, State, Outcome>, opening: Opening): void
  /** Each once, in the order of their fences. */
  onEnd(opening: Opening, ending: Ending<Outcome>): void
  /** Whether it was ended from here: who did takes the records away. */
  isMine(outcome: Outcome): boolean
}

interface Seen<Opening, State, Outcome> extends Round<Opening, State, Outcome> {
  state: State
  /** The revision its opening has: one that is made anew is another round. */
  openedAt: number
  /** When it was seen first. */
  sinceMs: number
  isDeciding: boolean
  readonly callOffs: Set<() => void>
  readonly waiting: Set<(ending: Ending<Outcome> | undefined) => void>
  readonly records: Written[]
}

/**
 * What proposals, barriers and auctions have in common: rounds of records that are written once and never changed. Nobody is in the
 * middle; whoever sees enough writes the end down, which can be written once.
 *
 *   p/id ──▶ seen by all ──▶ v/id/agent … ──▶ whoever sees enough: d/id ──▶ everybody acts on what lies there
 *
 * Agreement: an end is one key that is made once. Whoever sees a round sees it through: one that dies leaves nothing behind that another
 * does not finish. Where the store has begun anew with nothing, what was under way is not any more; what is opened there again
 * is another round, with a higher fence.
 */
export class Rounds<Opening, State, Outcome> {
  readonly #matter: Matter<Opening, State, Outcome>
  readonly #clock: BridgeClock
  readonly #sweeper: Sweeper
  readonly #keepMs: number
  readonly #store: Store
  readonly #scribe: Scribe
  readonly #following: Following
  readonly #rounds = new Map<string, Seen<Opening, State, Outcome>>()
  readonly #ended: string[] = []
  /** Records that were seen and the revision each has: what is listed again is not read again. */
  readonly #known = new Map<string, number>()
  readonly #record: RegExp
  /** The state of all that have ended: nothing is done about them any more. */
  readonly #idle: State
  #isClosed = false
  #fence = 0
  /** Some have ended and are not remembered, though their records may lie there. */
  #hasForgotten = false

  constructor(store: Store, matter: Matter<Opening, State, Outcome>, clock = realClock, keepMs = KEEP_MS) {
    this.#matter = matter
    this.#store = store
    this.#idle = matter.begin()
    this.#clock = clock
    this.#sweeper = new Sweeper(store, clock, keepMs / 4)
    this.#keepMs = keepMs
    this.#record = new RegExp(`^${matter.root}([a-z])/([0-9a-f]{16})(?:/(.+))?$`)
    const follower = {
      onAnew: (entries: readonly Entry[]) => {
        this.#forgetBut(entries)
        this.#see(entries)
      },
      onChanges: (changes: readonly Change[]) => this.#see(changes.flatMap(({ entry }) => entry ?? [])),
    }
    this.#following = new Following(store, matter.root, follower, clock)
    this.#scribe = new Scribe(store, this.#following, clock)
  }

  /** Those that are under way, the oldest first, and for how long, in ms. */
  underWay(): { readonly round: Round<Opening, State, Outcome>; readonly ageMs: number }[] {
    const open = [...this.#rounds.values()].filter(
      ({ opening, ending }) => opening !== undefined && ending === undefined,
    )
    const nowMs = this.#clock.now()
    return open.map(round => ({ round, ageMs: elapsedMs(nowMs, round.sinceMs) }))
  }

  /** Begins a round, or joins the one that is there; it is tried for so many ms. */
  open(id: string, opening: Opening, forMs: number): void {
    const sinceMs = this.#clock.now()
    const isWanted = (): boolean => elapsedMs(this.#clock.now(), sinceMs) < forMs
    void this.#scribe.make(`${this.#matter.root}p/${id}`, () => opening, isWanted)
  }

  /** Adds a record, as long as the round has not ended. Without an agent it is everybody's. */
  add({ id }: Round<Opening, State, Outcome>, letter: string, agent: string | undefined, record: () => unknown): void {
    const seen = this.#rounds.get(id)
    const key = `${this.#matter.root}${letter}/${id}${agent === undefined ? '' : `/${agent}`}`
    void this.#scribe.make(key, record, () => seen !== undefined && this.#isUnderWay(seen))
  }

  /** Writes the end down, as it looks whenever it is tried. */
  decide({ id }: Round<Opening, State, Outcome>, outcome: () => Outcome): void {
    const seen = this.#rounds.get(id)
    if (seen === undefined || seen.isDeciding || !this.#isUnderWay(seen)) return
    seen.isDeciding = true
    void this.#scribe.make(`${this.#matter.root}d/${id}`, outcome, () => this.#isUnderWay(seen))
  }

  /** Calls back after so many ms, unless the round has ended by then. */
  after({ id }: Round<Opening, State, Outcome>, delayMs: number, callback: () => void): void {
    const seen = this.#rounds.get(id)
    const callOff = this.#clock.later(delayMs, () => {
      seen?.callOffs.delete(callOff)
      callback()
    })
    seen?.callOffs.add(callOff)
  }

  /** Something is known of a round that no record says. */
  serve(id: string): void {
    const round = this.#rounds.get(id)
    if (round?.opening === undefined || !this.#isUnderWay(round) || this.#isClosed) return
    this.#matter.serve(round, round.opening)
  }

  /** How a round ends: when it does, or undefined when so many ms are over, or the store has forgotten it. */
  result(id: string, timeoutMs: number): Promise<Ending<Outcome> | undefined> {
    const round = this.#round(id)
    if (round.ending !== undefined) return Promise.resolve(round.ending)
    if (this.#isClosed) return Promise.resolve(undefined)
    if (this.#hasForgotten && round.opening === undefined) void this.#lookBack(id)
    return new Promise(resolve => {
      const end = (ending: Ending<Outcome> | undefined): void => {
        callOff()
        round.waiting.delete(end)
        resolve(ending)
        // It was never heard of.
        if (round.opening === undefined && round.ending === undefined && round.waiting.size === 0)
          this.#rounds.delete(id)
      }
      const callOff = this.#clock.later(timeoutMs + GRACE_MS, () => end(undefined))
      round.waiting.add(end)
    })
  }

  /** Takes no part any more. Who waits gets undefined. */
  close(): void {
    this.#isClosed = true
    this.#scribe.close()
    this.#sweeper.close()
    this.#following.close()
    for (const round of [...this.#rounds.values()]) this.#letGo(round)
  }

  #isUnderWay(round: Seen<Opening, State, Outcome>): boolean {
    return round.ending === undefined && this.#rounds.get(round.id) === round
  }

  /** Asks the store how a round ended that is not remembered. What has not been told yet comes by itself, in its turn. */
  async #lookBack(id: string): Promise<void> {
    const end = await this.#store.get(`${this.#matter.root}d/${id}`).catch(() => undefined)
    if (end !== undefined && end.revision <= this.#fence && !this.#isClosed) this.#see([end])
  }

  #forgetBut(entries: readonly Entry[]): void {
    const there = new Set(entries.map(({ key }) => key))
    for (const round of [...this.#rounds.values()]) {
      const { id, opening, ending } = round
      if (opening === undefined || ending !== undefined || there.has(`${this.#matter.root}p/${id}`)) continue
      this.#drop(round)
      this.#letGo(round)
    }
  }

  #drop({ id, records }: Seen<Opening, State, Outcome>): void {
    this.#rounds.delete(id)
    for (const { key } of records) this.#known.delete(key)
  }

  #letGo(round: Seen<Opening, State, Outcome>): void {
    for (const callOff of round.callOffs) callOff()
    round.callOffs.clear()
    for (const end of [...round.waiting]) end(undefined)
  }

  #see(entries: readonly Entry[]): void {
    const touched = new Set<Seen<Opening, State, Outcome>>()
    for (const entry of entries) {
      if (this.#known.get(entry.key) === entry.revision) continue
      const round = this.#take(entry)
      if (round !== undefined) touched.add(round)
    }
    for (const { id } of touched) this.serve(id)
  }

  #take({ key, value, revision }: Entry): Seen<Opening, State, Outcome> | undefined {
    const [, letter, id, agent = ''] = this.#record.exec(key) ?? []
    if (letter === undefined) return undefined
    if (letter === 'p') return this.#begin(id, key, value, revision)
    if (letter !== 'd' && !this.#rounds.has(id)) {
      // Its round was taken away before it came.
      this.#sweeper.sweepLater(() => [{ key, revision }], 2 * this.#keepMs)
      return undefined
    }
    const round = this.#round(id)
    this.#know(round, { key, revision })
    if (letter !== 'd') {
      // One that comes late is known, to be taken away with the rest, and changes nothing.
      if (round.ending !== undefined) return undefined
      this.#matter.take(round.state, letter, agent, value)
      return round
    }
    const outcome = this.#matter.readOutcome(value)
    if (outcome !== undefined) this.#end(round, { outcome, fence: revision })
    return round
  }

  #begin(id: string, key: string, value: string, revision: number): Seen<Opening, State, Outcome> | undefined {
    const opening = this.#matter.readOpening(value)
    if (opening === undefined) return undefined
    let round = this.#round(id)
    if ((round.opening ?? round.ending) !== undefined && round.openedAt !== revision) {
      const { waiting } = round
      this.#drop(round)
      for (const callOff of round.callOffs) callOff()
      round = this.#round(id)
      for (const end of waiting) round.waiting.add(end)
    }
    if (round.opening !== undefined) return round
    round.opening = opening
    round.openedAt = revision
    round.sinceMs = this.#clock.now()
    this.#know(round, { key, revision })
    this.#matter.onOpen(round, opening)
    return round
  }

  #end(round: Seen<Opening, State, Outcome>, ending: Ending<Outcome>): void {
    if (round.ending !== undefined) return
    round.ending = ending
    for (const callOff of round.callOffs) callOff()
    round.callOffs.clear()
    // Who ended it takes the records away; should that one be gone by then, anybody.
    this.#sweepLater(round, this.#matter.isMine(ending.outcome) ? this.#keepMs : 2 * this.#keepMs)
    for (const end of [...round.waiting]) end(ending)
    const { opening } = round
    round.opening = undefined
    round.state = this.#idle
    if (this.#ended.push(round.id) > REMEMBERED_MAX) {
      this.#hasForgotten = true
      this.#forget(this.#ended.shift() as string)
    }
    // What was read anew may have been told before.
    if (ending.fence <= this.#fence) return
    this.#fence = ending.fence
    if (opening !== undefined) this.#matter.onEnd(opening, ending)
  }

  /** The opening goes when no part is left that another one could find, and the end last: who looks meanwhile sees that it has ended. */
  #sweepLater({ records }: Seen<Opening, State, Outcome>, afterMs: number): void {
    const order = ({ key }: Written): number => 'pd'.indexOf(key[this.#matter.root.length])
    this.#sweeper.sweepLater(() => records.sort((a, b) => order(a) - order(b)), afterMs)
  }

  #know({ records }: Seen<Opening, State, Outcome>, record: Written): void {
    records.push(record)
    this.#known.set(record.key, record.revision)
  }

  /** The oldest that has ended; it may have been opened again meanwhile. */
  #forget(id: string): void {
    const round = this.#rounds.get(id)
    if (round?.ending !== undefined) this.#drop(round)
  }

  #round(id: string): Seen<Opening, State, Outcome> {
    let round = this.#rounds.get(id)
    if (round === undefined) {
      round = {
        ...{ id, opening: undefined, openedAt: 0, sinceMs: 0, state: this.#matter.begin(), ending: undefined },
        ...{ isDeciding: false, callOffs: new Set(), waiting: new Set(), records: [] },
      }
      this.#rounds.set(id, round)
    }
    return round
  }
}
