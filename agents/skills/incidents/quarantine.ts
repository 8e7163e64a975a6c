import { type Config, HEALTH_UNHEALTHY, ISOLATED, upstreamTextOf } from '../../../engine/writer.ts'
import { rollDie } from '../../kit/dice.ts'
import type { Setup } from '../../kit/grammar/agent.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeEndpoint } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { lookAtTables, type TablesView } from '../../kit/tables.ts'
import {
  ejectedChecked,
  endpointQuarantined,
  endpointReleased,
  type QuarantineReason,
  quarantineDecided,
  quarantineRefused,
  quarantineRequested,
  releaseRequested,
} from '../../signals.ts'
import {
  beforeOf,
  type Entry,
  entryIn,
  entryOf,
  fenceOf,
  forget,
  isSameRow,
  leftMs,
  NOBODY,
  put,
  type QuarantineList,
  release,
} from './quarantine-list.ts'
import { quarantineMs } from './quarantine-time.ts'
import { reachEndpoint } from './reach.ts'
import { type Isolated, lookAtIsolated, lookingAt, type Sight } from './sight.ts'
import { type Named, subjectOf } from './subject.ts'

type Because = 'recovered' | 'expired' | 'outvoted' | 'asked'

/** What an endpoint is to be kept out for: somebody has asked, or a decision says so. */
interface Wish extends Named {
  readonly reason: QuarantineReason
  readonly by: string
  /** Of the decision; null where none is followed. */
  readonly decided: { readonly fence: number; readonly forMs: number; readonly proposal: string | null } | null
}

/** What the tables are looked at for. */
type About =
  | { readonly to: 'isolate'; readonly wish: Wish }
  | { readonly to: 'verify'; readonly entry: Entry }
  | { readonly to: 'release'; readonly named: Named }

const look = lookingAt<About, 'quarantine'>('quarantine')

/** To itself: the time of an endpoint is up. */
const endDue = defineSignal('signalbox.quarantine.end-scheduled', { data: trusted<Named & { round: number }>() })
/** To itself: time to see how those who are kept out are. */
const watchDue = defineSignal('signalbox.quarantine.watch-scheduled')

/** While anybody is kept out, in ms. */
const WATCH_MS = 1_000
/** Connections that are tried at a time, of those whose services have no checks. */
const REACHES_MAX = 50

export interface Quarantine {
  readonly services: Config['services']
  readonly knobs: Config['agents']['health-monitor']['quarantine']
  readonly list: QuarantineList
  readonly seed: number
  readonly rounds: number
  readonly isWatching: boolean
  /** Times that connections were tried. */
  readonly tried: number
}

/**
 * Keeps endpoints out until they are shown to be well.
 *
 *   asked ──▶ bar ISOLATED, at once ──▶ does it stand? ──no──▶ refused: too many are out, or it is the last
 *                                            │ yes
 *                                            ▼
 *             ┌──────────── local ──────────────────────────────┐
 *             │ nobody else to ask     others agree             │ others disagree
 *             ▼                           ▼                     ▼
 *           alone                     confirmed              released (outvoted)
 *             └─────────┬─────────────────┘
 *                       ▼
 *   released   recovered: checks have passed `passes` times in a row · expired: its time is up · asked: somebody lets it back
 *
 * Who failed checks is back as soon as they pass. Who flaps, has strange figures, is not to be trusted, or failed at requests alone, stays for its
 * time, for checks do not see what it is out for; it is recovered in the end when the last of them have passed. Who is being repaired stays until
 * whoever repairs it lets it back. Asked again, an endpoint is kept out for longer,
 * by the same entry. What others decide is followed here too, each decision once.
 *
 * Where its service has health checks, they go on four times as often, and tell; where it has none, a connection a second is tried.
 *
 * restart    the bars stand, and who has one and no entry is taken over with the time of one that failed
 */
export const quarantine = defineSkill({
  name: 'quarantine',
  listens: [quarantineRequested, releaseRequested, quarantineDecided, ejectedChecked],
  overhears: [quarantineRequested, releaseRequested, quarantineDecided, ejectedChecked],
  own: [endDue, watchDue],
  emits: [endpointQuarantined, quarantineRefused, endpointReleased],
  actions: [look, lookAtTables, lookAtIsolated, reachEndpoint],
  start: (_: undefined, { config, seed }: Setup): Step<Quarantine> => ({
    state: { ...knobsOf(config), list: NOBODY, seed, rounds: 0, isWatching: false, tried: 0 },
    directives: [act(lookAtTables, undefined)],
  }),
  reload: (slice, config) => stay({ ...slice, ...knobsOf(config) }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.endpoint.quarantine':
        return lookTo(slice, { ...signal.data, decided: null })
      case 'signalbox.endpoint.quarantine-decided':
        return onDecided(slice, signal.data, now)
      case 'signalbox.endpoint.release':
        return { state: slice, directives: [lookAt(signal.data, { to: 'release', named: signal.data })] }
      case 'signalbox.quarantine.seen':
        return onSeen(slice, signal.data.about, signal.data.sight, now)
      case 'signalbox.isolated.seen':
        return watch(slice, signal.data.rows, now)
      case 'signalbox.tables.seen':
        return adopt(slice, signal.data, now)
      case 'signalbox.endpoint.ejected-checked':
        return onChecked(slice, entryOf(slice.list, signal.data, signal.data.generation), signal.data.hasPassed, now)
      case 'signalbox.endpoint.reached':
        return onChecked(slice, entryIn(slice.list, signal.data), signal.data.hasPassed, now)
      case 'signalbox.quarantine.end-scheduled':
        return onEnd(slice, signal.data, now)
      case 'signalbox.quarantine.watch-scheduled':
        return onWatch(slice)
    }
  },
  describe: ({ list }) => ({ isolated: list.entries.size, entries: [...list.entries.values()].slice(0, SHOWN_MAX) }),
})

const SHOWN_MAX = 100

function knobsOf({ services, agents }: Config): Pick<Quarantine, 'services' | 'knobs'> {
  return { services, knobs: agents['health-monitor'].quarantine }
}

function lookAt({ service, id }: Named, about: About): Directive {
  return act(look, { named: { service, id }, about })
}

function lookTo(slice: Quarantine, wish: Wish): Step<Quarantine> {
  return { state: slice, directives: [lookAt(wish, { to: 'isolate', wish })] }
}

function onSeen(slice: Quarantine, about: About, sight: Sight | undefined, now: number): Step<Quarantine> {
  switch (about.to) {
    case 'isolate':
      return isolate(slice, about.wish, sight, now)
    case 'verify':
      return verify(slice, about.entry, sight, now)
    case 'release': {
      const entry = entryOf(slice.list, about.named)
      if (entry !== undefined) return letBack(slice, entry, 'asked', now)
      return { state: slice, directives: sight === undefined ? [] : [writeEndpoint('isolatedBar', sight, 0)] }
    }
  }
}

/** Sets the bar, and looks whether it stands; one that is kept out already is kept out for longer. */
function isolate(slice: Quarantine, wish: Wish, endpoint: Sight | undefined, now: number): Step<Quarantine> {
  const { service, id, by, decided } = wish
  if (endpoint === undefined) return refuse(slice, wish, 'unknown')
  const { row, generation } = endpoint
  const known = entryOf(slice.list, wish, generation)
  // What it is out for already is no less because it has failed besides.
  const reason = known !== undefined && wish.reason === 'failed' ? known.reason : wish.reason
  const before = beforeOf(slice.list, wish, now)
  const die = rollDie(slice.seed)
  const forMs = decided?.forMs ?? quarantineMs(slice.knobs, reason, before, die.value)
  const rounds = slice.rounds + 1
  const entry: Entry = {
    ...{ row, generation, service, id, reason, by, sinceMs: now, forMs, passes: 0, round: rounds },
    hasFailed: known?.hasFailed === true || endpoint.health === HEALTH_UNHEALTHY,
    times: known?.times ?? before.times + 1,
    standing: decided === null ? (known?.standing ?? 'local') : 'confirmed',
    fence: decided?.fence ?? known?.fence ?? 0,
    proposal: decided?.proposal ?? known?.proposal ?? null,
  }
  const after = { ...slice, seed: die.seed, rounds }
  // Never shorter than it would have been.
  if (known !== undefined && leftMs(known, now) > forMs)
    return stay({ ...slice, list: put(slice.list, { ...known, reason }) })
  return {
    state: after,
    directives: [writeEndpoint('isolatedBar', endpoint, 1), lookAt(wish, { to: 'verify', entry })],
  }
}

/** The rules of publication may have refused the bar: then nothing has changed. */
function verify(slice: Quarantine, entry: Entry, sight: Sight | undefined, now: number): Step<Quarantine> {
  if (sight === undefined || !isSameRow(sight, entry)) return refuse(slice, entry, 'unknown')
  // Who was in the way may have made room since.
  if ((sight.bars & ISOLATED) === 0) return refuse(slice, entry, sight.refusal ?? 'too-many-out')
  return enter(slice, entry, now)
}

function enter(slice: Quarantine, entry: Entry, now: number): Step<Quarantine> {
  const { service, id, round } = entry
  const directives: Directive[] = [
    tell(entry),
    schedule(Math.max(0, leftMs(entry, now)), endDue.of({ service, id, round })),
  ]
  if (!slice.isWatching) directives.push(schedule(WATCH_MS, watchDue.of(null)))
  return { state: { ...slice, list: put(slice.list, entry), isWatching: true }, directives }
}

function tell(entry: Entry): Directive {
  const { row, generation, service, id, reason, by, standing, forMs, times, proposal } = entry
  return emit(
    endpointQuarantined.of(
      { row, generation, service, id, reason, by, standing, forMs, times, proposal },
      subjectOf(entry),
    ),
  )
}

function refuse(slice: Quarantine, { service, id }: Named, because: 'unknown' | 'too-many-out' | 'last-routable') {
  return { state: slice, directives: [emit(quarantineRefused.of({ service, id, because }, `${service}/${id}`))] }
}

/** What the others think of it, or of one that was not kept out here so far. */
function onDecided(
  slice: Quarantine,
  decided: SignalOf<typeof quarantineDecided>['data'],
  now: number,
): Step<Quarantine> {
  const { status, fence, proposal, forMs } = decided
  const entry = entryOf(slice.list, decided)
  if (status === 'alone') {
    if (entry?.standing !== 'local') return stay(slice)
    const alone: Entry = { ...entry, standing: 'alone' }
    return { state: { ...slice, list: put(slice.list, alone) }, directives: [tell(alone)] }
  }
  // An outcome that is unknown says nothing, and an older one than was followed last says it of another time.
  if ((status !== 'accepted' && status !== 'rejected') || fence <= fenceOf(slice.list, decided)) return stay(slice)
  if (status === 'accepted') {
    if (entry === undefined) return lookTo(slice, { ...decided, decided: { fence, forMs, proposal } })
    const confirmed: Entry = { ...entry, standing: 'confirmed', fence, proposal }
    return { state: { ...slice, list: put(slice.list, confirmed) }, directives: [tell(confirmed)] }
  }
  if (entry === undefined) return stay(slice)
  return letBack(slice, { ...entry, fence }, 'outvoted', now)
}

/** Counts checks in a row that it passes. */
function onChecked(slice: Quarantine, entry: Entry | undefined, hasPassed: boolean, now: number): Step<Quarantine> {
  if (entry === undefined) return stay(slice)
  const passes = hasPassed ? Math.min(entry.passes + 1, slice.knobs.passes) : 0
  const hasFailed = entry.hasFailed || !hasPassed
  if (passes === entry.passes && hasFailed === entry.hasFailed) return stay(slice)
  const after: Entry = { ...entry, passes, hasFailed }
  if (after.reason === 'failed' && hasFailed && passes >= slice.knobs.passes)
    return letBack(slice, after, 'recovered', now)
  return stay({ ...slice, list: put(slice.list, after) })
}

function onEnd(slice: Quarantine, { round, ...named }: Named & { readonly round: number }, now: number) {
  const entry = entryOf(slice.list, named)
  if (entry?.round !== round) return stay(slice)
  return letBack(slice, entry, entry.passes >= slice.knobs.passes ? 'recovered' : 'expired', now)
}

function letBack(slice: Quarantine, entry: Entry, because: Because, now: number): Step<Quarantine> {
  const { row, generation, service, id } = entry
  return {
    state: { ...slice, list: release(slice.list, entry, now) },
    // Before the bar falls: who sees it pickable knows that it has just come back.
    directives: [
      emit(endpointReleased.of({ row, generation, service, id, because }, subjectOf(entry))),
      writeEndpoint('isolatedBar', entry, 0),
    ],
  }
}

/** An earlier incarnation, or a process before this one, has kept these out. */
function adopt(slice: Quarantine, { services }: TablesView, now: number): Step<Quarantine> {
  let state = slice
  const directives: Directive[] = []
  for (const { name: service, endpoints } of services) {
    for (const { row, generation, id, bars, health } of endpoints) {
      if ((bars & ISOLATED) === 0 || entryOf(state.list, { service, id }, generation) !== undefined) continue
      const die = rollDie(state.seed)
      const forMs = quarantineMs(state.knobs, 'failed', { times: 0, relapsedFromMs: undefined }, die.value)
      const rounds = state.rounds + 1
      const step = enter(
        { ...state, seed: die.seed, rounds },
        {
          ...{ row, generation, service, id, reason: 'failed', by: 'an earlier life', standing: 'local' },
          ...{ sinceMs: now, forMs, times: 1, fence: 0, proposal: null, passes: 0, round: rounds },
          hasFailed: health === HEALTH_UNHEALTHY,
        },
        now,
      )
      state = step.state
      directives.push(...step.directives)
    }
  }
  return { state, directives }
}

function onWatch(slice: Quarantine): Step<Quarantine> {
  const { entries } = slice.list
  if (entries.size === 0) return stay({ ...slice, isWatching: false })
  const rows = [...entries.values()].map(({ row, generation }) => ({ row, generation }))
  return { state: slice, directives: [act(lookAtIsolated, { rows }), schedule(WATCH_MS, watchDue.of(null))] }
}

/** Forgets who has gone, sees who was let back by another hand, and tries some of those who have no checks. */
function watch(slice: Quarantine, there: readonly Isolated[], now: number): Step<Quarantine> {
  const byRow = new Map(there.map(each => [each.row, each]))
  const unchecked: Directive[] = []
  const directives: Directive[] = []
  let state = slice
  for (const entry of slice.list.entries.values()) {
    const endpoint = byRow.get(entry.row)
    if (endpoint === undefined || !isSameRow(endpoint, entry)) {
      state = { ...state, list: forget(state.list, entry) }
    } else if (!endpoint.isIsolated) {
      const step = letBack(state, entry, 'asked', now)
      state = step.state
      directives.push(...step.directives)
    } else if (serviceOf(slice, entry)?.healthCheck === undefined) unchecked.push(reach(slice, entry, endpoint.url))
  }
  // With more than can be tried at a time each has its turn.
  const from = (slice.tried * REACHES_MAX) % Math.max(1, unchecked.length)
  directives.push(...unchecked.slice(from, from + REACHES_MAX))
  return { state: { ...state, tried: slice.tried + 1 }, directives }
}

function reach(slice: Quarantine, { row, generation, service, id }: Entry, url: string): Directive {
  const config = serviceOf(slice, { service, id })
  const upstream = config && upstreamTextOf(config)
  // 0 is no limit of requests, and none for us.
  const timeoutMs = config?.timeouts.connect || WATCH_MS
  return act(reachEndpoint, { row, generation, url, timeoutMs, ...(upstream && { upstream }) })
}

function serviceOf({ services }: Quarantine, { service }: Named): Config['services'][string] | undefined {
  return Object.hasOwn(services, service) ? services[service] : undefined
}
