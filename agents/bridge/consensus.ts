import { SignalboxError } from '../../engine/writer.ts'
import type { BridgeClock } from './clock.ts'
import { counted, type Decision, findFault, idOf, type Proposal, tally, type Vote } from './proposal.ts'
import { type Round, Rounds } from './rounds.ts'
import { readRecord } from './scribe.ts'
import type { Store } from './store.ts'

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
  /** So long the records of a decision stay, for who comes late, in ms; one hour by default. Proposed after it, the same is another one. */
  readonly keepMs?: number
  readonly clock?: BridgeClock
}

/** What this agent has to do with a proposal that is under way. */
export interface Participation {
  readonly id: string
  readonly proposal: Proposal
  readonly isVoter: boolean
  readonly hasVoted: boolean
  readonly ageMs: number
}

interface Ballots {
  readonly votes: Map<string, Vote>
  hasVoted: boolean
  isOverdue: boolean
}

type Asked = Round<Proposal, Ballots, Decision>

/**
 * One agent's part in deciding what binds several. There is nobody in the middle: each voter sees proposals and votes, and the
 * first to see enough writes the decision down, which can be written once.
 *
 *   propose ──▶ p/id ──▶ each voter: v/id/agent ──▶ whoever sees enough: d/id ──▶ everybody acts on what lies there
 *                            └─ time is over ──▶ d/id: expired
 *
 * No acceptance without enough yes: votes are keys that are made once, of voters that were fixed before. Who sees less than there is
 * can be late, not wrong. Each step can be said again after a silence. The rest of the argument is with `Rounds`.
 */
export class Consensus {
  readonly #options: ConsensusOptions
  readonly #rounds: Rounds<Proposal, Ballots, Decision>

  constructor(store: Store, options: ConsensusOptions) {
    this.#options = options
    const matter = {
      root: 'consensus/',
      begin: () => ({ votes: new Map(), hasVoted: false, isOverdue: false }),
      readOpening: readProposal,
      readOutcome: readDecision,
      take({ votes }: Ballots, _letter: string, agent: string, value: string) {
        const vote = readVote(value)
        if (vote !== undefined) votes.set(agent, vote)
      },
      onOpen: (round: Asked, { timeoutMs }: Proposal) =>
        this.#rounds.after(round, timeoutMs, () => this.#expire(round)),
      serve: (round: Asked, proposal: Proposal) => this.#serve(round, proposal),
      onEnd: (proposal: Proposal, { outcome, fence }: { outcome: Decision; fence: number }) =>
        options.onDecision?.(proposal, outcome, fence),
      isMine: ({ decidedBy }: Decision) => decidedBy === options.agent,
    }
    this.#rounds = new Rounds(store, matter, options.clock, options.keepMs)
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
    this.#rounds.open(id, proposal, proposal.timeoutMs)
    return id
  }

  /** What becomes of it: when it is decided, or `unknown` when so many ms are over. */
  async result(id: string, timeoutMs: number): Promise<Result> {
    const ending = await this.#rounds.result(id, timeoutMs)
    if (ending === undefined) return { status: 'unknown', fence: 0, votes: {} }
    const { status, votes } = ending.outcome
    return { status, fence: ending.fence, votes }
  }

  /** Proposals that are under way, the oldest first. */
  underWay(): Participation[] {
    return this.#rounds.underWay().map(({ round: { id, opening, state }, ageMs }) => {
      const proposal = opening as Proposal
      return { id, proposal, isVoter: this.#isVoter(proposal), hasVoted: state.hasVoted, ageMs }
    })
  }

  /** Takes no part any more. Who waits for a result gets `unknown`. */
  close(): void {
    this.#rounds.close()
  }

  #isVoter({ voters }: Proposal): boolean {
    const { agent, incarnation } = this.#options
    return voters.some(voter => voter.agent === agent && voter.incarnation === incarnation)
  }

  #serve(round: Asked, proposal: Proposal): void {
    const { state } = round
    const { agent, incarnation } = this.#options
    if (!state.hasVoted && this.#isVoter(proposal)) {
      state.hasVoted = true
      const vote: Vote = { ...this.#ballot(proposal), incarnation }
      this.#rounds.add(round, 'v', agent, () => vote)
    }
    if (state.isOverdue || tally(proposal, state.votes) !== undefined) {
      this.#rounds.decide(round, () => this.#decision(proposal, state))
    }
  }

  #expire({ id, state }: Asked): void {
    state.isOverdue = true
    this.#rounds.serve(id)
  }

  /** As it looks now: what could not be written in time is not accepted later. */
  #decision(proposal: Proposal, { votes, isOverdue }: Ballots): Decision {
    const status = isOverdue ? 'expired' : (tally(proposal, votes) ?? 'expired')
    return { status, votes: Object.fromEntries(counted(proposal, votes)), decidedBy: this.#options.agent }
  }

  #ballot(proposal: Proposal): Pick<Vote, 'ballot' | 'reason'> {
    try {
      return this.#options.vote(proposal)
    } catch (error) {
      return { ballot: 'abstain', reason: (error as Error).message }
    }
  }
}

const BALLOTS: ReadonlySet<unknown> = new Set(['yes', 'no', 'abstain'] satisfies Vote['ballot'][])
const STATUSES: ReadonlySet<unknown> = new Set(['accepted', 'rejected', 'expired'] satisfies Decision['status'][])

/** What others wrote is looked at before it is believed; undefined where it is not what it should be. */
function readProposal(value: string): Proposal | undefined {
  const proposal = readRecord(value) as Proposal | undefined
  return proposal !== undefined && findFault(proposal) === undefined ? proposal : undefined
}

function readVote(value: string): Vote | undefined {
  const vote = readRecord(value) as Vote | undefined
  return vote !== undefined && BALLOTS.has(vote.ballot) ? vote : undefined
}

function readDecision(value: string): Decision | undefined {
  const decision = readRecord(value) as Decision | undefined
  if (decision === undefined || !STATUSES.has(decision.status)) return undefined
  return typeof decision.votes === 'object' && decision.votes !== null ? decision : undefined
}
