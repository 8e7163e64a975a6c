import { ALL_BARS, type Config, elapsedMs } from '../../../engine/writer.ts'
import type { Proposal, Vote } from '../../bridge/proposal.ts'
import type { Tender } from '../../bridge/tender.ts'
import { defineAction, type Edge } from '../../kit/grammar/action.ts'
import { act, reply, type Step, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor, type SensorEdge } from '../../kit/grammar/sensor.ts'
import { defineSignal, type Signal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { consensusDecided, type TenderAward, tenderAwarded } from '../../kit/member/membership-signals.ts'
import { appended } from '../../kit/run/bounded.ts'
import { type ServiceView, viewTables } from '../../kit/tables.ts'
import {
  type CapacityGrant,
  type CapacityWish,
  capacityGranted,
  capacityOffered,
  capacityRequested,
  type Spare,
} from '../../signals/capacity.ts'

/** What somebody takes requests for, at what price. */
export interface Grant {
  readonly subject: string
  readonly requests: number
  readonly pricePerHour: number
  readonly sinceMs: number
  readonly forMs: number
}

export interface CapacityMarket {
  readonly grantsMax: number
  /** What this one could give, by service. */
  readonly spare: readonly Spare[]
  /** Awards that wait for a decision, the oldest first. */
  readonly awards: readonly TenderAward[]
  /** What it gives. */
  readonly grants: readonly Grant[]
  /** Tenders it has put out that are under way. */
  readonly tenders: number
}

/** Who has it is asked to bid. */
export const CAPACITY = 'capacity'
export const GRANT = 'capacity-grant'

const LOOK_MS = 5_000
const AWARDS_MAX = 64
/** Who wants more at a time is told to come back. */
const TENDERS_MAX = 8
/** Each of the two rounds of an auction: as short as one may be. */
const ROUND_MS = 10_000
const DECIDE_MS = 10_000
/** An endpoint is full before it is full. */
const FILL_SHARE = 0.8

/** What is put out to tender: the question it is for, and its how-manieth it is. */
interface Wanted {
  readonly question: Signal
  readonly wish: CapacityWish
  readonly episode: number
}

/** To itself: what came of a tender. */
const tenderEnded = defineSignal('signalbox.tender.ended', {
  data: trusted<{ readonly question: Signal; readonly grant: CapacityGrant }>(),
})

const putOutToTender = defineAction({
  name: 'put-out-to-tender',
  done: tenderEnded,
  // Its rounds and the decision have times of their own.
  timeoutMs: 0,
  retries: 0,
  async run(wanted: Wanted, { bridge }: Edge) {
    const { question, wish } = wanted
    const { service, requests } = wish
    const nothing = { service, requests, winner: null, pricePerHour: null, fence: 0 }
    try {
      return { question, grant: { ...nothing, ...(await auctionOff(wanted, bridge)) } }
    } catch (error) {
      // Who was to bid is not there any more.
      return { question, grant: { ...nothing, status: 'unknown' as const, because: (error as Error).message } }
    }
  },
})

async function auctionOff(
  { wish, episode }: Wanted,
  bridge: Edge['bridge'],
): Promise<Pick<CapacityGrant, 'status' | 'because'> & Partial<CapacityGrant>> {
  if (bridge === undefined) return { status: 'unknown', because: 'there is no store to agree through' }
  const bidders = bridge.findByCapability(CAPACITY).map(({ agent }) => agent)
  if (bidders.length === 0) return { status: 'refused', because: 'nobody here offers capacity' }
  const subject = subjectOf(wish)
  const { reserve } = wish
  const { status, winner, price, fence } = await bridge.auction(bidders, {
    subject,
    episode,
    reserve,
    roundMs: ROUND_MS,
  })
  if (status === 'unknown') return { status, because: 'the store has not answered' }
  if (winner === null || price === null) return { status: 'refused', because: 'nobody takes it for that', fence }
  // Who has won is asked again, with all others, before anybody counts on it.
  const motion = { type: GRANT, subject, episode, payload: { winner, pricePerHour: price } }
  const decided = await bridge.result(bridge.startConsensus(bidders, motion, DECIDE_MS))
  if (decided.status === 'unknown') return { status: 'unknown', because: 'the store has not answered' }
  if (decided.status !== 'accepted')
    return { status: 'refused', because: `it was ${decided.status}`, fence: decided.fence }
  return { status: 'granted', because: 'it was accepted', winner, pricePerHour: price, fence: decided.fence }
}

/** What this one could give, as the tables say. It tells only where it knows of any capacity. */
const spareCapacity = defineSensor({
  name: 'spare-capacity',
  emits: capacityOffered,
  everyMs: LOOK_MS,
  start: () => null,
  read: ({ attachment }: SensorEdge) => viewTables(attachment).services.flatMap(spareOf),
  perceive: (memory, services: Spare[]) => ({
    memory,
    readings: services.length === 0 ? [] : [capacityOffered.of({ services })],
  }),
})

/**
 * Capacity market: who has room to spare says so, and takes requests of others for a price.
 *
 *   offer every 5 s · request ──▶ sealed bids, by marginal cost ──▶ award ──▶ proposal ──▶ grant, for a time
 *
 * What is bid is the price of the cheapest endpoint with room; what is paid is the second lowest bid, so nobody gains by another bid than
 * its true cost. An award is only proposed: it counts when it was accepted, and the winner may find it has no room any more. Grants are
 * bounded, and end by themselves.
 *
 * Its agent has the capability `capacity`, and bids and votes by `bidFor` and `voteOn`.
 */
export const capacityMarket = defineSkill({
  name: 'capacity-market',
  listens: [capacityRequested, tenderAwarded, consensusDecided],
  emits: [capacityOffered, capacityGranted],
  actions: [putOutToTender],
  sensors: [spareCapacity],
  start: (_: undefined, { config }): Step<CapacityMarket> =>
    stay({ grantsMax: grantsMaxOf(config), spare: [], awards: [], grants: [], tenders: 0 }),
  reload: (slice, config) => stay({ ...slice, grantsMax: grantsMaxOf(config) }),
  decide,
})

function decide(slice: CapacityMarket, signal: Signal, now: number): Step<CapacityMarket> {
  if (capacityOffered.is(signal))
    return stay({ ...slice, spare: signal.data.services, grants: lasting(slice.grants, now) })
  if (capacityRequested.is(signal)) {
    if (slice.tenders >= TENDERS_MAX)
      return { state: slice, directives: [reply(signal, capacityGranted.of(tooMany(signal.data)))] }
    // Another number each time, in each life: the clock is one.
    const wanted = { question: signal, wish: signal.data, episode: now >>> 0 }
    return { state: { ...slice, tenders: slice.tenders + 1 }, directives: [act(putOutToTender, wanted)] }
  }
  if (tenderEnded.is(signal)) {
    const { question, grant } = signal.data
    const state = { ...slice, tenders: slice.tenders - 1 }
    return { state, directives: [reply(question, capacityGranted.of(grant, grant.service))] }
  }
  if (tenderAwarded.is(signal)) return stay({ ...slice, awards: appended(slice.awards, signal.data, AWARDS_MAX) })
  if (consensusDecided.is(signal)) return stay(onDecided(slice, signal.data.subject, signal.data.status, now))
  return stay(slice)
}

function tooMany({ service, requests }: CapacityWish): CapacityGrant {
  const because = `${TENDERS_MAX} tenders are under way, ask again`
  return { service, requests, status: 'refused', winner: null, pricePerHour: null, fence: 0, because }
}

function onDecided(slice: CapacityMarket, subject: string, status: string, now: number): CapacityMarket {
  const award = slice.awards.find(each => each.subject === subject)
  if (award === undefined) return slice
  const awards = slice.awards.filter(each => each !== award)
  const asked = wishOf(subject)
  if (status !== 'accepted' || !award.isMine || asked === undefined) return { ...slice, awards }
  const grant = { subject, requests: asked.requests, pricePerHour: award.price ?? 0, sinceMs: now, forMs: asked.forMs }
  return { ...slice, awards, grants: appended(lasting(slice.grants, now), grant, slice.grantsMax) }
}

/** At what price an hour it takes what is asked for; undefined: it has no room, or has granted enough. */
export function bidFor(slice: CapacityMarket, { subject }: Tender): number | undefined {
  const asked = wishOf(subject)
  const spare = asked && roomFor(slice, asked)
  return spare === undefined ? undefined : spare.costPerHour * asked!.requests
}

/** Who has won says whether it still can; of all others nobody has anything against it. */
export function voteOn(slice: CapacityMarket, { type, subject }: Proposal): Pick<Vote, 'ballot' | 'reason'> {
  if (type !== GRANT) return { ballot: 'abstain', reason: 'has no opinion' }
  const asked = wishOf(subject)
  if (asked === undefined) return { ballot: 'no', reason: 'it does not say what is granted' }
  if (!slice.awards.some(each => each.subject === subject && each.isMine))
    return { ballot: 'yes', reason: 'it is not ours to give' }
  if (roomFor(slice, asked) === undefined) return { ballot: 'no', reason: 'there is no room for it any more' }
  return { ballot: 'yes', reason: 'there is room for it' }
}

/** What a service could take beside what it has, where its endpoints say what they can bear; priced for one request at a time. */
export function spareOf({ name, endpoints }: ServiceView): Spare[] {
  let [requests, costPerHour] = [0, Number.POSITIVE_INFINITY]
  for (const { bars, weight, capacity, inflight, cost = 0 } of endpoints) {
    if (capacity === undefined || (bars & ALL_BARS) !== 0 || weight === 0) continue
    const room = FILL_SHARE * capacity - inflight
    if (room < 1) continue
    requests += room
    costPerHour = Math.min(costPerHour, cost / capacity)
  }
  return requests === 0 ? [] : [{ service: name, requests, costPerHour }]
}

function roomFor({ spare, grants, grantsMax }: CapacityMarket, asked: Asked): Spare | undefined {
  if (grants.length >= grantsMax) return undefined
  const granted = grants.reduce(
    (sum, { subject, requests }) => sum + (wishOf(subject)?.service === asked.service ? requests : 0),
    0,
  )
  const found = spare.find(({ service }) => service === asked.service)
  return found !== undefined && found.requests - granted >= asked.requests ? found : undefined
}

type Asked = Pick<CapacityWish, 'service' | 'requests' | 'forMs'>

/** All that bidders are told: service, requests at a time, and for how long in ms. */
function subjectOf({ service, requests, forMs }: Asked): string {
  return `capacity/${service}/${requests}/${forMs}`
}

function wishOf(subject: string): Asked | undefined {
  const [what, service, requests, forMs] = subject.split('/')
  const [n, ms] = [Number(requests), Number(forMs)]
  return what === 'capacity' && service !== undefined && n > 0 && ms > 0
    ? { service, requests: n, forMs: ms }
    : undefined
}

function lasting(grants: readonly Grant[], now: number): readonly Grant[] {
  return grants.filter(({ sinceMs, forMs }) => elapsedMs(now, sinceMs) < forMs)
}

function grantsMaxOf({ agents }: Config): number {
  return agents['resource-manager'].grants
}
