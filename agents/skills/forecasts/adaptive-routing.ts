import { elapsedMs } from '../../../engine/writer.ts'
import {
  act,
  type Directive,
  emit,
  type Step,
  schedule,
  stay,
  writeEndpoint,
  writeService,
} from '../../kit/grammar/directive.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../../kit/tables.ts'
import { type LatencyForecast, latencyForecasted, type Settled, settledBatch, tunableChanged } from '../../signals.ts'
import { medianOf } from '../theil-sen.ts'
import {
  addBatch,
  addErrors,
  beginSecond,
  fade,
  levelOf,
  meanSquare,
  newTrack,
  noErrors,
  type Track,
  withFailures,
} from './latency-track.ts'
import { pooled } from './pooling.ts'
import { learnTrust, NO_TRUST, type Trust, trustIn } from './trust.ts'

export interface RoutingOptions {
  /** What is of late, ms: the time constant of levels where `tunableChanged` has said nothing else. */
  readonly halfLifeMs: number
}

export interface Routing extends RoutingOptions {
  /** By service, what was said since. */
  readonly halfLives: ReadonlyMap<string, number>
  /** By row; changed in place, see there. */
  readonly tracks: Map<number, Known>
  /** As seen last, those that go by forecasts. */
  readonly services: readonly ServiceView[]
  readonly tablesMs: number
  /** By name of service. */
  readonly trusts: ReadonlyMap<string, Trust>
  /** By name of service. */
  readonly middles: ReadonlyMap<string, Middle>
  /** Where in its rows each service goes on being told of, where there are more than can be told in a second. */
  readonly next: number
}

interface Known {
  readonly track: Track
  readonly service: string
}

/** What the endpoints of a service have in common. */
interface Middle {
  /** The median of their levels, a logarithm of µs. */
  readonly level: number
  /** Variance of one request's latency in shares of the mean. */
  readonly spread: number
}

const secondDue = defineSignal('signalbox.forecast.scheduled')

/** The tunable of it. */
export const HALF_LIFE = 'half-life'

const SECOND_MS = 1000
/** From one look at the tables to the next: who has come since is forecast that much later. */
const LOOK_MS = 5000
/** A forecast is told again so often at least, for adaptive forgets it after five seconds. */
const REPEAT_MS = 3000
/** Words written in a second, so that ten thousand endpoints are told of within four. */
const WRITES_MAX = 2500
/** Rows of a signal. */
const TOLD_MAX = 256
/** A change that is smaller is within one of adaptive's steps. */
const CHANGE = 0.02
/** So long without a request nothing is forecast. */
const IDLE_MS_MAX = 60_000
/** A forecast that is so far from what was told is told at once. */
const FAR = 0.1
/** A second with fewer answers says nothing of an endpoint. */
const OKS_MIN = 3
/** Log-normal with a coefficient of variation of 1: what services look like before anything was seen of them. */
const SPREAD = 1
const SPREAD_MEMORY_S = 30
/** The median of a squared standard normal number. */
const MEDIAN_OF_SQUARES = 0.455

/**
 * Adaptive routing: forecasts each second how long each endpoint will take in the next, and learns how far that is to be believed.
 *
 *   requests ──▶ seconds ──▶ level ──▶ pooled over the service ──▶ ÷ success ──▶ endpoint.FORECAST ─┐
 *      │                                    │                                                       ├──▶ adaptive picks
 *      └──▶ as peak-ewma measures them ─────┴──▶ whose error was smaller? ──▶ service.TRUST ────────┘
 *
 * Compared is what a pick asks: which endpoint is slower than the others, and by how much. So the errors are those of logarithms, less
 * their mean over the endpoints of the service. Where forecasts do worse than measuring for ten seconds they are left out, and adaptive is
 * peak-ewma; they come back when they have been better for half a minute in the shadow.
 *
 * Words of the tables: endpoint.FORECAST, service.TRUST, which its agent must own.
 */
export const adaptiveRouting = defineSkill({
  name: 'adaptive-routing',
  listens: [settledBatch, tunableChanged],
  overhears: [tunableChanged],
  own: [secondDue],
  emits: [latencyForecasted],
  actions: [lookAtTables],
  start: (options: RoutingOptions, { now }): Step<Routing> => ({
    state: {
      ...{ ...options, halfLives: new Map(), tracks: new Map(), services: [], tablesMs: now },
      ...{ trusts: new Map(), middles: new Map(), next: 0 },
    },
    directives: [act(lookAtTables, undefined), schedule(SECOND_MS, secondDue.of(null))],
  }),
  decide(state, signal, now) {
    if (settledBatch.is(signal)) return onSettled(state, signal.data.rows, now)
    if (tablesSeen.is(signal)) return stay(onTables(state, signal.data, now))
    if (tunableChanged.is(signal)) {
      const { service, tunable, value } = signal.data
      return stay(tunable === HALF_LIFE ? { ...state, halfLives: new Map(state.halfLives).set(service, value) } : state)
    }
    const directives: Directive[] = [schedule(SECOND_MS, secondDue.of(null))]
    if (elapsedMs(now, state.tablesMs) >= LOOK_MS) directives.push(act(lookAtTables, undefined))
    const { state: after, directives: told } = onSecond(state, now)
    return { state: after, directives: [...directives, ...told] }
  },
})

/** Who was settled is forecast anew, by what is known of the others; who turns out to be far off is told of at once. */
function onSettled(state: Routing, rows: readonly Settled[], now: number): Step<Routing> {
  const directives: Directive[] = []
  for (const settled of rows) {
    const known = state.tracks.get(settled.row)
    // Not seen in the tables yet: the next batch will do.
    if (known?.track.generation !== settled.generation) continue
    const { track, service } = known
    addBatch(track, settled, halfLifeOf(state, service), now)
    const middle = state.middles.get(service)
    if (middle === undefined || track.writtenUs === 0) continue
    forecast(track, middle)
    if (Math.abs(track.forecastUs - track.writtenUs) > FAR * track.writtenUs) directives.push(tell(track, now))
  }
  return { state, directives }
}

/** Who is new is known from now on, who is gone is forgotten. */
function onTables(state: Routing, { services: all }: TablesView, now: number): Routing {
  const services = all.filter(goesByForecasts)
  const rows = new Set<number>()
  for (const { name: service, endpoints } of services) {
    for (const { row, generation } of endpoints) {
      rows.add(row)
      if (state.tracks.get(row)?.track.generation === generation) continue
      state.tracks.set(row, { track: newTrack(row, generation, now), service })
    }
  }
  for (const row of state.tracks.keys()) if (!rows.has(row)) state.tracks.delete(row)
  const names = new Set(services.map(({ name }) => name))
  const kept = <Value>(map: ReadonlyMap<string, Value>) => new Map([...map].filter(([name]) => names.has(name)))
  return {
    ...state,
    services,
    tablesMs: now,
    halfLives: kept(state.halfLives),
    trusts: kept(state.trusts),
    middles: kept(state.middles),
  }
}

/** Whether anybody reads forecasts of it: nobody else is worth the work. What sticky picks new sessions by may be adaptive. */
function goesByForecasts({ policy, policyInstead }: ServiceView): boolean {
  return policy === 'adaptive' || policy === 'sticky' || policyInstead !== 0
}

function onSecond(state: Routing, now: number): Step<Routing> {
  const trusts = new Map(state.trusts)
  const middles = new Map(state.middles)
  const directives: Directive[] = []
  const due: Track[] = []
  for (const { name, index, endpoints } of state.services) {
    const tracks: Track[] = []
    for (const { row } of endpoints) {
      const known = state.tracks.get(row)
      if (known !== undefined) tracks.push(known.track)
    }
    const before = trusts.get(name) ?? NO_TRUST
    const { spread } = middles.get(name) ?? { spread: SPREAD }
    const after = compare(tracks, spread, before)
    trusts.set(name, after)
    const used = tracks.filter(({ settledMs }) => elapsedMs(now, settledMs) <= IDLE_MS_MAX)
    for (const track of used) fade(track, halfLifeOf(state, name), now)
    const levels = used.flatMap(track => levelOf(track, spread)?.value ?? [])
    const middle = { level: medianOf(levels), spread: spreadOf(tracks, spread) }
    middles.set(name, middle)
    for (const track of tracks) track.forecastUs = 0
    for (const track of used) forecast(track, middle)
    for (const track of used) beginSecond(track)
    for (const track of tracks) if (isDue(track, now)) due.push(track)
    const trust = trustIn(after)
    if (Math.abs(trust - trustIn(before)) > 0.005 || before === NO_TRUST) {
      directives.push(writeService('trust', index, trust))
    }
  }
  const { told, next } = write(due, state.next, now, directives)
  if (told.length > 0) directives.push(emit(latencyForecasted.of({ rows: told })))
  return { state: { ...state, trusts, middles, next }, directives }
}

function forecast(track: Track, { level: middle, spread }: Middle): void {
  const level = levelOf(track, spread)
  track.forecastUs = level === undefined ? 0 : withFailures(pooled(level, middle), track)
}

/** Which of the two was nearer to how the endpoints of a service came to differ, in the second that is over? */
function compare(tracks: readonly Track[], spread: number, before: Trust): Trust {
  const [forecast, measured] = [noErrors(), noErrors()]
  let compared = 0
  for (const { forecastErrors, measuredErrors } of tracks) {
    addErrors(forecast, forecastErrors)
    addErrors(measured, measuredErrors)
    if (forecastErrors.batches > 0) compared++
  }
  if (compared < 2) return before
  return learnTrust(before, {
    forecast: meanSquare(forecast),
    measured: meanSquare(measured),
    chance: (spread * forecast.batches) / forecast.weight,
  })
}

/** The variance of one request's latency, by how far seconds stray from the level; by the median, which a few that change do not move. */
function spreadOf(tracks: readonly Track[], before: number): number {
  const strays = tracks.flatMap(track => {
    const { ok, okSumUs, beganUs } = track
    return ok >= OKS_MIN && beganUs > 0 ? ok * (okSumUs / ok / beganUs - 1) ** 2 : []
  })
  if (strays.length === 0) return before
  const now = Math.max(0.01, Math.min(10, medianOf(strays) / MEDIAN_OF_SQUARES))
  return before + (1 - Math.exp(-1 / SPREAD_MEMORY_S)) * (now - before)
}

function isDue({ forecastUs, writtenUs, writtenMs }: Track, now: number): boolean {
  if (forecastUs === 0) return writtenUs !== 0
  const isSame = Math.abs(forecastUs - writtenUs) <= CHANGE * writtenUs
  return !isSame || elapsedMs(now, writtenMs) >= REPEAT_MS
}

/** Writes what is due, those that had to wait the last time first. */
function write(
  due: readonly Track[],
  from: number,
  now: number,
  directives: Directive[],
): { told: LatencyForecast[]; next: number } {
  const first =
    due.length <= WRITES_MAX
      ? 0
      : Math.max(
          0,
          due.findIndex(({ row }) => row >= from),
        )
  const told: LatencyForecast[] = []
  const many = Math.min(due.length, WRITES_MAX)
  for (let i = 0; i < many; i++) {
    const track = due[(first + i) % due.length]!
    const { row, generation, forecastUs } = track
    directives.push(tell(track, now))
    if (told.length < TOLD_MAX) told.push({ row, generation, latencyUs: forecastUs, horizonMs: SECOND_MS })
  }
  return { told, next: many < due.length ? due[(first + many) % due.length]!.row : 0 }
}

function tell(track: Track, now: number): Directive {
  track.writtenUs = track.forecastUs
  track.writtenMs = now
  return writeEndpoint('forecastUs', track, track.forecastUs)
}

function halfLifeOf({ halfLives, halfLifeMs }: Routing, service: string): number {
  return halfLives.get(service) ?? halfLifeMs
}

/** How far forecasts of a service are believed now, for people. */
export function trustOf({ trusts }: Routing, { name }: Pick<ServiceView, 'name'>): number {
  return trustIn(trusts.get(name) ?? NO_TRUST)
}
