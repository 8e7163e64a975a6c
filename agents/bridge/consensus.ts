import { SignalboxError } from '../../engine/writer.ts'
import { type Monotonic, monotonic } from './clock.ts'
import { AGAIN_MS, Following, later } from './following.ts'
import { counted, type Decision, findFault, idOf, type Proposal, tally, type Vote } from './proposal.ts'
import type { Change, Entry, Store } from './store.ts'

/** Where the records lie: a proposal, a vote of each, a decision. None of them is ever changed. */
const ROOT = 'consensus/'
const PROPOSAL = /^consensus\/p\/([0-9a-f]{16})$/
const VOTE = /^consensus\/v\/([0-9a-f]{16})\/(.+)$/
const DECISION = /^consensus\/d\/([0-9a-f]{16})$/

/** Who waits for a result beyond the deadline of the proposal gets it that much later, in ms: others may be about to write it. */
const GRACE_MS = 250
/** How long records of a decision stay, in ms. */
const KEEP_MS = 3_600_000
/** Decided rounds that are remembered, for who asks late. */
const REMEMBERED_MAX = 10_000

/** What became of a proposal. `unknown`: nobody could say in time, and it is never taken for either. */
export interface Result {
  readonly status: Decision['status'] | 'unknown'
  /** Of the decision: whatever is written on its behalf carries it, and loses to a higher one. 0 where it is unknown. */
  readonly fence: number
  readonly votes: Decision['votes']
}

export interface ConsensusOptions {
  readonly agent: string
  readonly incarnation: number
  /** How this agent votes, from what it knows; asked once for each proposal. Where it throws, the agent abstains. */
  readonly vote: (proposal: Proposal) => Pick<Vote, 'ballot' | 'reason'>
  /** Told of each decision once, in the order of their fences. */
  readonly onDecision?: (proposal: Proposal, decision: Decision, fence: number) => void
  /** So long the records of a decision stay, for who comes late, in ms; one hour by default. The same is not to be proposed again after it. */
  readonly keepMs?: number
  readonly now?: Monotonic
}

const UNKNOWN: Result = { status: 'unknown', fence: 0, votes: {} }

/** One proposal, as it is seen here. */
interface Round {
  readonly id: string
  proposal: Proposal | undefined
  readonly votes: Map<string, Vote>
  result: Result | undefined
  hasVoted: boolean
  isDeciding: boolean
  deadline: NodeJS.Timeout | undefined
  readonly waiting: Set<(result: Result) => void>
}

/**
 * One agent's part in deciding what binds several. There is nobody in the middle: each voter sees proposals and votes, and the
 * first to see enough writes the decision down, which can be written once.
 *
 *   propose ──▶ p/id ──▶ each voter: v/id/agent ──▶ whoever sees enough: d/id ──▶ everybody acts on what lies there
 *                            └─ time is over ──▶ d/id: expired
 *
 * Whoever sees a proposal sees it through, voter or not: one that dies leaves nothing behind that another does not finish.
 *
 * Agreement: a decision is one key that is made once. No acceptance without enough yes: votes are keys that are made once, of voters
 * that were fixed before. Who sees less than there is can be late, not wrong. Each step can be said again after a silence.
 */
export class Consensus {
  readonly #store: Store
  readonly #options: ConsensusOptions
  readonly #now: Monotonic
  readonly #rounds = new Map<string, Round>()
  readonly #decided: string[] = []
  readonly #following: Following
  #isClosed = false
  #fence = 0

  constructor(store: Store, options: ConsensusOptions) {
    this.#store = store
    this.#options = options
    this.#now = options.now ?? monotonic
    this.#following = new Following(store, ROOT, {
      onAnew: entries => {
        this.#forgetBut(entries)
        this.#see(entries.map(entry => ({ key: entry.key, revision: entry.revision, entry })))
      },
      onChanges: changes => this.#see(changes),
    })
  }

  /**
   * Begins with a proposal, or joins one of the same type, subject and episode; returns its id at once.
   *
   * Throws SBX_AGENT_INVALID where it is not one.
   */
  propose(proposal: Proposal): string {
    const fault = findFault(proposal)
    if (fault !== undefined) throw new SignalboxError('SBX_AGENT_INVALID', `Cannot propose this: ${fault}`)
    const id = idOf(proposal)
    void this.#make(`${ROOT}p/${id}`, proposal, this.#now() + proposal.timeoutMs)
    return id
  }

  /** What becomes of it: when it is decided, or `unknown` when so many ms are over. */
  result(id: string, timeoutMs: number): Promise<Result> {
    const round = this.#round(id)
    if (round.result !== undefined) return Promise.resolve(round.result)
    return new Promise(resolve => {
      const end = (result: Result): void => {
        clearTimeout(timer)
        round.waiting.delete(end)
        resolve(result)
      }
      const timer = setTimeout(() => {
        end(UNKNOWN)
        // It was never heard of.
        if (round.proposal === undefined && round.waiting.size === 0) this.#rounds.delete(id)
      }, timeoutMs + GRACE_MS)
      round.waiting.add(end)
    })
  }

  /** Takes no part any more. Who waits for a result gets `unknown`. */
  close(): void {
    this.#isClosed = true
    this.#following.close()
    for (const round of this.#rounds.values()) {
      clearTimeout(round.deadline)
      for (const end of [...round.waiting]) end(UNKNOWN)
    }
  }

  /** The store may have begun with nothing: what was under way and does not lie there is not under way any more. */
  #forgetBut(entries: readonly Entry[]): void {
    const there = new Set(entries.map(({ key }) => key))
    for (const [id, round] of this.#rounds) {
      if (round.proposal === undefined || round.result !== undefined || there.has(`${ROOT}p/${id}`)) continue
      clearTimeout(round.deadline)
      this.#rounds.delete(id)
      for (const end of [...round.waiting]) end(UNKNOWN)
    }
  }

  #see(changes: readonly Change[]): void {
    const touched = new Set<Round>()
    for (const { key, entry } of changes) {
      if (entry === undefined) continue
      const round = this.#take(key, entry)
      if (round !== undefined) touched.add(round)
    }
    for (const round of touched) this.#serve(round)
  }

  #take(key: string, { value, revision }: Entry): Round | undefined {
    const [, proposed] = PROPOSAL.exec(key) ?? []
    if (proposed !== undefined) {
      const round = this.#round(proposed)
      round.proposal ??= readProposal(value)
      return round
    }
    const [, voted, agent] = VOTE.exec(key) ?? []
    if (voted !== undefined) {
      const round = this.#round(voted)
      const vote = readVote(value)
      if (vote !== undefined) round.votes.set(agent, vote)
      return round
    }
    const [, decided] = DECISION.exec(key) ?? []
    if (decided === undefined) return undefined
    const round = this.#round(decided)
    const decision = readDecision(value)
    if (decision !== undefined) this.#decide(round, decision, revision)
    return round
  }

  /** Does what is to be done now: votes, decides, sees to the deadline. */
  #serve(round: Round): void {
    const { id, proposal } = round
    if (proposal === undefined || round.result !== undefined || this.#isClosed) return
    round.deadline ??= setTimeout(() => this.#write(round, 'expired'), proposal.timeoutMs)
    const { agent, incarnation } = this.#options
    const isVoter = proposal.voters.some(voter => voter.agent === agent && voter.incarnation === incarnation)
    if (isVoter && !round.hasVoted) {
      round.hasVoted = true
      const vote: Vote = { ...this.#ballot(proposal), incarnation }
      void this.#make(`${ROOT}v/${id}/${agent}`, vote, this.#now() + proposal.timeoutMs)
    }
    const status = tally(proposal, round.votes)
    if (status !== undefined) this.#write(round, status)
  }

  #ballot(proposal: Proposal): Pick<Vote, 'ballot' | 'reason'> {
    try {
      return this.#options.vote(proposal)
    } catch (error) {
      return { ballot: 'abstain', reason: (error as Error).message }
    }
  }

  #write(round: Round, status: Decision['status']): void {
    const { id, proposal } = round
    if (proposal === undefined || round.result !== undefined || round.isDeciding) return
    round.isDeciding = true
    const votes = Object.fromEntries(counted(proposal, round.votes))
    const decision: Decision = { status, votes, decidedBy: this.#options.agent }
    void this.#make(`${ROOT}d/${id}`, decision, this.#now() + proposal.timeoutMs + GRACE_MS).then(() => {
      round.isDeciding = false
    })
  }

  #decide(round: Round, { status, votes, decidedBy }: Decision, fence: number): void {
    if (round.result !== undefined) return
    clearTimeout(round.deadline)
    round.result = { status, fence, votes }
    this.#removeLater(round.id, decidedBy === this.#options.agent)
    for (const end of [...round.waiting]) end(round.result)
    if (this.#decided.push(round.id) > REMEMBERED_MAX) this.#rounds.delete(this.#decided.shift() as string)
    // What was read anew may have been told before.
    if (fence <= this.#fence) return
    this.#fence = fence
    if (round.proposal !== undefined) this.#options.onDecision?.(round.proposal, { status, votes, decidedBy }, fence)
  }

  /** Who decided removes the records; should that one be gone by then, anybody. */
  #removeLater(id: string, isMine: boolean): void {
    const { keepMs = KEEP_MS } = this.#options
    const timer = setTimeout(() => void this.#remove(id), isMine ? keepMs : 2 * keepMs)
    timer.unref()
  }

  async #remove(id: string): Promise<void> {
    if (this.#isClosed) return
    try {
      const votes = await this.#store.list(`${ROOT}v/${id}/`)
      const [proposal, decision] = await Promise.all([
        this.#store.get(`${ROOT}p/${id}`),
        this.#store.get(`${ROOT}d/${id}`),
      ])
      for (const entry of [...votes.entries, proposal, decision]) {
        if (entry !== undefined) await this.#store.cas(entry.key, undefined, entry.revision)
      }
    } catch {
      // Somebody else will.
    }
  }

  /** Makes a record, as often as it takes to know that it, or another in its place, is there. */
  async #make(key: string, record: unknown, untilMs: number): Promise<void> {
    const value = JSON.stringify(record)
    while (!this.#isClosed && this.#now() < untilMs) {
      try {
        await this.#store.create(key, value)
        return
      } catch {
        await later(AGAIN_MS)
      }
    }
  }

  #round(id: string): Round {
    let round = this.#rounds.get(id)
    if (round === undefined) {
      round = {
        ...{ id, proposal: undefined, votes: new Map(), result: undefined },
        ...{ hasVoted: false, isDeciding: false, deadline: undefined, waiting: new Set() },
      }
      this.#rounds.set(id, round)
    }
    return round
  }
}

/** What others wrote is looked at before it is believed; undefined where it is not what it should be. */
function readProposal(value: string): Proposal | undefined {
  const proposal = readRecord(value) as Proposal | undefined
  if (proposal === undefined || !Array.isArray(proposal.voters) || proposal.rule === undefined) return undefined
  return findFault(proposal) === undefined ? proposal : undefined
}

function readVote(value: string): Vote | undefined {
  const vote = readRecord(value) as Vote | undefined
  return vote !== undefined && /^(?:yes|no|abstain)$/.test(vote.ballot) ? vote : undefined
}

function readDecision(value: string): Decision | undefined {
  const decision = readRecord(value) as Decision | undefined
  return decision !== undefined && /^(?:accepted|rejected|expired)$/.test(decision.status) ? decision : undefined
}

function readRecord(value: string): object | undefined {
  try {
    const record: unknown = JSON.parse(value)
    return typeof record === 'object' && record !== null ? record : undefined
  } catch {
    return undefined
  }
}
