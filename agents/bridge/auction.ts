import { randomBytes } from 'node:crypto'
import { SignalboxError } from '../../engine/writer.ts'
import type { BridgeClock } from './clock.ts'
import { idOf } from './proposal.ts'
import { type Round, Rounds } from './rounds.ts'
import { readRecord } from './scribe.ts'
import type { Store } from './store.ts'
import {
  type Award,
  award,
  findTenderFault,
  type OpenedBid,
  type Seal,
  type SealedBid,
  sealBid,
  sealedBy,
  type Tender,
} from './tender.ts'

/** What came of a tender; the same for all who ask, or `unknown`: nobody could say in time. */
export interface AwardResult extends Omit<Award, 'status' | 'decidedBy'> {
  readonly status: Award['status'] | 'unknown'
  /** 0 where it is unknown. */
  readonly fence: number
}

const UNKNOWN: AwardResult = { status: 'unknown', fence: 0, winner: null, price: null, costs: {}, out: {} }

export interface AuctionOptions {
  readonly agent: string
  readonly incarnation: number
  /** At which marginal cost this agent gives it; undefined where it does not want to. Asked once for each tender. Where it throws, it does not bid. */
  readonly bid?: (tender: Tender) => number | undefined
  /** Told of each award once, in the order of their fences. */
  readonly onAward?: (tender: Tender, award: Award, fence: number) => void
  /** Rounds are at least so long, in ms. */
  readonly roundMsMin?: number
  /** What nobody can guess, another one each time. */
  readonly nonce?: () => string
  readonly keepMs?: number
  readonly clock?: BridgeClock
}

interface Bids {
  readonly sealed: Map<string, SealedBid>
  readonly opened: Map<string, OpenedBid>
  seal: Seal | undefined
  mine: OpenedBid | undefined
  hasBid: boolean
  isSealing: boolean
  isOpening: boolean
  isBiddingOver: boolean
  isOpeningOver: boolean
}

type Called = Round<Tender, Bids, Award>

/**
 * One agent's part in granting capacity by sealed bids. Nobody opens a bid before it is written down which ones are in, and none
 * counts that comes later; so nobody bids by what others bid. The end of each phase is a record that is written once, by whoever sees
 * first that all are there or that time is over.
 *
 *   invite ──▶ p/id ──▶ each: b/id/agent, a hash ──▶ s/id, which are in ──▶ each: r/id/agent, what was in it ──▶ d/id, the award
 *                            └── roundMs at most ──┘                             └────── roundMs at most ──────┘
 */
export class Auction {
  readonly #options: AuctionOptions
  readonly #rounds: Rounds<Tender, Bids, Award>

  constructor(store: Store, options: AuctionOptions) {
    this.#options = options
    const { roundMsMin } = options
    const matter = {
      root: 'auction/',
      begin: (): Bids => ({
        ...{ sealed: new Map(), opened: new Map(), seal: undefined, mine: undefined },
        ...{ hasBid: false, isSealing: false, isOpening: false, isBiddingOver: false, isOpeningOver: false },
      }),
      readOpening: (value: string) => readTender(value, roundMsMin),
      readOutcome: readAward,
      take,
      onOpen: (round: Called, { roundMs }: Tender) =>
        this.#rounds.after(round, roundMs, () => {
          round.state.isBiddingOver = true
          this.#rounds.serve(round.id)
        }),
      serve: (round: Called, tender: Tender) => this.#serve(round, tender),
      onEnd: (tender: Tender, { outcome, fence }: { outcome: Award; fence: number }) =>
        options.onAward?.(tender, outcome, fence),
      isMine: ({ decidedBy }: Award) => decidedBy === options.agent,
    }
    this.#rounds = new Rounds(store, matter, options.clock, options.keepMs)
  }

  /**
   * Puts something out to tender, or joins the same one; returns its id at once.
   *
   * Throws SBX_AGENT_INVALID where it is not one.
   */
  invite(tender: Tender): string {
    const fault = findTenderFault(tender, this.#options.roundMsMin)
    if (fault !== undefined) throw new SignalboxError('SBX_AGENT_INVALID', `Cannot put this out to tender: ${fault}`)
    const id = idOf({ type: 'auction', subject: tender.subject, episode: tender.episode })
    this.#rounds.open(id, tender, tender.roundMs)
    return id
  }

  /** What comes of it: when it is awarded, or `unknown` when so many ms are over. */
  async result(id: string, timeoutMs: number): Promise<AwardResult> {
    const ending = await this.#rounds.result(id, timeoutMs)
    if (ending === undefined) return UNKNOWN
    const { decidedBy: _, ...said } = ending.outcome
    return { ...said, fence: ending.fence }
  }

  /** Tenders that are under way and for how long, in ms, the oldest first. */
  underWay(): { readonly tender: Tender; readonly ageMs: number }[] {
    return this.#rounds.underWay().map(({ round, ageMs }) => ({ tender: round.opening as Tender, ageMs }))
  }

  /** Bids no more. Who waits for a result gets `unknown`. */
  close(): void {
    this.#rounds.close()
  }

  #serve(round: Called, tender: Tender): void {
    const { state } = round
    if (state.seal === undefined) this.#takeBids(round, tender)
    else this.#openBids(round, tender, state.seal)
  }

  #takeBids(round: Called, tender: Tender): void {
    const { id, state } = round
    const { agent, incarnation, nonce = randomNonce } = this.#options
    const isBidder = tender.bidders.some(each => each.agent === agent && each.incarnation === incarnation)
    if (isBidder && !state.hasBid) {
      state.hasBid = true
      const mine = { cost: this.#cost(tender), nonce: nonce() }
      state.mine = mine
      this.#rounds.add(round, 'b', agent, () => ({ hash: sealBid(id, agent, mine), incarnation }) satisfies SealedBid)
    }
    const areAllIn = Object.keys(sealedBy(tender, state.sealed)).length === tender.bidders.length
    if ((areAllIn || state.isBiddingOver) && !state.isSealing) {
      state.isSealing = true
      this.#rounds.add(round, 's', undefined, () => ({ hashes: sealedBy(tender, state.sealed) }) satisfies Seal)
    }
  }

  #openBids(round: Called, tender: Tender, seal: Seal): void {
    const { id, state } = round
    const { agent } = this.#options
    const { mine } = state
    if (!state.isOpening) {
      state.isOpening = true
      this.#rounds.after(round, tender.roundMs, () => {
        state.isOpeningOver = true
        this.#rounds.serve(id)
      })
      const isIn = mine !== undefined && seal.hashes[agent] === sealBid(id, agent, mine)
      if (isIn) this.#rounds.add(round, 'r', agent, () => mine)
    }
    const areAllOpen = Object.keys(seal.hashes).every(each => state.opened.has(each))
    if (areAllOpen || state.isOpeningOver) {
      this.#rounds.decide(round, () => ({ ...award(id, tender, seal, state.opened), decidedBy: agent }))
    }
  }

  #cost(tender: Tender): number | null {
    try {
      return this.#options.bid?.(tender) ?? null
    } catch {
      return null
    }
  }
}

function randomNonce(): string {
  return randomBytes(16).toString('hex')
}

/** What others wrote is looked at before it is believed. */
function take(state: Bids, letter: string, agent: string, value: string): void {
  const record = readRecord(value)
  if (record === undefined) return
  if (letter === 'b') {
    const bid = record as SealedBid
    if (typeof bid.hash === 'string') state.sealed.set(agent, bid)
  } else if (letter === 'r') {
    state.opened.set(agent, record as OpenedBid)
  } else if (letter === 's') {
    const { hashes } = record as Partial<Seal>
    if (typeof hashes === 'object' && hashes !== null) state.seal ??= { hashes }
  }
}

function readTender(value: string, roundMsMin: number | undefined): Tender | undefined {
  const tender = readRecord(value) as Tender | undefined
  return tender !== undefined && findTenderFault(tender, roundMsMin) === undefined ? tender : undefined
}

function readAward(value: string): Award | undefined {
  const found = readRecord(value) as Award | undefined
  if (found?.status !== 'awarded' && found?.status !== 'void') return undefined
  return [found.costs, found.out].every(each => typeof each === 'object' && each !== null) ? found : undefined
}
