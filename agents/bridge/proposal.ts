import { createHash } from 'node:crypto'

/** Who may vote: an agent in one of its lives. What a later life of it says does not count. */
export interface Voter {
  readonly agent: string
  readonly incarnation: number
}

/** How many must say yes: more than half of them (the default), all, so many, or one. */
export type Rule = 'majority' | 'unanimous' | 'any' | { readonly quorum: number }

/** What is to be decided, and by whom; both are fixed when it is made. */
export interface Proposal {
  readonly type: string
  /** What it is about: an endpoint, a node, a role. */
  readonly subject: string
  /** Which time it is proposed of this subject: who discovers the same thing proposes the same thing. */
  readonly episode: number
  readonly payload: unknown
  readonly voters: readonly Voter[]
  readonly rule: Rule
  /** From when a voter sees it: after this it expires. */
  readonly timeoutMs: number
}

export interface Vote {
  readonly ballot: 'yes' | 'no' | 'abstain'
  /** For people. */
  readonly reason: string
  readonly incarnation: number
}

/** What is written down of a decision. */
export interface Decision {
  readonly status: 'accepted' | 'rejected' | 'expired'
  /** The votes that counted, by agent. */
  readonly votes: Readonly<Record<string, Vote['ballot']>>
  readonly decidedBy: string
}

/**
 * The name of a proposal, the same for all who propose the same: two who find an endpoint dead open one proposal, not two.
 *
 *   id = first 16 hexadecimal digits of SHA-256 over type, subject and episode
 */
export function idOf({ type, subject, episode }: Pick<Proposal, 'type' | 'subject' | 'episode'>): string {
  return createHash('sha256')
    .update(JSON.stringify([type, subject, episode]))
    .digest('hex')
    .slice(0, 16)
}

const RULES: ReadonlySet<unknown> = new Set(['majority', 'unanimous', 'any'])

/** What others wrote: each of its fields may be there or not, and be anything. */
export type Unproven<T> = { readonly [K in keyof T]?: unknown }

/** What is wrong with a proposal, whatever it is; undefined where nothing is. */
export function findFault({ type, subject, voters, rule, timeoutMs, episode }: Unproven<Proposal>): string | undefined {
  if (typeof type !== 'string' || typeof subject !== 'string') return 'its type or its subject is no text'
  const fault = findFaultIn(voters, 'voters', timeoutMs, episode)
  if (fault !== undefined || RULES.has(rule)) return fault
  const { quorum } = (rule ?? {}) as { readonly quorum?: unknown }
  const { length } = voters as readonly unknown[]
  const isQuorum = isWhole(quorum) && quorum >= 1 && quorum <= length
  return isQuorum ? undefined : `its quorum is ${shown(quorum)} of ${length} voters`
}

/** What is wrong with whatever several take part in, whatever it is; undefined where nothing is. */
export function findFaultIn(agents: unknown, who: string, timeoutMs: unknown, episode: unknown): string | undefined {
  if (!Array.isArray(agents) || agents.length === 0) return `it has no ${who}`
  const names = (agents as readonly ({ readonly agent?: unknown } | null)[]).map(each => each?.agent)
  if (!names.every(name => typeof name === 'string')) return `one of its ${who} has no name`
  if (new Set(names).size < names.length) return `an agent stands twice among its ${who}`
  const isTimeout = typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= 2 ** 31 - 1
  if (!isTimeout) return `its timeout is ${shown(timeoutMs)} ms`
  return isWhole(episode) && episode >= 0 ? undefined : `its episode is ${shown(episode)}`
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)

/** What may be no number, for a message: an object may refuse to be a text. */
export function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : `no number but of type ${typeof value}`
}

/** How many of its voters must say yes. */
export function yesNeeded({ voters, rule }: Proposal): number {
  if (rule === 'unanimous') return voters.length
  if (rule === 'any') return 1
  return rule === 'majority' ? Math.floor(voters.length / 2) + 1 : rule.quorum
}

/** The votes that count: of its voters, of the lives it names, one each. */
export function counted({ voters }: Proposal, votes: ReadonlyMap<string, Vote>): Map<string, Vote['ballot']> {
  const ballots = new Map<string, Vote['ballot']>()
  for (const { agent, incarnation } of voters) {
    const vote = votes.get(agent)
    if (vote?.incarnation === incarnation) ballots.set(agent, vote.ballot)
  }
  return ballots
}

/**
 * What the votes that are there decide; undefined while more could change it.
 *
 *   accepted   yes ≥ needed
 *   rejected   yes + those who have not voted < needed
 *
 * Monotone: votes only come and never change, so what they have decided once no further vote undoes, and who sees fewer of them
 * can only be later, never of another mind.
 */
export function tally(proposal: Proposal, votes: ReadonlyMap<string, Vote>): 'accepted' | 'rejected' | undefined {
  const ballots = counted(proposal, votes)
  let yes = 0
  for (const ballot of ballots.values()) if (ballot === 'yes') yes++
  const needed = yesNeeded(proposal)
  if (yes >= needed) return 'accepted'
  return yes + proposal.voters.length - ballots.size < needed ? 'rejected' : undefined
}

/** Whether the votes that lie there bear a decision out: anybody can look again. */
export function isBorneOut(
  proposal: Proposal,
  votes: ReadonlyMap<string, Vote>,
  { status, votes: said }: Decision,
): boolean {
  const ballots = counted(proposal, votes)
  for (const [agent, ballot] of Object.entries(said)) if (ballots.get(agent) !== ballot) return false
  if (status === 'expired') return true
  const saidVotes = new Map([...votes].filter(([agent]) => agent in said))
  return tally(proposal, saidVotes) === status
}
