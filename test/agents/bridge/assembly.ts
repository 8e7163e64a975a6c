import { setTimeout as pause } from 'node:timers/promises'
import { Consensus, type Result } from '../../../agents/bridge/consensus.ts'
import type { EmbeddedStore } from '../../../agents/bridge/embedded-store.ts'
import { FenceGate } from '../../../agents/bridge/fence.ts'
import { idOf, type Proposal, type Vote } from '../../../agents/bridge/proposal.ts'
import type { SequencerKeeper } from '../../../agents/bridge/sequencer-keeper.ts'
import type { Answer, Change, Store } from '../../../agents/bridge/store.ts'
import { createDice, type Dice } from '../../../engine/policies/dice.ts'
import { eventually } from '../../support/eventually.ts'
import { findFault, type Happening } from '../../support/linearizable.ts'
import { broken, unfounded } from './borne-out.ts'

export interface AssemblyOptions {
  readonly proposals: number
  /** How often the sequencer dies while they are decided. */
  readonly deaths: number
  /** Whether the sequencer has a file, so that what was answered outlives it. */
  readonly keeps: boolean
  readonly seed: number
  readonly timeoutMs: number
  /** What is wrong with the store, as one of the agents or all of them have it. */
  readonly spoil?: (store: Store, agent: string) => Store
  /** Whether actions are carried out whatever their fence. */
  readonly isUnfenced?: boolean
}

export interface Report {
  readonly faults: readonly string[]
  /** What observers were told, by status. */
  readonly told: Readonly<Record<Result['status'], number>>
  /** Calls in histories that were searched for a story. */
  readonly checked: number
  readonly silent: number
  readonly deaths: number
}

const NAMES = ['a', 'b', 'c']
const SUBJECTS = 10
/** They are opened in so many parts, none of which waits for what becomes of the others. */
const PARTS = 20
/** A term of the sequencer has so many revisions. */
const TERM = 2 ** 32

/** A call, and what it was told. */
interface Called extends Happening {
  readonly key: string
  /** Of the record it made or met. */
  readonly revision: number | undefined
}

interface Seen {
  readonly key: string
  readonly revision: number
  readonly value: string
}

interface Seat {
  readonly store: EmbeddedStore
  readonly consensus: Consensus
  readonly decided: { readonly id: string; readonly fence: number }[]
}

/**
 * Three agents, many proposals at once, each opened by two of them, while the sequencer dies again and again, and one of the agents:
 * without a word, to come back in another life. All calls are written down, all records that anybody saw, and all that anybody was told.
 */
export class Assembly {
  readonly #keeper: SequencerKeeper
  readonly #options: AssemblyOptions
  readonly #roll: Dice
  readonly #calls: Called[] = []
  /** Records that anybody saw. */
  readonly #seen: Seen[] = []
  /** The last of each key. */
  readonly #last = new Map<string, Seen>()
  readonly #told: { readonly id: string; readonly result: Result }[] = []
  readonly #seats: Seat[] = []
  readonly #faults: string[] = []
  /** Fences as actions were carried out, by subject. */
  readonly #journal = new Map<string, number[]>()
  readonly #fences = new FenceGate()
  #deaths = 0
  /** Actions that are not carried out yet. */
  #acting = 0

  constructor(keeper: SequencerKeeper, options: AssemblyOptions) {
    this.#keeper = keeper
    this.#options = options
    this.#roll = createDice(options.seed)
    for (let i = 0; i < 8; i++) this.#roll()
  }

  async run(): Promise<Report> {
    const { proposals, deaths } = this.#options
    const first = NAMES.map(name => this.#sit(name, 1))
    const asked = Array.from({ length: proposals }, (_, i) => i)
    const waiting: Promise<void>[] = []
    const size = Math.ceil(proposals / PARTS)
    for (let part = 0; part < PARTS; part++) {
      for (const i of asked.slice(part * size, (part + 1) * size)) {
        waiting.push(...first.map((seat, at) => this.#follow(seat, at, i)))
      }
      await pause(this.#roll() % 20)
      if (deaths > 0 && part === PARTS / 2) waiting.push(...this.#comeBack(first[2], 'c', asked))
      if (this.#deaths >= deaths || part % Math.floor(PARTS / deaths) > 0) continue
      // With a good part of them in the air.
      await this.#answers()
      await this.#keeper.kill()
      this.#deaths++
    }
    await Promise.all(waiting)
    await this.#answers()
    await this.#look()
    await eventually('all is carried out', () => this.#acting === 0)
    for (const { consensus } of this.#seats) consensus.close()
    return this.#report()
  }

  /** A place for one life of an agent. */
  #sit(agent: string, incarnation: number): Seat {
    const store = this.#keeper.open({ patienceMs: 5000 })
    const decided: Seat['decided'] = []
    const watched = this.#record(store)
    const consensus = new Consensus(this.#options.spoil?.(watched, agent) ?? watched, {
      agent,
      incarnation,
      vote: ({ episode }) => ({ ballot: ballotOf(episode, agent), reason: '' }),
      onDecision: (proposal, { status }, fence) => {
        decided.push({ id: idOf(proposal), fence })
        if (status === 'accepted') this.#actSoon(proposal.subject, fence)
      },
    })
    const seat = { store, consensus, decided }
    this.#seats.push(seat)
    return seat
  }

  /** One dies without a word; later it is there again, in another life, and asks about everything. */
  #comeBack(before: Seat, agent: string, asked: readonly number[]): Promise<void>[] {
    before.consensus.close()
    before.store.leave()
    const after = this.#sit(agent, 2)
    return asked.map(i => this.#follow(after, -1, i))
  }

  /** Opens a proposal, where it is one of the two who do, and waits for what becomes of it; where nobody can say, once more. */
  async #follow({ consensus }: Seat, at: number, i: number): Promise<void> {
    const { timeoutMs } = this.#options
    const proposal: Proposal = {
      ...{ type: 'quarantine', subject: `e${i % SUBJECTS}`, episode: i, rule: 'majority', timeoutMs },
      // Which of the two was first can be seen.
      payload: at,
      voters: NAMES.map(agent => ({ agent, incarnation: 1 })),
    }
    const id = idOf(proposal)
    const opens = at === i % NAMES.length || at === (i + 1) % NAMES.length
    for (let tries = 0; tries < 10; tries++) {
      if (opens) consensus.propose(proposal)
      // Without a file a decision may have been told to others and forgotten since: who does not open it again may never hear of it.
      const result = await consensus.result(id, opens || this.#options.keeps ? timeoutMs : 3000)
      this.#told.push({ id, result })
      if (result.status !== 'unknown' || !opens || this.#options.keeps) return
      await pause(20)
    }
  }

  /** Decisions are carried out a little later, not in order; what is late is refused by its fence. */
  #actSoon(subject: string, fence: number): void {
    this.#acting++
    setTimeout(() => {
      this.#acting--
      if (this.#options.isUnfenced !== true && !this.#fences.admit(subject, fence)) return
      this.#journal.set(subject, [...(this.#journal.get(subject) ?? []), fence])
    }, this.#roll() % 30)
  }

  async #answers(): Promise<void> {
    const store = this.#keeper.open({ patienceMs: 5000 })
    const isAnswering = (): Promise<boolean> =>
      store.status().then(
        () => true,
        () => false,
      )
    await eventually('the sequencer answers', isAnswering, 30_000)
    store.leave()
  }

  /** Writes down what is asked of a store, and what is seen of it. */
  #record(store: Store): Store {
    const see = ({ key, revision, value }: Seen): void => {
      const last = this.#last.get(key)
      if (last?.revision === revision) {
        if (last.value !== value) this.#faults.push(`${key} was seen with two values`)
        return
      }
      const seen = { key, revision, value }
      this.#seen.push(seen)
      if (last === undefined || last.revision < revision) this.#last.set(key, seen)
    }
    return broken(store, {
      create: async (key, value, lease) => {
        const fromMs = performance.now()
        const call = (told: Happening['told'], revision?: number): void => {
          const toMs = told === undefined ? Number.POSITIVE_INFINITY : performance.now()
          this.#calls.push({ key, call: 'create', value, told, fromMs, toMs, revision })
        }
        let answer: Answer
        try {
          answer = await store.create(key, value, lease)
        } catch (error) {
          call(undefined)
          throw error
        }
        if (answer.isMade) {
          see({ key, value, revision: answer.revision })
          call({ isMade: true }, answer.revision)
        } else {
          if (answer.entry !== undefined) see(answer.entry)
          call({ isMade: false, value: answer.entry?.value }, answer.entry?.revision)
        }
        return answer
      },
      list: async prefix => {
        const listing = await store.list(prefix)
        listing.entries.forEach(see)
        return listing
      },
      watch: (prefix, revision, onChanges, onLost) =>
        store.watch(
          prefix,
          revision,
          changes => {
            for (const { entry } of changes) if (entry !== undefined) see(entry)
            onChanges(changes)
          },
          onLost,
        ),
    })
  }

  /** What lies there at the end is part of the story. */
  async #look(): Promise<void> {
    const store = this.#keeper.open({ patienceMs: 10_000 })
    const fromMs = performance.now()
    const { entries } = await store.list('consensus/')
    const toMs = performance.now()
    const there = new Map(entries.map(entry => [entry.key, entry]))
    for (const key of new Set(this.#calls.map(call => call.key))) {
      const entry = there.get(key)
      if (entry === undefined && !this.#options.keeps) continue
      const told = { isMade: false, value: entry?.value }
      this.#calls.push({ key, call: 'get', told, fromMs, toMs, revision: entry?.revision })
    }
    if (this.#options.keeps)
      this.#faults.push(...unfounded(entries).map(id => `${id} is not borne out by what lies there`))
  }

  #report(): Report {
    const { keeps } = this.#options
    const faults = [...this.#faults]
    const story = this.#findStories()
    faults.push(...story.faults)
    const ends = new Map<string, number>()
    const statuses = new Map<string, string>()
    for (const [term, records] of groupBy(this.#seen, ({ revision }) => (keeps ? 0 : Math.floor(revision / TERM)))) {
      faults.push(...unfounded(records).map(id => `${id} is not borne out by what was seen in term ${term}`))
      for (const { key, revision, value } of records) {
        if (!key.startsWith('consensus/d/')) continue
        const id = key.slice('consensus/d/'.length)
        const before = ends.get(`${id} ${term}`) ?? revision
        if (before !== revision) faults.push(`${id} was decided twice`)
        ends.set(`${id} ${term}`, revision)
        statuses.set(`${id}@${revision}`, (JSON.parse(value) as { status: string }).status)
      }
    }
    const told = { accepted: 0, rejected: 0, expired: 0, unknown: 0 }
    for (const { id, result } of this.#told) {
      told[result.status]++
      if (result.status === 'unknown') continue
      if (statuses.get(`${id}@${result.fence}`) !== result.status)
        faults.push(`${id} was told otherwise than it lies there`)
    }
    for (const { decided } of this.#seats) {
      if (!isRising(decided.map(({ fence }) => fence))) faults.push('decisions were told out of order, or twice')
    }
    for (const [subject, fences] of this.#journal) {
      if (!isRising(fences, true)) faults.push(`something older was done to ${subject} after something newer`)
    }
    const silent = this.#calls.filter(each => each.told === undefined).length
    return { faults: [...new Set(faults)], told, checked: story.checked, silent, deaths: this.#deaths }
  }

  /** Searches the history of each key for a story; without a file that of each term, for each begins with nothing. */
  #findStories(): { faults: string[]; checked: number } {
    const faults: string[] = []
    let checked = 0
    for (const [key, calls] of groupBy(this.#calls, call => call.key)) {
      const termOf = ({ revision }: Called): number => (revision === undefined ? -1 : Math.floor(revision / TERM))
      const histories = this.#options.keeps ? [calls] : storiesByTerm(calls, termOf)
      for (const history of histories) {
        checked += history.length
        const fault = findFault(history)
        if (fault !== undefined) faults.push(`${key}: ${fault}`)
      }
    }
    return { faults, checked }
  }
}

/** What was told nothing may belong to any term. */
function storiesByTerm(calls: readonly Called[], termOf: (call: Called) => number): Called[][] {
  const byTerm = groupBy(calls, termOf)
  const silent = byTerm.get(-1) ?? []
  byTerm.delete(-1)
  return [...byTerm.values()].map(known => [...known, ...silent])
}

/** A store whose reader takes a vote of `a` for one of `c` as well. */
export function countingTwice(store: Store): Store {
  const twice = (changes: readonly Change[]): Change[] =>
    changes.flatMap(change => {
      const key = change.key.replace(/^(consensus\/v\/[0-9a-f]+)\/a$/, '$1/c')
      const { entry } = change
      return key === change.key || entry === undefined
        ? [change]
        : [change, { ...change, key, entry: { ...entry, key } }]
    })
  return broken(store, {
    list: async prefix => {
      const { entries, revision } = await store.list(prefix)
      const changes = twice(entries.map(entry => ({ key: entry.key, revision: entry.revision, entry })))
      return { entries: changes.flatMap(({ entry }) => entry ?? []), revision }
    },
    watch: (prefix, revision, onChanges, onLost) =>
      store.watch(prefix, revision, changes => onChanges(twice(changes)), onLost),
  })
}

/** Two of three always agree, so that each is decided whatever becomes of the third, and nobody waits for the end of its time. */
function ballotOf(episode: number, agent: string): Vote['ballot'] {
  const salt = agent === 'c' ? 2 : 1
  return (Math.imul(episode + 1, salt * 0x9e3779b1) >>> 16) % 3 === 0 ? 'no' : 'yes'
}

function isRising(numbers: readonly number[], mayStand = false): boolean {
  return numbers.every((each, i) => i === 0 || each > numbers[i - 1] || (mayStand && each === numbers[i - 1]))
}

function groupBy<K, T>(all: Iterable<T>, keyOf: (each: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const each of all) {
    const key = keyOf(each)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [each])
    else group.push(each)
  }
  return groups
}
