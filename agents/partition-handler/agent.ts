import { type Config, elapsedMs } from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import {
  act,
  type Directive,
  emit,
  mount,
  reply,
  type Step,
  schedule,
  stay,
  unmount,
} from '../kit/grammar/directive.ts'
import { actionFailed } from '../kit/grammar/own-signals.ts'
import type { Signal, SignalOf } from '../kit/grammar/signal.ts'
import type { Slices } from '../kit/grammar/skill.ts'
import { nodeOf } from '../kit/grammar/source.ts'
import { agentHeartbeat } from '../kit/member/membership-signals.ts'
import type { NodesSeen } from '../signals/nodes.ts'
import { humanNeeded, nodesSeen, partitionDetected, partitionHealed, rightsChanged } from '../signals.ts'
import { askPeers, peerAnswered, peersAsked } from '../skills/agreement/asking-peers.ts'
import { causeOf, partitionId, readConnectivity, sidesOf } from './connectivity.ts'
import { isLesser, decide as judge, type Picture, type Verdict } from './decide.ts'
import { isOver, withBack } from './healing.ts'
import { seekLease } from './seek-lease.ts'
import { leaseSought, viewDue } from './signals.ts'
import { stableAfterMs, unstableAfterMs } from './stable-after.ts'
import { agreementOf, type Partition, type Rights, remember, type State, type Unsettled, viewOf } from './state.ts'

const NAME = 'partition-handler'
/** What it asks its like on other nodes when a partition has healed, and how long it waits, in ms. */
const VIEW = 'view'
const VIEW_MS = 1_500
/** The lesser side asks for the lease so much later (Pekko), in ms. */
const LESSER_WAIT_MS = 2_000
/** Agents of this node whose incarnations are remembered. */
const AGENTS_MAX = 256

/**
 * Partition handler: when nodes lose each other, decides for this one whether it goes on deciding with the rest.
 *
 * Intuition  a node that is silent to all is dead; several that fell silent together are behind a cut, and think the same of us. Of two sides
 *            that cannot talk one must decide nothing, and both must find out which without talking.
 * listens    signalbox.node.seen · signalbox.agent.heartbeat · signalbox.peers.asked · signalbox.peer.answered
 * emits      signalbox.partition.{detected, healed} · signalbox.node.rights-changed · signalbox.incident.human-needed ·
 *            signalbox.peer.answered
 * never      takes an endpoint out, nor stops routing: what a side loses is the right to decide
 * without    the failure detector nothing is seen, and this node keeps its rights
 * restart    permanent; who is missing is learnt anew from what the failure detector and other nodes say
 *
 *            all here ── some silent ──▶ unsettled ── nothing changes for stableAfter ──▶ decided ── all heard again ──▶ all here
 *                                           └ rights are withheld at once where this side may be the lesser one
 */
export const partitionHandler = defineAgent({
  name: NAME,
  role: NAME,
  listens: [nodesSeen, agentHeartbeat, peersAsked, peerAnswered, actionFailed],
  own: [viewDue],
  emits: [partitionDetected, partitionHealed, rightsChanged, humanNeeded, peerAnswered],
  actions: [seekLease],
  start: ({ config, incarnation }): Step<State> => stay(begin(config, incarnation)),
  reload: (state, config) => stay({ ...state, knobs: config.agents[NAME] }),
  decide,
  describe: ({ members, rights, current, history, agreed }) => ({
    members: [...members.keys()],
    ...{ rights, current: current ?? null, history, agreed: agreed ?? null },
  }),
})

export default partitionHandler

function begin(config: Config, incarnation: number): State {
  return {
    ...{ knobs: config.agents[NAME], incarnation, me: '', members: new Map(), parted: new Set(), unsettled: undefined },
    ...{ rights: { mayDecide: true, because: '' }, isFirst: true, current: undefined, history: [] },
    ...{ heard: new Map(), sessions: 0, session: undefined, agreed: undefined, lease: undefined },
  }
}

function decide(state: State, signal: Signal, now: number, slices: Slices): Step<State> {
  if (nodesSeen.is(signal)) return onSeen(state, signal.data, now)
  if (agentHeartbeat.is(signal)) return onHeartbeat(state, signal.data)
  if (leaseSought.is(signal)) return stay({ ...state, lease: signal.data })
  // It is asked anew with the next look.
  if (actionFailed.is(signal))
    return stay({ ...state, unsettled: state.unsettled && { ...state.unsettled, isAsked: false } })
  if (peersAsked.is(signal)) return onAsked(state, signal)
  if (peerAnswered.is(signal) || viewDue.is(signal)) return onViews(state, slices)
  return stay(state)
}

/** What the nodes look like now. It is judged when it has looked so for long enough. */
function onSeen(before: State, seen: NodesSeen, now: number): Step<State> {
  const met = meet(before, seen)
  const { reachable, indirect } = readConnectivity(seen)
  const gone = [...met.members.keys()].filter(node => !reachable.has(node)).sort()
  const unsettled = unsettledAfter(met.unsettled, gone, [...indirect].sort(), now)
  const state: State = { ...met, isFirst: false, unsettled }
  const picture: Picture = { me: seen.node, members: met.members, reachable, indirect }
  const step =
    unsettled === undefined
      ? withRights({ ...state, lease: undefined }, { mayDecide: true, because: 'all nodes are here' })
      : settle(state, unsettled, picture, seen, now)
  const tended = tend(step.state, seen, indirect.size, now)
  const directives = [...step.directives, ...tended.directives]
  // An earlier incarnation may have withheld them.
  const isOwed = before.isFirst && before.incarnation > 1 && step.directives.length === 0
  return {
    state: tended.state,
    directives: isOwed ? [...directives, emit(rightsChanged.of(state.rights))] : directives,
  }
}

/** Who is heard is a member, and who was given up and is heard again is one again; who has left is none. */
function meet(state: State, { node: me, rank, others }: NodesSeen): State {
  const members = new Map(state.members).set(me, rank)
  const parted = new Set(state.parted)
  for (const { node, rank: theirs, state: standing } of others) {
    if (standing === 'left') members.delete(node)
    if (standing === 'left' || standing === 'alive') parted.delete(node)
    if (standing === 'alive' || (standing !== 'left' && !parted.has(node))) members.set(node, theirs)
  }
  return { ...state, me, members, parted }
}

function unsettledAfter(
  before: Unsettled | undefined,
  gone: readonly string[],
  indirect: readonly string[],
  now: number,
): Unsettled | undefined {
  if (gone.length + indirect.length === 0) return undefined
  const key = `${gone.join(',')}|${indirect.join(',')}`
  if (before?.key === key) return before
  return { key, sinceMs: before?.sinceMs ?? now, changedMs: now, decided: undefined, isAsked: false }
}

function settle(state: State, unsettled: Unsettled, picture: Picture, seen: NodesSeen, now: number): Step<State> {
  const { knobs, members, rights } = state
  const stableMs = knobs.stableAfter ?? stableAfterMs(members.size)
  if (elapsedMs(now, unsettled.changedMs) < stableMs) {
    const isUnstable = knobs.downAllWhenUnstable && elapsedMs(now, unsettled.sinceMs) >= unstableAfterMs(stableMs)
    const verdict = foreseen(knobs, { ...picture, isUnstable })
    return verdict.verdict === 'keep' || !rights.mayDecide ? stay(state) : withRights(state, rightsOf(verdict))
  }
  if (unsettled.decided !== undefined) return stay(state)
  const isLeased = knobs.strategy !== 'lease-majority' || picture.reachable.size === members.size
  if (!isLeased && state.lease?.picture !== unsettled.key) {
    if (unsettled.isAsked) return stay(state)
    const waitMs = isLesser(picture) ? LESSER_WAIT_MS : 0
    const asked = { ...state, unsettled: { ...unsettled, isAsked: true } }
    return { state: asked, directives: [act(seekLease, { picture: unsettled.key, waitMs })] }
  }
  return conclude(state, unsettled, { ...picture, lease: leaseOf(state, picture) }, seen, now)
}

/**
 * Before it is sure: a side that may be the lesser one decides nothing from now on, one that may be the greater one goes on. Rights that are
 * lost so come back when it is sure, or all are here.
 */
function foreseen(knobs: State['knobs'], picture: Picture): Verdict {
  // A beat that was lost makes two nodes look cut off from each other; only what lasts is a broken link.
  const direct = { ...picture, indirect: new Set<string>(), lease: isLesser(picture) ? 'there' : 'here' } as const
  return judge(knobs, direct)
}

function leaseOf({ lease }: State, { reachable }: Picture): 'here' | 'there' | 'unknown' {
  if (lease === undefined || lease.holder === null) return 'unknown'
  return reachable.has(lease.holder) ? 'here' : 'there'
}

/** It has stayed like that: this side keeps its rights and gives the others up, or loses them and waits. */
function conclude(before: State, unsettled: Unsettled, picture: Picture, seen: NodesSeen, now: number): Step<State> {
  const { members, reachable, indirect } = picture
  const verdict = judge(before.knobs, picture)
  const all = [...members.keys()].sort()
  const lost = all.filter(node => !reachable.has(node))
  const isKept = verdict.verdict === 'keep'
  const step = withRights(
    {
      ...before,
      unsettled: { ...unsettled, decided: verdict },
      members: isKept ? new Map([...members].filter(([node]) => reachable.has(node))) : members,
      parted: isKept ? new Set([...before.parted, ...lost]) : before.parted,
    },
    rightsOf(verdict),
  )
  const cause = causeOf(lost.length, reachable.size, indirect.size)
  const isLink = cause === 'link'
  const sides = isLink
    ? [all.filter(node => !indirect.has(node)), all.filter(node => indirect.has(node))].filter(side => side.length > 0)
    : sidesOf(seen, all, reachable)
  const id = partitionId(sides)
  if (cause === 'crash' || before.current?.id === id) return step
  const { sinceMs } = unsettled
  const current: Partition = {
    ...{ id, sides, lost, verdict: verdict.verdict, sinceMs, times: 1, isPersonCalled: false },
    ...{ back: 0, backMs: sinceMs },
  }
  // The nodes fall apart in another way: what was told before is not so any more.
  const replaced = before.current === undefined ? [] : [healed(before.current, [...reachable].sort(), now)]
  const here = sides.findIndex(side => side.includes(picture.me))
  const told = { partition: id, sides, here, strategy: before.knobs.strategy, verdict: verdict.verdict }
  return {
    state: { ...step.state, current, history: remember(before.history, current) },
    directives: [...step.directives, ...replaced, emit(partitionDetected.of(told, id))],
  }
}

/** Looks after a partition that was concluded: it has healed, or lasts for so long that a person is called. */
function tend(before: State, { others }: NodesSeen, indirect: number, now: number): Step<State> {
  if (before.current === undefined) return stay(before)
  const standings = new Map(others.map(({ node, state }) => [node, state]))
  const current = withBack(before.current, standings, now)
  const state = { ...before, current }
  const { members, knobs } = state
  const tookMs = elapsedMs(now, current.sinceMs)
  if (indirect === 0 && isOver(state, current, standings, now)) {
    const asked = askViews({ ...state, current: undefined })
    return {
      state: asked.state,
      directives: [healed(current, [...members.keys()].sort(), now), ...asked.directives],
    }
  }
  if (current.isPersonCalled || tookMs < knobs.recoveryTimeout) return stay(state)
  const because = `nodes have been apart for ${Math.round(tookMs / 1_000)} s: ${current.sides.map(side => side.join(' ')).join(' | ')}`
  return {
    state: { ...state, current: { ...current, isPersonCalled: true } },
    directives: [emit(humanNeeded.of({ incident: current.id, subject: state.me, because, tried: [] }, current.id))],
  }
}

function healed({ id, sinceMs }: Partition, nodes: string[], now: number): Directive {
  return emit(partitionHealed.of({ partition: id, nodes, tookMs: elapsedMs(now, sinceMs) }, id))
}

/** Asks its like on all nodes that are here what they see, to know that all see the same again. */
function askViews(state: State): Step<State> {
  const { me, members, sessions } = state
  const key = `view-${sessions + 1}`
  const nodes = [...members.keys()].filter(node => node !== me)
  const session = askPeers(key, { session: `${me}/${key}`, role: NAME, topic: VIEW, nodes, deadlineMs: VIEW_MS })
  return {
    state: { ...state, sessions: sessions + 1, session, agreed: undefined },
    directives: [
      ...(state.session === undefined ? [] : [unmount(state.session.key)]),
      mount(session),
      schedule(VIEW_MS + 1, viewDue.of(null)),
    ],
  }
}

function onAsked(state: State, signal: SignalOf<typeof peersAsked>): Step<State> {
  const { session, role, topic } = signal.data
  if (role !== NAME || topic !== VIEW || nodeOf(signal.source) === undefined) return stay(state)
  return { state, directives: [reply(signal, peerAnswered.of({ session, answer: viewOf(state) }))] }
}

function onViews(state: State, slices: Slices): Step<State> {
  const { session } = state
  if (session === undefined) return stay(state)
  const results = slices.of(session)
  if (!results.isOver) return stay(state)
  return {
    state: { ...state, session: undefined, agreed: agreementOf(state, results) },
    directives: [unmount(session.key)],
  }
}

/** An agent that has started since does not know that there are no rights. */
function onHeartbeat(state: State, { agent, incarnation }: { agent: string; incarnation: number }): Step<State> {
  const known = state.heard.get(agent)
  if (known === incarnation || (known === undefined && state.heard.size >= AGENTS_MAX)) return stay(state)
  const heard = new Map(state.heard).set(agent, incarnation)
  const directives: Directive[] = state.rights.mayDecide ? [] : [emit(rightsChanged.of(state.rights))]
  return { state: { ...state, heard }, directives }
}

function withRights(state: State, rights: Rights): Step<State> {
  if (state.rights.mayDecide === rights.mayDecide) return stay(state)
  return { state: { ...state, rights }, directives: [emit(rightsChanged.of(rights))] }
}

function rightsOf({ verdict, because }: Verdict): Rights {
  return { mayDecide: verdict === 'keep', because }
}
