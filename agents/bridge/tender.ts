import { createHash } from 'node:crypto'
import { findFaultIn, shown, type Unproven, type Voter } from './proposal.ts'

/** How long bids are taken and opened, in ms: at least so long each unless it is said otherwise, and never longer together. */
export const ROUND_MS_MIN = 10_000
export const TENDER_MS_MAX = 120_000

/** Capacity that is granted to whoever gives it at the lowest marginal cost. */
export interface Tender {
  readonly subject: string
  /** Which time it is put out. */
  readonly episode: number
  /** No higher cost is taken, and no more is paid. */
  readonly reserve: number
  readonly bidders: readonly Voter[]
  /** How long bids are taken, and then how long they are opened, in ms; each ends earlier when all are there. */
  readonly roundMs: number
}

/** A bid nobody can read yet. */
export interface SealedBid {
  readonly hash: string
  readonly incarnation: number
}

/** Bids are not taken any more: these are in, by agent. */
export interface Seal {
  readonly hashes: Readonly<Record<string, string>>
}

/** What was in a sealed bid. Null: does not want it. */
export interface OpenedBid {
  readonly cost: number | null
  readonly nonce: string
}

export type Reason =
  | 'did not bid in time'
  | 'did not open its bid'
  | 'opened another bid than it had sealed'
  | 'bid what is no cost'

/** What is written down of a tender. */
export interface Award {
  readonly status: 'awarded' | 'void'
  readonly winner: string | null
  readonly price: number | null
  /** The bids that counted, by agent. */
  readonly costs: Readonly<Record<string, number | null>>
  /** Who is out, and why. */
  readonly out: Readonly<Record<string, Reason>>
  readonly decidedBy: string
}

/** What is wrong with a tender, whatever it is; undefined where nothing is. */
export function findTenderFault(
  { bidders, reserve, roundMs, episode }: Unproven<Tender>,
  roundMsMin = ROUND_MS_MIN,
): string | undefined {
  const isReserve = typeof reserve === 'number' && Number.isFinite(reserve) && reserve >= 0
  if (!isReserve) return `its reserve is ${shown(reserve)}`
  const isLong = typeof roundMs === 'number' && roundMs >= roundMsMin
  if (!isLong) return `its rounds take ${shown(roundMs)} ms, make it ${roundMsMin} at least`
  if (2 * roundMs > TENDER_MS_MAX) return `its rounds take ${roundMs} ms, make it ${TENDER_MS_MAX / 2} at most`
  return findFaultIn(bidders, 'bidders', roundMs, episode)
}

/**
 * Binds a bid without showing it. Who it is of and what for is in it, so that nobody can seal a copy of another's; the nonce, so that
 * nobody can try costs until one fits.
 *
 *   hash = SHA-256 over tender, agent, cost and nonce
 */
export function sealBid(id: string, agent: string, { cost, nonce }: OpenedBid): string {
  return createHash('sha256')
    .update(JSON.stringify([id, agent, cost, nonce]))
    .digest('hex')
}

/** Bids of those who were asked, in the lives they were asked in. */
export function sealedBy({ bidders }: Tender, bids: ReadonlyMap<string, SealedBid>): Record<string, string> {
  return Object.fromEntries(
    bidders.flatMap(({ agent, incarnation }) => {
      const bid = bids.get(agent)
      return bid?.incarnation === incarnation ? [[agent, bid.hash]] : []
    }),
  )
}

/**
 * Who is granted it, and for how much.
 *
 *   winner   the lowest cost ≤ reserve; of equal ones the agent whose name comes first
 *   price    the second lowest cost ≤ reserve; the reserve where there is none
 *
 * Source  Vickrey 1961: what is paid does not depend on the winner's own bid, so nobody gains by another one than its true cost.
 */
export function award(
  id: string,
  tender: Tender,
  { hashes }: Seal,
  opened: ReadonlyMap<string, OpenedBid>,
): Omit<Award, 'decidedBy'> {
  const costs: [string, number | null][] = []
  const out: [string, Reason][] = []
  const sealed = new Map(Object.entries(hashes))
  for (const agent of tender.bidders.map(each => each.agent).sort()) {
    const bid = opened.get(agent)
    if (!sealed.has(agent)) out.push([agent, 'did not bid in time'])
    else if (bid === undefined) out.push([agent, 'did not open its bid'])
    else if (sealBid(id, agent, bid) !== sealed.get(agent)) out.push([agent, 'opened another bid than it had sealed'])
    else if (bid.cost !== null && !(Number.isFinite(bid.cost) && bid.cost >= 0))
      out.push([agent, 'bid what is no cost'])
    else costs.push([agent, bid.cost])
  }
  const ranked = costs
    .flatMap(([agent, cost]) => (cost === null || cost > tender.reserve ? [] : [{ agent, cost }]))
    .sort((a, b) => a.cost - b.cost || (a.agent < b.agent ? -1 : 1))
  const [first, second] = ranked
  return {
    status: first === undefined ? 'void' : 'awarded',
    winner: first?.agent ?? null,
    price: first === undefined ? null : (second?.cost ?? tender.reserve),
    costs: Object.fromEntries(costs),
    out: Object.fromEntries(out),
  }
}

/** Whether the bids that lie there, sealed and opened, bear an award out: anybody can look again. */
export function isAwardBorneOut(
  id: string,
  tender: Tender,
  bids: ReadonlyMap<string, SealedBid>,
  seal: Seal,
  opened: ReadonlyMap<string, OpenedBid>,
  { decidedBy: _, ...said }: Award,
): boolean {
  const lying = new Map(Object.entries(sealedBy(tender, bids)))
  for (const [agent, hash] of Object.entries(seal.hashes)) if (lying.get(agent) !== hash) return false
  // Who opened its bid when the award was under way may not have been seen in time.
  const seen = new Map([...opened].filter(([agent]) => said.out[agent] !== 'did not open its bid'))
  return canonical(award(id, tender, seal, seen)) === canonical(said)
}

/** Two awards that say the same are written the same. */
function canonical({ status, winner, price, costs, out }: Omit<Award, 'decidedBy'>): string {
  const sorted = (record: object): unknown => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([status, winner, price, sorted(costs), sorted(out)])
}
