import { elapsedMs, HEALTH_NAMES, HEALTH_UNKNOWN, ISOLATED, type SignalboxError } from '../../../engine/writer.ts'
import type { Bridge, Motion } from '../../bridge/bridge.ts'
import { idOf, type Proposal, type Vote } from '../../bridge/proposal.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { act, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { consensusDecided, consensusOpened } from '../../kit/member/membership-signals.ts'
import {
  ejectedChecked,
  endpointGone,
  endpointQuarantined,
  endpointReleased,
  healthChanged,
  quarantineDecided,
  type Settled,
  type SharedVerdict,
  settledBatch,
  verdictsShared,
} from '../../signals.ts'
import { type Evidence, voteOn } from './quarantine-vote.ts'
import { lookingAt, type Sight } from './sight.ts'
import { endpointOf, type Named, subjectOf } from './subject.ts'
import { believed, merge, type Verdict } from './verdicts.ts'

type Decided = SignalOf<typeof quarantineDecided>['data']

const PROPOSAL = 'quarantine'

/** Whose agreement is sought: agents of this role, on whatever node. */
export interface HealthCoordinationOptions {
  readonly role: string
}

interface Asking extends Omit<Decided, 'status' | 'fence' | 'proposal'> {
  readonly role: string
  readonly timeoutMs: number
  /** The newest decision on it that was heard of. */
  readonly knownFence: number
}

/**
 * What is known here and of others. The maps and sets are changed in place: a network that fails changes thousands of verdicts in a second, and a
 * copy for each would keep the thread from everything else. They hold no more than the endpoints there are.
 */
export interface HealthCoordination {
  readonly role: string
  readonly agreementMs: number
  /** Of endpoints that were not always well. */
  readonly own: Map<string, Verdict>
  readonly others: Map<string, Verdict>
  /** What was settled of late: batch by batch, for only a vote looks at it. */
  readonly batches: readonly { readonly atMs: number; readonly rows: readonly Settled[] }[]
  /** By endpoint: when a check of it passed that was out. */
  readonly passedMs: Map<string, number>
  /** By endpoint: what is to be voted on, as it looks here. */
  readonly evidence: Map<string, Evidence>
  /** By endpoint: the newest decision that was heard of. */
  readonly fences: Map<string, number>
  /** Endpoints that others are being asked about. */
  readonly asking: Set<string>
  /** Endpoints whose verdict is to be shared. */
  readonly unshared: Set<string>
  readonly isShareDue: boolean
  readonly node: string
}

const KEPT_MAX = 1024
/** What was settled longer ago says nothing in a vote, in ms. */
const BATCHES_MS = 2_500
const BATCHES_MAX = 64
/** Verdicts that change together are shared together, in ms. */
const SHARE_MS = 1_000
/** Rows that are told at a time: what one signal to other nodes has room for. */
const ROWS_MAX = 300
/** Quarantines of one endpoint within the time that records are kept: no more fit into it. */
const EPISODES_MAX = 256

/** To itself: time to tell the others. */
const shareDue = defineSignal('signalbox.verdicts.share-scheduled')

const look = lookingAt<Named, 'evidence'>('evidence')

const asked = defineSignal('signalbox.quarantine.answered', { data: trusted<Decided>() })

/**
 * Asks the other monitors whether they agree, or joins the question where it is under way: its name follows from the endpoint and from how
 * often others were asked about it before, so that two who find the same ask the same.
 *
 *   id of (quarantine, service/id, episode)         episode: the first that was not decided before now
 *
 * What was decided before this life began, or is known already, is of an earlier time.
 */
const askOthers = defineAction({
  name: 'ask-other-monitors',
  done: asked,
  // It takes what agreement may take.
  timeoutMs: 0,
  async run(asking: Asking, { bridge, place }): Promise<Decided> {
    const { role, timeoutMs, knownFence, ...of } = asking
    const { service, id, reason, by, forMs } = of
    const voters = bridge?.discover({ role }).map(({ agent }) => agent) ?? []
    if (bridge === undefined || voters.length < 2) return { ...of, status: 'alone', fence: 0, proposal: null }
    const before = Math.max(knownFence, place?.revision ?? 0)
    if (before === 0) return { ...of, status: 'unknown', fence: 0, proposal: null }
    for (let episode = 0; episode < EPISODES_MAX; episode++) {
      const motion = { type: PROPOSAL, subject: `${service}/${id}`, episode, payload: { reason, by, forMs } }
      const proposal = idOf(motion)
      const found = await bridge.result(proposal, 0)
      if (found.status !== 'unknown') {
        if (found.fence <= before) continue
        return { ...of, status: found.status, fence: found.fence, proposal }
      }
      if (!propose(bridge, voters, motion, timeoutMs)) break
      const { status, fence } = await bridge.result(proposal)
      return { ...of, status, fence, proposal }
    }
    return { ...of, status: 'unknown', fence: 0, proposal: null }
  },
})

/** Whether it could be asked: not in the lesser part of a partition, nor once one of the voters has gone. Then nobody decides. */
function propose(bridge: Bridge, voters: readonly string[], motion: Motion, timeoutMs: number): boolean {
  try {
    bridge.startConsensus(voters, motion, timeoutMs)
    return true
  } catch (error) {
    const { code } = error as Partial<SignalboxError>
    if (code === 'SBX_NO_QUORUM' || code === 'SBX_PARTICIPANTS_INSUFFICIENT') return false
    throw error
  }
}

const dated = defineSignal('signalbox.quarantine.dated', { data: trusted<{ decided: Decided; isOld: boolean }>() })

/** Whether a decision is from before this life: a life that begins is told of all whose records are still there. */
const dateDecision = defineAction({
  name: 'date-decision',
  done: dated,
  run: (decided: Decided, { place }) => ({ decided, isOld: decided.fence <= (place?.revision || Infinity) }),
})

/**
 * Agrees with the monitors of other nodes: on whom to keep out, and on what endpoints are.
 *
 *   kept out here ──▶ are there others? ─no─▶ alone
 *                          │ yes                        others vote by what they have seen, see voteOn
 *                          ▼
 *                     proposal ──▶ accepted, rejected · expired, unknown ──▶ told, also of proposals that others have made
 *
 *   verdict changed here ──▶ shared ──▶ merged by the others ──▶ what they believe where they have not looked themselves
 *
 * What others say bars nobody: it is evidence in a vote, as long as there is none of one's own.
 *
 * restart    verdicts are learned anew; decisions from before are no answers to what is asked now
 */
export const healthCoordination = defineSkill({
  name: 'health-coordination',
  listens: [
    endpointQuarantined,
    endpointReleased,
    healthChanged,
    endpointGone,
    ejectedChecked,
    settledBatch,
    verdictsShared,
    consensusOpened,
    consensusDecided,
  ],
  overhears: [endpointQuarantined, endpointReleased, healthChanged, endpointGone, ejectedChecked],
  own: [shareDue],
  emits: [quarantineDecided, verdictsShared],
  actions: [askOthers, dateDecision, look],
  start: ({ role }: HealthCoordinationOptions, { config, seed, incarnation }): Step<HealthCoordination> =>
    stay({
      role,
      agreementMs: config.agents['health-monitor'].quarantine.agreement,
      ...{ own: new Map(), others: new Map(), batches: [], passedMs: new Map(), evidence: new Map() },
      ...{ fences: new Map(), asking: new Set(), unshared: new Set(), isShareDue: false },
      // A name that no other node gives itself: who tells of this one's verdicts is told apart by it.
      node: `${(seed >>> 0).toString(16)}-${incarnation}`,
    }),
  reload: (slice, { agents }) => stay({ ...slice, agreementMs: agents['health-monitor'].quarantine.agreement }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.endpoint.quarantined':
        return onQuarantined(slice, signal.data)
      case 'signalbox.endpoint.released':
        slice.asking.delete(subjectOf(signal.data))
        return stay(slice)
      case 'signalbox.quarantine.answered':
        return onAnswered(slice, signal.data)
      case 'signalbox.consensus.opened':
        return onOpened(slice, signal.data)
      case 'signalbox.evidence.seen':
        return stay(onEvidence(slice, signal.data.about, signal.data.sight, now))
      case 'signalbox.consensus.decided':
        return onDecided(slice, signal.data)
      case 'signalbox.quarantine.dated': {
        const { decided, isOld } = signal.data
        return isOld ? stay(slice) : tellDecided(slice, decided)
      }
      case 'signalbox.endpoint.health-changed':
        return onVerdict(slice, signal.data, now)
      case 'signalbox.endpoint.ejected-checked':
        if (signal.data.hasPassed) keep(slice.passedMs, subjectOf(signal.data), now)
        return stay(slice)
      case 'signalbox.endpoint.settled-batch':
        return stay(onSettled(slice, signal.data.rows, now))
      case 'signalbox.endpoint.verdicts-shared':
        merge(slice.others, slice.own, signal.data.rows, slice.node, now)
        return stay(slice)
      case 'signalbox.endpoint.unwatched':
        return stay(onGone(slice, subjectOf(signal.data)))
      case 'signalbox.verdicts.share-scheduled':
        return share(slice, now)
    }
  },
  describe: ({ own, others, asking }) => ({
    asking: [...asking].slice(0, SHOWN_MAX),
    own: [...own].slice(0, SHOWN_MAX),
    others: [...others].slice(0, SHOWN_MAX),
  }),
})

const SHOWN_MAX = 100

/** How the agent votes on a proposal, by what this skill has found out since it was opened. */
export function voteBy(slice: HealthCoordination, proposal: Proposal): Pick<Vote, 'ballot' | 'reason'> {
  if (proposal.type !== PROPOSAL) return { ballot: 'abstain', reason: 'has no opinion' }
  const evidence = slice.evidence.get(proposal.subject)
  return evidence === undefined ? { ballot: 'abstain', reason: 'has not looked' } : voteOn(evidence)
}

function onQuarantined(
  slice: HealthCoordination,
  { service, id, reason, by, standing, forMs }: SignalOf<typeof endpointQuarantined>['data'],
): Step<HealthCoordination> {
  const subject = `${service}/${id}`
  // Who is being repaired is out for what this node does to it: the others, whose requests it may serve well, would say no.
  if (standing !== 'local' || reason === 'repair' || slice.asking.has(subject)) return stay(slice)
  const { role, agreementMs: timeoutMs } = slice
  const knownFence = slice.fences.get(subject) ?? 0
  slice.asking.add(subject)
  if (slice.asking.size > KEPT_MAX) slice.asking.delete(slice.asking.keys().next().value as string)
  return {
    state: slice,
    directives: [act(askOthers, { service, id, reason, by, forMs, role, timeoutMs, knownFence })],
  }
}

function onAnswered(slice: HealthCoordination, decided: Decided): Step<HealthCoordination> {
  slice.asking.delete(subjectOf(decided))
  return tellDecided(slice, decided)
}

function tellDecided(slice: HealthCoordination, decided: Decided): Step<HealthCoordination> {
  return { state: slice, directives: [emit(quarantineDecided.of(decided, subjectOf(decided)))] }
}

/** Looks at once, so that the vote that follows is by what there is now. */
function onOpened(
  slice: HealthCoordination,
  { type, subject }: SignalOf<typeof consensusOpened>['data'],
): Step<HealthCoordination> {
  const named = type === PROPOSAL ? endpointOf(subject) : undefined
  return { state: slice, directives: named === undefined ? [] : [act(look, { named, about: named })] }
}

function onEvidence(
  slice: HealthCoordination,
  named: Named,
  sight: Sight | undefined,
  now: number,
): HealthCoordination {
  const subject = subjectOf(named)
  const seen = HEALTH_NAMES[sight?.health ?? HEALTH_UNKNOWN] ?? 'unknown'
  const health = seen === 'unknown' ? (believed(slice.own, slice.others, subject)?.health ?? seen) : seen
  const evidence: Evidence = {
    health,
    answeredAgoMs: sight && answeredAgoMs(slice, subject, sight, now),
    hasRoom: sight !== undefined && (sight.refusal === undefined || (sight.bars & ISOLATED) !== 0),
    isKnown: sight !== undefined,
  }
  keep(slice.evidence, subject, evidence)
  return slice
}

function answeredAgoMs(
  { batches, passedMs }: HealthCoordination,
  subject: string,
  { row, generation }: Sight,
  now: number,
): number | undefined {
  const isIts = (each: Settled): boolean => each.row === row && each.generation === generation && each.ok > 0
  const batch = batches.findLast(({ rows }) => rows.some(isIts))
  const moments = [batch?.atMs, passedMs.get(subject)].filter(ms => ms !== undefined)
  const agoMs = moments.map(ms => elapsedMs(now, ms)).filter(ms => ms >= 0)
  return agoMs.length === 0 ? undefined : Math.min(...agoMs)
}

/** What others have decided, or this one with them. */
function onDecided(
  slice: HealthCoordination,
  { id: proposal, type, subject, payload, status, fence }: SignalOf<typeof consensusDecided>['data'],
): Step<HealthCoordination> {
  const named = type === PROPOSAL ? endpointOf(subject) : undefined
  if (named === undefined) return stay(slice)
  const known = slice.fences.get(subject) ?? 0
  keep(slice.fences, subject, Math.max(known, fence))
  const { reason = '', by = '', forMs = '' } = payload
  const time = Number(forMs)
  // Whoever has written it may have written anything.
  if (fence <= known || !isReason(reason) || !(time >= 0)) return stay(slice)
  const decided: Decided = { ...named, reason, by, forMs: time, status, fence, proposal }
  return { state: slice, directives: [act(dateDecision, decided)] }
}

/** Of an endpoint that has only ever been well there is nothing to say: the tables have it. */
function onVerdict(
  slice: HealthCoordination,
  { service, id, from, to: health }: SignalOf<typeof healthChanged>['data'],
  now: number,
): Step<HealthCoordination> {
  if (from === 'unknown' && health === 'healthy') return stay(slice)
  const subject = `${service}/${id}`
  slice.own.set(subject, { health, by: slice.node, isDirect: true, atMs: now })
  slice.others.delete(subject)
  slice.unshared.add(subject)
  return slice.isShareDue ? stay(slice) : scheduleShare(slice)
}

function scheduleShare(slice: HealthCoordination): Step<HealthCoordination> {
  return { state: { ...slice, isShareDue: true }, directives: [schedule(SHARE_MS, shareDue.of(null))] }
}

/** Of the next endpoint of its name nothing is known, here or elsewhere; only which decisions were on an earlier one. */
function onGone(slice: HealthCoordination, subject: string): HealthCoordination {
  const { own, others, unshared, passedMs, evidence } = slice
  for (const each of [own, others, unshared, passedMs, evidence]) each.delete(subject)
  return slice
}

/** Its own verdicts that are new, and beside them what it was told of endpoints it does not look at. */
function share(slice: HealthCoordination, now: number): Step<HealthCoordination> {
  const { own, others, unshared, node } = slice
  const subjects = [...unshared, ...others.keys()].slice(0, ROWS_MAX)
  const rows = subjects.flatMap((subject): SharedVerdict[] => {
    const named = endpointOf(subject)
    const verdict = believed(own, others, subject)
    if (named === undefined || verdict === undefined) return []
    const { health, by, atMs } = verdict
    return [{ ...named, health, by, isDirect: by === node, ageMs: Math.max(0, elapsedMs(now, atMs)) }]
  })
  for (const subject of subjects) {
    unshared.delete(subject)
    // It is looked at no more: the others know now, and what they say of it counts again.
    if (own.get(subject)?.health === 'unknown') own.delete(subject)
  }
  const told = emit(verdictsShared.of({ node, rows }))
  if (unshared.size === 0) return { state: { ...slice, isShareDue: false }, directives: [told] }
  const step = scheduleShare(slice)
  return { state: step.state, directives: [told, ...step.directives] }
}

function onSettled(slice: HealthCoordination, rows: readonly Settled[], now: number): HealthCoordination {
  const recent = slice.batches.filter(({ atMs }) => elapsedMs(now, atMs) <= BATCHES_MS)
  return { ...slice, batches: [...recent, { atMs: now, rows }].slice(-BATCHES_MAX) }
}

function isReason(text: string): text is Decided['reason'] {
  return /^(?:failed|flapping|anomaly|security|repair)$/.test(text)
}

/** Puts this into the map as the newest, and takes the oldest out where there are too many. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > KEPT_MAX) map.delete(map.keys().next().value as string)
}
