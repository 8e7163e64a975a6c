import type { Clock } from '../kit/clock.ts'
import type { Dice } from '../kit/dice.ts'
import { consensusDecided, consensusOpened, tenderAwarded } from '../kit/member/membership-signals.ts'
import { readinessVote } from '../kit/member/readiness.ts'
import type { AgentBridge, Bridged } from '../kit/run/crew.ts'
import { Stamp } from '../kit/run/stamp.ts'
import { Bridge } from './bridge.ts'
import type { BridgeClock } from './clock.ts'
import { idOf, type Proposal, type Vote } from './proposal.ts'
import type { Store } from './store.ts'
import type { Award, Tender } from './tender.ts'

/** An agent that is silent for so long is not in the registry any more, in ms. Its thread is watched much closer. */
const LEASE_MS = 10_000

/**
 * Gives one agent its bridge: it is registered as long as it lives, votes and bids by what it knows, and hears which proposals wait for its
 * vote and what became of them. `node`: where others of its name are on other nodes, it is told apart by its own.
 */
export function bridgeOf(
  { agent, incarnation, state, slices, health, hear }: Bridged,
  store: Store,
  clock: Clock,
  dice: Dice,
  node?: string,
): AgentBridge {
  const { role, capabilities } = agent
  const name = node === undefined ? agent.name : `${agent.name}@${node}`
  const stamp = new Stamp('bridge', clock, dice)
  const vote = (proposal: Proposal): Pick<Vote, 'ballot' | 'reason'> => {
    const voters = proposal.voters.map(voter => voter.agent)
    hear(stamp.signal(consensusOpened.of({ ...toldOf(proposal), voters }), undefined))
    const own = agent.vote?.(state(), proposal, slices) ?? { ballot: 'abstain', reason: 'has no opinion' }
    return own.ballot === 'abstain' ? (readinessVote(proposal, health()) ?? own) : own
  }
  const bridge = new Bridge(store, {
    ...{ agent: name, incarnation, vote, clock: bridgeClockOf(clock, dice), leaseMs: LEASE_MS },
    ...(agent.bid !== undefined && {
      bid: (tender: Tender) => agent.bid?.(state(), tender, slices),
      onAward: ({ subject, episode }: Tender, { winner, price }: Award, fence: number) => {
        const told = { subject, episode, winner, price, fence, isMine: winner === name }
        hear(stamp.signal(tenderAwarded.of(told), undefined))
      },
    }),
    onDecision(proposal, { status }, fence) {
      hear(stamp.signal(consensusDecided.of({ ...toldOf(proposal), status, fence }), undefined))
    },
  })
  const place = bridge.register({ role, capabilities, health: 'healthy' })
  return { place, bridge, close: () => void bridge.close() }
}

/** What is told of a proposal. */
function toldOf(proposal: Proposal) {
  const { type, subject, payload } = proposal
  return { id: idOf(proposal), type, subject, payload: textsOf(payload) }
}

/** Of what is proposed, words and numbers by name; anybody may have written it. */
function textsOf(payload: unknown): Record<string, string> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return {}
  const isPlain = ([, value]: [string, unknown]): boolean => /^(?:string|number|boolean)$/.test(typeof value)
  return Object.fromEntries(
    Object.entries(payload)
      .filter(isPlain)
      .map(([name, value]) => [name, String(value)]),
  )
}

/** The clock of agents, with chance for those who try again. */
export function bridgeClockOf(clock: Clock, dice: Dice): BridgeClock {
  return {
    now: () => clock.now(),
    later: (delayMs, callback, isLoose) => clock.later(delayMs, callback, isLoose),
    dice,
  }
}
