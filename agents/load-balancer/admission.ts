import { elapsedMs } from '../../engine/writer.ts'
import type { Proposal, Vote } from '../bridge/proposal.ts'
import { defineAction } from '../kit/grammar/action.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'

/** What load balancers can do for each other: by this they find each other. */
export const BALANCING = 'load-balancing'

/** The kind of proposal they vote on. */
const MOTION = 'surge-throttling'

/** Which share of a service's capacity each may use, by its name in the registry; together all of it. */
export type Shares = Readonly<Record<string, number>>

/** A share that was agreed on. */
export interface Admission {
  readonly share: number
  readonly fence: number
  /** The clock when it ends. */
  readonly untilMs: number
}

/** The least that anybody gets: who has nothing to do now may have in a moment. */
const SHARE_MIN = 0.05

/**
 * Shares by how many requests each has now, 5 % at least, one in all. Whose rate is not known is taken to have the mean of the others.
 */
export function sharesOf(names: readonly string[], rateOf: (name: string) => number | undefined): Shares {
  const known = names.flatMap(name => rateOf(name) ?? [])
  const mean = known.reduce((sum, each) => sum + each, 0) / Math.max(1, known.length)
  const rates = names.map(name => rateOf(name) ?? mean)
  const sum = rates.reduce((all, each) => all + each, 0)
  const least = Math.min(SHARE_MIN, 1 / names.length)
  const rest = 1 - least * names.length
  return Object.fromEntries(
    names.map((name, i) => [name, least + rest * (sum === 0 ? 1 / names.length : rates[i]! / sum)]),
  )
}

/** Yes to shares that are all somebody’s and one in all; whose they are was counted, there is nothing to be of another opinion about. */
export function voteOnShares({ type, payload, voters }: Proposal): Pick<Vote, 'ballot' | 'reason'> {
  if (type !== MOTION) return { ballot: 'abstain', reason: 'has no opinion' }
  const { shares } = (payload ?? {}) as { readonly shares?: Readonly<Record<string, unknown>> }
  const of = Object.values(shares ?? {})
  const isEach = voters.every(({ agent }) => typeof shares?.[agent] === 'number' && shares[agent] > 0)
  const sum = of.reduce<number>((all, each) => all + Number(each), 0)
  if (isEach && of.length === voters.length && Math.abs(sum - 1) < 0.01)
    return { ballot: 'yes', reason: 'shares are one in all' }
  return { ballot: 'no', reason: 'shares are not one for each and one in all' }
}

interface Wish {
  readonly service: string
  /** What this one may be called in the registry. */
  readonly self: readonly string[]
  /** Requests per second of balancers by name. */
  readonly rates: Readonly<Record<string, number>>
  readonly ownRate: number
  /** Which time it is asked: no two ask the same. */
  readonly episode: number
  readonly timeoutMs: number
}

export interface Agreed {
  readonly service: string
  /** `alone`: nobody else is there to ask. `unknown` is an answer, and no yes. */
  readonly status: 'accepted' | 'rejected' | 'expired' | 'unknown' | 'alone'
  readonly shares: Shares
  readonly own: string
  readonly fence: number
}

/** To itself: what became of the shares. */
export const sharesAgreed = defineSignal('signalbox.shares.agreed', { data: trusted<Agreed>() })

/** Has all load balancers there are agree on who admits how much of a service. */
export const agreeOnShares = defineAction({
  name: 'agree-on-shares',
  done: sharesAgreed,
  timeoutMs: 0,
  retries: 0,
  async run({ service, self, rates, ownRate, episode, timeoutMs }: Wish, { bridge }): Promise<Agreed> {
    const names = (bridge?.findByCapability(BALANCING) ?? []).map(({ agent }) => agent).sort()
    const own = self.find(name => names.includes(name))
    const nobody: Agreed = { service, status: 'alone', shares: {}, own: own ?? '', fence: 0 }
    if (bridge === undefined || own === undefined || names.length < 2) return nobody
    const shares = sharesOf(names, name => (name === own ? ownRate : rates[name]))
    const motion = { type: MOTION, subject: `${service}/${own}`, episode, payload: { shares } }
    try {
      const { status, fence } = await bridge.result(bridge.startConsensus(names, motion, timeoutMs))
      return { service, status, shares, own, fence }
    } catch {
      // Somebody who was there a moment ago is not registered any more.
      return { ...nobody, status: 'unknown' }
    }
  },
})

/** What was agreed counts unless something that was agreed later does. */
export function admitted(before: Admission | undefined, after: Admission, now: number): Admission {
  const isOver = before === undefined || elapsedMs(now, before.untilMs) >= 0
  return isOver || after.fence >= before.fence ? after : before
}
