import { elapsedMs, SignalboxError } from '../../engine/writer.ts'
import { Auction, type AuctionOptions, type AwardResult } from './auction.ts'
import { Barrier, type MeetingResult } from './barrier.ts'
import { type BridgeClock, realClock } from './clock.ts'
import { Consensus, type ConsensusOptions, type Participation, type Result } from './consensus.ts'
import { Election, type Leadership } from './election.ts'
import { FenceGate } from './fence.ts'
import { FencedRecords } from './fenced-records.ts'
import type { Meeting } from './meeting.ts'
import type { Proposal, Vote, Voter } from './proposal.ts'
import { type Criteria, type Registered, type Registration, Registry } from './registry.ts'
import { Rights } from './rights.ts'
import type { Store } from './store.ts'
import { ROUND_MS_MIN, type Tender } from './tender.ts'

/** An agent that is silent for so long is not there any more, and leads no more, in ms. */
const LEASE_MS = 3000
/** Proposals an agent is shown that it has a vote in: who is behind by more has other worries. */
const SHOWN_MAX = 256
/** How long a result is waited for whose proposal was made elsewhere, in ms. */
const ELSEWHERE_MS = 30_000
/** Proposals made here whose time is remembered. */
const REMEMBERED_MAX = 1000

export interface BridgeOptions
  extends Omit<ConsensusOptions, 'vote'>,
    Pick<AuctionOptions, 'bid' | 'onAward' | 'roundMsMin'> {
  /** As in `Consensus`. Without it the agent abstains. */
  readonly vote?: ConsensusOptions['vote']
  /** An agent that is silent for so long is not there any more, and leads no more, in ms. */
  readonly leaseMs?: number
}

/** What is proposed; who votes and for how long is said beside it. */
export type Motion = Pick<Proposal, 'type' | 'subject' | 'episode' | 'payload'> & { readonly rule?: Proposal['rule'] }

export interface BridgeStatus {
  /** Whether the store answers. Where it does not, nothing is decided, and results are `unknown`. */
  readonly isReachable: boolean
  /** How often the store has begun anew; undefined where it does not answer. */
  readonly term: number | undefined
  /** Proposals, meetings and tenders that are under way, as far as is seen here. */
  readonly open: number
  /** For how long the oldest of them is, in ms; 0 where there is none. */
  readonly oldestMs: number
  /** How long the store took to answer just now, in ms. */
  readonly answeredMs: number | undefined
}

/**
 * How one agent agrees with others, over any store.
 *
 *   register · discover            who is there
 *   startConsensus ──▶ result      proposals, decided once
 *   lead                           one of many
 *   barrier                        all or none go on
 *   auction                        who grants capacity, and for how much
 *   records                        what one writes at a time and all read
 *
 * No call waits for the store but those that return a promise, and none takes silence for an answer: what nobody can say is `unknown`.
 * What comes of each carries a fence; `fences` refuses what is older than what was done last.
 */
export class Bridge {
  /** To be asked before anything is done on behalf of an outcome. */
  readonly fences = new FenceGate()
  /** Whether this node may decide with others. Whoever cannot know leaves it as it is: it may. */
  readonly rights = new Rights()
  readonly #store: Store
  readonly #options: BridgeOptions
  readonly #clock: BridgeClock
  readonly #registry: Registry
  readonly #consensus: Consensus
  readonly #elections = new Set<Election>()
  readonly #timesMs = new Map<string, number>()
  readonly #records = new Map<string, FencedRecords>()
  #barrier: Barrier | undefined
  #auction: Auction | undefined

  constructor(store: Store, options: BridgeOptions) {
    this.#store = store
    this.#options = options
    this.#clock = options.clock ?? realClock
    this.#registry = new Registry(store, this.#clock)
    this.#consensus = new Consensus(store, { ...options, vote: proposal => this.#vote(proposal) })
    if (options.bid !== undefined || options.onAward !== undefined) this.#auctions()
  }

  /** Says who this agent is; returns at once, see `Registry.register`. */
  register(about: Omit<Registration, 'agent' | 'incarnation'>): Registered {
    const { agent, incarnation, leaseMs = LEASE_MS } = this.#options
    return this.#registry.register({ ...about, agent, incarnation }, leaseMs)
  }

  /** Who is there, by what is looked for. */
  discover(criteria?: Criteria): Registration[] {
    return this.#registry.discover(criteria)
  }

  findByCapability(capability: string): Registration[] {
    return this.#registry.discover({ capability })
  }

  /**
   * Has some agents decide, in the lives they are in now; returns at once by which name to ask for the `result`. Who is not among them
   * does not count, and whoever of them dies is missed: the others must be enough.
   *
   * Throws SBX_PARTICIPANTS_INSUFFICIENT where nobody is named or somebody is not registered, SBX_AGENT_INVALID where it is no proposal,
   * SBX_NO_QUORUM where this node has no right to.
   */
  startConsensus(participants: readonly string[], motion: Motion, timeoutMs: number): string {
    this.rights.claim('ask for consensus')
    const voters = this.#freeze('ask for consensus', participants)
    const { type, subject, episode, payload, rule = 'majority' } = motion
    const id = this.#consensus.propose({ type, subject, episode, payload, voters, rule, timeoutMs })
    this.#timesMs.set(id, timeoutMs)
    if (this.#timesMs.size > REMEMBERED_MAX) this.#timesMs.delete(this.#timesMs.keys().next().value as string)
    return id
  }

  /** What becomes of a proposal, by default within the time it was given here: decided, or `unknown`. */
  result(reference: string, timeoutMs = this.#timesMs.get(reference) ?? ELSEWHERE_MS): Promise<Result> {
    return this.#consensus.result(reference, timeoutMs)
  }

  /** Proposals that wait for this agent or others and that it has a vote in, the oldest first. */
  participation(): Participation[] {
    return this.#consensus
      .underWay()
      .filter(({ isVoter }) => isVoter)
      .slice(0, SHOWN_MAX)
  }

  /**
   * Stands for a role until the election is closed; `ttlMs`: a leader that is silent for so long is one no more. As long as this node has no
   * right to decide it neither stands nor leads.
   */
  lead(role: string, onLead: (leadership: Leadership) => void, ttlMs = this.#options.leaseMs ?? LEASE_MS): Election {
    const { agent } = this.#options
    const election = new Election(this.#store, {
      ...{ role, candidate: agent, ttlMs, onLead, clock: this.#clock, rights: this.rights },
    })
    // Whoever leads for a short while again and again must not fill this.
    for (const each of this.#elections) if (each.isClosed) this.#elections.delete(each)
    this.#elections.add(election)
    return election
  }

  /**
   * Waits until all of these agents wait here, this one among them. Who is registered when it is called first is expected in that life;
   * who is not yet, in any.
   *
   * Throws SBX_PARTICIPANTS_INSUFFICIENT where nobody is named.
   */
  async barrier(
    name: string,
    participants: readonly string[],
    when: Pick<Meeting, 'episode' | 'timeoutMs'>,
  ): Promise<MeetingResult> {
    if (participants.length === 0) throw insufficient('meet', 'nobody is named, name who is to come')
    const { agent: me, incarnation, keepMs } = this.#options
    const lives = this.#registry
    this.#barrier ??= new Barrier(this.#store, {
      ...{ agent: me, incarnation, lives, clock: this.#clock, ...(keepMs !== undefined && { keepMs }) },
    })
    const expected = participants.map(agent => {
      const life = agent === me ? incarnation : lives.find(agent)?.incarnation
      return { agent, ...(life !== undefined && { incarnation: life }) }
    })
    return this.#barrier.meet({ name, participants: expected, ...when })
  }

  /**
   * Puts something out to tender among some agents, or joins the same tender, and waits for the award.
   *
   * Throws SBX_PARTICIPANTS_INSUFFICIENT where nobody is named or somebody is not registered, SBX_AGENT_INVALID where it is no tender,
   * SBX_NO_QUORUM where this node has no right to.
   */
  async auction(
    bidders: readonly string[],
    what: Pick<Tender, 'subject' | 'episode' | 'reserve'> & { readonly roundMs?: number },
  ): Promise<AwardResult> {
    this.rights.claim('put this out to tender')
    const roundMs = what.roundMs ?? this.#options.roundMsMin ?? ROUND_MS_MIN
    const auctions = this.#auctions()
    const id = auctions.invite({ ...what, roundMs, bidders: this.#freeze('put this out to tender', bidders) })
    return auctions.result(id, 2 * roundMs)
  }

  /** The records under a name, the same ones each time; followed from the first call on. */
  records(root: string): FencedRecords {
    let records = this.#records.get(root)
    if (records === undefined) this.#records.set(root, (records = new FencedRecords(this.#store, root, this.#clock)))
    return records
  }

  async status(): Promise<BridgeStatus> {
    const agesMs = [this.#consensus, this.#barrier, this.#auction].flatMap(
      rounds => rounds?.underWay().map(({ ageMs }) => ageMs) ?? [],
    )
    const sinceMs = this.#clock.now()
    const found = await this.#store.status().catch(() => undefined)
    return {
      answeredMs: found && elapsedMs(this.#clock.now(), sinceMs),
      isReachable: found !== undefined,
      term: found?.term,
      open: agesMs.length,
      oldestMs: agesMs.reduce((a, b) => Math.max(a, b), 0),
    }
  }

  /** Leads no more, is not there any more, takes no part any more. Who waits gets `unknown`. */
  async close(): Promise<void> {
    this.#consensus.close()
    this.#barrier?.close()
    this.#auction?.close()
    for (const records of this.#records.values()) records.close()
    await Promise.all([...this.#elections].map(election => election.close()))
    await this.#registry.close()
  }

  /** A vote binds all: who has no right to decide has none. */
  #vote(proposal: Proposal): Pick<Vote, 'ballot' | 'reason'> {
    if (!this.rights.mayDecide) return { ballot: 'abstain', reason: 'has no quorum' }
    return this.#options.vote?.(proposal) ?? { ballot: 'abstain', reason: 'has no opinion' }
  }

  #auctions(): Auction {
    const { vote: _, onDecision: __, ...options } = this.#options
    this.#auction ??= new Auction(this.#store, options)
    return this.#auction
  }

  /** The lives these agents are in. */
  #freeze(wish: string, agents: readonly string[]): Voter[] {
    if (agents.length === 0) throw insufficient(wish, 'nobody is named, name one at least')
    const missing = agents.filter(agent => this.#registry.find(agent) === undefined)
    if (missing.length > 0) {
      throw insufficient(wish, `${missing.join(', ')} not registered, name those that are discovered`)
    }
    return agents.map(agent => ({ agent, incarnation: (this.#registry.find(agent) as Registration).incarnation }))
  }
}

function insufficient(wish: string, why: string): SignalboxError {
  return new SignalboxError('SBX_PARTICIPANTS_INSUFFICIENT', `Cannot ${wish}: ${why}`)
}
