import { elapsedMs } from '../../../engine/writer.ts'
import { type Directive, emit, reply, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { type Signal, toNode } from '../../kit/grammar/signal.ts'
import { defineSkill, type Mounted } from '../../kit/grammar/skill.ts'
import { nodeOf } from '../../kit/grammar/source.ts'
import { nodeLeft } from '../../kit/member/membership-signals.ts'
import { nodeBeat, nodeHealthChanged, nodesSeen } from '../../signals/nodes.ts'
import { latenessOf, localHealthAfter, stretchOf } from '../../skills/network/local-health.ts'
import { suspicionMs } from '../../skills/network/suspicion.ts'
import { BeatBook } from './beat-book.ts'
import { lookFor, pickHelpers } from './probing.ts'
import { NODES_MAX, withRoom } from './room.ts'
import { nodeRoundTripSensor, nodeSilenceSensor } from './sensors.ts'
import {
  assistDue,
  beatDue,
  nodePinged,
  nodePonged,
  nodeSuspected,
  probeAnswered,
  probeAsked,
  probeDue,
  type Silence,
  silencesRead,
} from './signals.ts'
import { beatOf, hasNews, isNewlyHeard, seenBy } from './telling.ts'
import { type NodeWatch, put, unwell, type WatchOptions, without } from './watch-state.ts'
import { accused, become, newcomer, pinged, type Watched } from './watched.ts'

const ASSISTS_MAX = 64
/** Beats that are waited for before a newcomer says how many were there before it. */
const LISTENS_BEATS = 3
/** Refutations between two incarnations of the agent. */
const REFUTATIONS = 1_000
/** One that is dead or has left is remembered so long, in ms. */
const REMEMBERED_MS = 3_600_000
/** While it is suspected it is looked for again so often, in heartbeats. */
const AGAIN_BEATS = 2
/** Of the time of a probe a helper has, so that its word comes before that is over. */
const HELPER_SHARE = 0.8

/**
 * Watches the other nodes: beats, listens for their beats, and finds out by others before it takes silence for death.
 *
 *   beat ──▶ all        φ ≥ threshold ──▶ ping, ask helpers ──▶ nobody reaches it ──▶ suspect ──▶ dead
 *                                              └─ one does: it lives, and it is the way to it that is broken
 *
 * One that is suspected hears of it and refutes by a greater incarnation. What this node does not see because it is slow itself it holds
 * against itself: its local health makes all time longer that it gives others.
 */
export function nodeWatch(key: string, options: WatchOptions): Mounted<NodeWatch> {
  const { settings } = options
  const book = new BeatBook(settings)
  const skill = defineSkill({
    name: 'node-watch',
    listens: [nodeBeat, nodePinged, nodePonged, probeAsked, probeAnswered, nodeSuspected, nodeLeft],
    own: [beatDue, probeDue, assistDue],
    emits: [nodeBeat, nodePinged, nodePonged, probeAsked, probeAnswered, nodeSuspected, nodeHealthChanged, nodesSeen],
    sensors: [nodeSilenceSensor(book, settings), nodeRoundTripSensor],
    start: ({ node, incarnation, seed }: WatchOptions): Step<NodeWatch> => ({
      state: {
        ...{ settings, book, me: { node, incarnation: incarnation * REFUTATIONS, rank: null } },
        ...{ localHealth: 0, isTroubled: false, others: new Map(), assists: new Map(), seed, beats: 0, probes: 0 },
        turnedAway: 0,
      },
      directives: [schedule(0, beatDue.of(null))],
    }),
    decide,
    describe: ({ others, localHealth, turnedAway }) => ({ nodes: others.size, localHealth, turnedAway }),
  })
  return skill.mount(key, options)
}

/** Whoever waits for all to be here again shall not have to wait for the next beat too. */
function decide(watch: NodeWatch, signal: Signal, now: number): Step<NodeWatch> {
  const step = hear(watch, signal, now)
  if (beatDue.is(signal) || !hasNews(watch, step.state)) return step
  const isHeardAnew = [...step.state.others.values()].some(each => isNewlyHeard(watch.others.get(each.node), each))
  return {
    state: step.state,
    directives: [...step.directives, ...(isHeardAnew ? [beatOf(step.state)] : []), seenBy(step.state)],
  }
}

function hear(watch: NodeWatch, signal: Signal, now: number): Step<NodeWatch> {
  if (silencesRead.is(signal)) return onSilences(watch, signal.data, now)
  if (beatDue.is(signal)) return onBeatDue(watch)
  if (probeDue.is(signal)) return onProbeDue(watch, signal.data, now)
  if (assistDue.is(signal)) return onAssistDue(watch, signal.data.probe)
  const from = nodeOf(signal.source)
  // What is heard of one's own node is one's own ping.
  if (from === undefined || from === watch.me.node) return stay(watch)
  if (nodeBeat.is(signal)) return signal.data.node === from ? onBeat(watch, signal.data, now) : stay(watch)
  if (nodePinged.is(signal)) {
    const { incarnation } = watch.me
    return { state: watch, directives: [reply(signal, nodePonged.of({ ...signal.data, incarnation }))] }
  }
  if (nodePonged.is(signal)) return onPonged(watch, from, signal.data, now)
  if (probeAsked.is(signal)) return onProbeAsked(watch, from, signal.data, now)
  if (probeAnswered.is(signal)) return onProbeAnswered(watch, signal.data, now)
  if (nodeSuspected.is(signal)) return onSuspected(watch, from, signal.data)
  if (nodeLeft.is(signal)) return signal.data.node === from ? onLeft(watch, from, now) : stay(watch)
  return stay(watch)
}

function onBeatDue(before: NodeWatch): Step<NodeWatch> {
  const beats = before.beats + 1
  const localHealth = before.isTroubled ? before.localHealth : localHealthAfter(before.localHealth, -1)
  const ranks = [...before.others.values()].map(({ rank }) => rank ?? -1)
  const isListening = before.me.rank === null && beats <= LISTENS_BEATS
  const rank = isListening ? null : (before.me.rank ?? Math.max(-1, ...ranks) + 1)
  const watch = unwell({ ...before, beats, isTroubled: false, me: { ...before.me, rank } }, localHealth)
  const { heartbeatMs } = watch.settings
  return {
    state: watch,
    directives: [
      beatOf(watch),
      ...(watch.others.size > 0 ? [seenBy(watch)] : []),
      // Not in step with the others, and not to share a wake-up: it is regular beats that make silence tell.
      schedule(heartbeatMs, beatDue.of(null), heartbeatMs / 20),
    ],
  }
}

function onBeat(before: NodeWatch, beat: ReturnType<typeof nodeBeat.of>['data'], now: number): Step<NodeWatch> {
  const { node, incarnation, rank, hears, missing, more } = beat
  const known = before.others.get(node)
  const { watch, directives: made } = known === undefined ? withRoom(before, now) : { watch: before, directives: [] }
  if (known === undefined && watch.others.size >= NODES_MAX) return stay(watch)
  const isOld = known !== undefined && incarnation < known.incarnation
  if (isOld || (known?.state === 'left' && incarnation === known.incarnation)) return stay(watch)
  if (known !== undefined && incarnation > known.incarnation) {
    // Another life beats in a way of its own; one that only refuted goes on as it did.
    if (Math.floor(incarnation / REFUTATIONS) > Math.floor(known.incarnation / REFUTATIONS)) watch.book.forget(node)
  }
  watch.book.beat(node, now)
  const first = known ?? newcomer(node, 'left', now)
  const isNews = incarnation > first.incarnation
  const met = { ...first, incarnation, rank, hears, missing, more, isHeard: true, ...(isNews && { accusers: [] }) }
  const { after, directives } = become(met, 'alive', known === undefined ? 'it is there' : 'it is heard again', now)
  const learnt = learn(put(watch, after), hears, missing, now)
  return { state: learnt, directives: [...made, ...directives] }
}

/** Nodes that another one knows and this one did not: whoever comes late to a partition hears from its side who is missing. */
function learn(watch: NodeWatch, hears: readonly string[], missing: readonly string[], now: number): NodeWatch {
  let learnt = watch
  for (const node of [...hears, ...missing]) {
    if (node === watch.me.node || learnt.others.has(node) || learnt.others.size >= NODES_MAX) continue
    if (hears.includes(node)) watch.book.vouch(node, now)
    learnt = put(learnt, newcomer(node, hears.includes(node) ? 'alive' : 'dead', now))
  }
  return learnt
}

/** With a look at all silences at hand: who is silent is looked for, who was suspected for long enough is dead. */
function onSilences(
  before: NodeWatch,
  { silences, lateMs }: { readonly silences: readonly Silence[]; readonly lateMs: number },
  now: number,
): Step<NodeWatch> {
  const { settings } = before
  const lateness = latenessOf(lateMs, settings.heartbeatMs)
  if (lateness > 0) return stay(pardonAll(before, lateMs, lateness))
  let watch = before
  const directives: Directive[] = []
  for (const { node, silenceMs, phi, isHeard } of silences) {
    const known = watch.others.get(node)
    if (known === undefined) continue
    const seen = { ...known, phi, silenceMs, isHeard }
    watch = put(watch, seen)
    const step = judge(watch, seen, now)
    watch = step.state
    directives.push(...step.directives)
  }
  for (const each of watch.others.values()) {
    const { node, state, sinceMs } = each
    const isGone = state === 'dead' || state === 'left'
    if (!isGone || elapsedMs(now, sinceMs) < REMEMBERED_MS) continue
    watch.book.forget(node)
    // Whoever waits for it to come back waits no longer.
    directives.push(...become(each, 'left', 'it has been dead for too long', now).directives)
    watch = { ...watch, others: without(watch.others, node) }
  }
  return { state: watch, directives }
}

/** It was not the others that were silent: it was this node that did not listen. */
function pardonAll(before: NodeWatch, lateMs: number, lateness: number): NodeWatch {
  before.book.pardon(lateMs)
  const later = (each: Watched): Watched =>
    each.state === 'suspect' ? { ...each, sinceMs: (each.sinceMs + lateMs) | 0 } : each
  const others = new Map([...before.others].map(([node, each]) => [node, later(each)]))
  return unwell({ ...before, others, isTroubled: true }, localHealthAfter(before.localHealth, lateness))
}

function judge(watch: NodeWatch, seen: Watched, now: number): Step<NodeWatch> {
  const { settings, localHealth } = watch
  if (seen.probe !== undefined) return stay(watch)
  if (seen.state === 'alive') {
    const isSilent = seen.phi >= settings.threshold || seen.silenceMs >= settings.ceilingMs
    return isSilent ? probe(watch, seen, now) : stay(watch)
  }
  if (seen.state !== 'suspect') return stay(watch)
  const members = [...watch.others.values()].filter(({ state }) => state === 'alive' || state === 'suspect').length + 1
  const forMs = suspicionMs(settings.suspicion, members, seen.accusers.length) * stretchOf(localHealth)
  const suspectedMs = elapsedMs(now, seen.sinceMs)
  if (suspectedMs >= forMs || seen.silenceMs >= settings.ceilingMs + forMs) {
    const reason = `silent for ${Math.round(seen.silenceMs)} ms, and ${seen.accusers.length} others say the same`
    const { after, directives } = become(seen, 'dead', reason, now)
    return { state: put(watch, after), directives }
  }
  const isDue = elapsedMs(now, seen.probedMs) >= AGAIN_BEATS * settings.heartbeatMs
  return isDue ? probe(watch, seen, now) : stay(watch)
}

function probe(before: NodeWatch, subject: Watched, now: number): Step<NodeWatch> {
  const { helpers: count } = before.settings
  const { helpers, seed } = pickHelpers([...before.others.values()], subject.node, count, before.seed)
  const probes = before.probes + 1
  const id = `${before.me.node}:${before.me.incarnation}:${probes}`
  const { after, directives } = lookFor(subject, id, helpers, before.settings, before.localHealth, now)
  return { state: put({ ...before, seed, probes }, after), directives }
}

/** Nobody has reached it in time. */
function onProbeDue(
  before: NodeWatch,
  { probe: id, subject }: { readonly probe: string; readonly subject: string },
  now: number,
): Step<NodeWatch> {
  const known = before.others.get(subject)
  if (known?.probe?.id !== id) return stay(before)
  const { helpers, nacks } = known.probe
  const trouble = helpers === 0 ? 1 : helpers - nacks
  const health = localHealthAfter(before.localHealth, trouble)
  const watch = unwell({ ...before, isTroubled: before.isTroubled || trouble > 0 }, health)
  if (known.state !== 'alive') return stay(put(watch, { ...known, probe: undefined }))
  const reason = `silent for ${Math.round(known.silenceMs)} ms, and none of ${helpers} helpers reaches it`
  const { after, directives } = become(known, 'suspect', reason, now)
  const { incarnation } = known
  return {
    state: put(watch, after),
    directives: [...directives, emit(nodeSuspected.of({ subject, incarnation }, subject))],
  }
}

function onPonged(
  watch: NodeWatch,
  from: string,
  { probe: id, sentMs, incarnation }: { readonly probe: string; readonly sentMs: number; readonly incarnation: number },
  now: number,
): Step<NodeWatch> {
  const known = watch.others.get(from)
  if (known === undefined || known.state === 'left' || incarnation < known.incarnation) return stay(watch)
  watch.book.hear(from, now)
  const heard = { ...known, isHeard: true }
  const timed = id === '' ? pinged(heard, sentMs, now) : heard
  const { after, directives } = become(timed, 'alive', 'it answers', now)
  const assist = watch.assists.get(id)
  const answered = put(watch, after)
  if (assist?.subject !== from) return { state: answered, directives }
  const word = probeAnswered.of({ probe: id, subject: from, isReached: true, incarnation })
  return {
    state: { ...answered, assists: without(watch.assists, id) },
    directives: [...directives, emit(toNode(assist.asker, word))],
  }
}

function onProbeAsked(
  watch: NodeWatch,
  asker: string,
  { probe: id, subject }: { readonly probe: string; readonly subject: string },
  now: number,
): Step<NodeWatch> {
  if (subject === watch.me.node || watch.assists.size >= ASSISTS_MAX) return stay(watch)
  return {
    state: { ...watch, assists: new Map(watch.assists).set(id, { asker, subject }) },
    directives: [
      emit(toNode(subject, nodePinged.of({ probe: id, sentMs: now }))),
      schedule(watch.settings.probeTimeoutMs * HELPER_SHARE, assistDue.of({ probe: id })),
    ],
  }
}

function onAssistDue(watch: NodeWatch, id: string): Step<NodeWatch> {
  const assist = watch.assists.get(id)
  if (assist === undefined) return stay(watch)
  const { asker, subject } = assist
  const word = probeAnswered.of({ probe: id, subject, isReached: false, incarnation: 0 })
  return { state: { ...watch, assists: without(watch.assists, id) }, directives: [emit(toNode(asker, word))] }
}

function onProbeAnswered(
  watch: NodeWatch,
  { probe: id, subject, isReached, incarnation }: ReturnType<typeof probeAnswered.of>['data'],
  now: number,
): Step<NodeWatch> {
  const known = watch.others.get(subject)
  if (known?.probe?.id !== id) return stay(watch)
  if (!isReached) return stay(put(watch, { ...known, probe: { ...known.probe, nacks: known.probe.nacks + 1 } }))
  if (incarnation < known.incarnation) return stay(watch)
  watch.book.vouch(subject, now)
  const { after, directives } = become({ ...known, incarnation }, 'alive', 'another node reaches it', now)
  // It lives, and this node does not hear it: something is wrong with this one, or on its way.
  const health = localHealthAfter(watch.localHealth, 1)
  return { state: unwell({ ...put(watch, after), isTroubled: true }, health), directives }
}

function onSuspected(
  watch: NodeWatch,
  by: string,
  { subject, incarnation }: { readonly subject: string; readonly incarnation: number },
): Step<NodeWatch> {
  const { me } = watch
  if (subject !== me.node) {
    const known = watch.others.get(subject)
    return stay(known === undefined ? watch : put(watch, accused(known, by, incarnation)))
  }
  if (incarnation < me.incarnation) return { state: watch, directives: [beatOf(watch)] }
  const refuted = { ...watch, isTroubled: true, me: { ...me, incarnation: incarnation + 1 } }
  const after = unwell(refuted, localHealthAfter(watch.localHealth, 1))
  return { state: after, directives: [beatOf(after)] }
}

function onLeft(watch: NodeWatch, node: string, now: number): Step<NodeWatch> {
  const known = watch.others.get(node)
  if (known === undefined) return stay(watch)
  watch.book.forget(node)
  const { after, directives } = become({ ...known, isHeard: false }, 'left', 'it said goodbye', now)
  return { state: put(watch, after), directives }
}
