import { ALL_BARS, type Config, EJECTED, elapsedMs } from '../../engine/writer.ts'
import { rollDie } from '../kit/dice.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeEndpoint } from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { type EndpointView, lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../kit/tables.ts'
import {
  type EjectedChecked,
  ejectedChecked,
  endpointEjected,
  endpointReturned,
  healthChanged,
  latenciesCounted,
  settledBatch,
} from '../signals.ts'
import { drain } from './actions.ts'
import { sumUp } from './batch.ts'
import { NO_STREAKS } from './consecutive.ts'
import { mayEject, type Outlier } from './ejection.ts'
import { type Charge, judgeInterval, wantedBy } from './judgement.ts'
import { LatencyCounts } from './latency-counts.ts'
import { Ledger } from './ledger.ts'
import { listenForSilence } from './listen-for-silence.ts'
import { eject, forgive, prolong, release, type Sentence, sentenceOf, usualOf } from './sentence.ts'
import { type Drained, drainDue, intervalDue, outcomesDrained, silenceHeard, tickDue } from './signals.ts'
import { SilenceWatch, type Silent } from './silence.ts'
import { type Suspect, suspectAfter } from './suspect.ts'

export interface State {
  readonly services: Config['services']
  readonly seed: number
  /** Settings by index of service, as last seen in the tables. */
  readonly outliers: readonly (Outlier | undefined)[]
  /** By row. */
  readonly suspects: ReadonlyMap<number, Suspect>
  readonly sentences: ReadonlyMap<number, Sentence>
  /** Sums of the interval under way. Changed in place, see there. */
  readonly ledger: Ledger
  /** Latencies that were not told yet. Changed in place, see there. */
  readonly latencies: LatencyCounts
  /** Who keeps requests waiting. Changed in place, see there. */
  readonly silences: SilenceWatch
  /** Services whose interval is over and whose endpoints are compared with the next look. */
  readonly due: ReadonlySet<string>
  /** By service whose endpoints are compared at intervals: the reload that began the intervals, 0 for the start. */
  readonly rounds: ReadonlyMap<string, number>
  readonly reloads: number
  /** What was drained since the last batch was sent. */
  readonly unsent: readonly (readonly Drained[])[]
  readonly ticks: number
}

/** From one drain to the next where something failed: an ejection acts within some ms of the failure that called for it. */
const DRAIN_MS = 5
/** Where all is well: of the first failure is known that much later at most, and a drain costs a fifth of a ms, however little it finds. */
const CALM_MS = 20
/** More than this in one drain is much for a ring, which keeps 4096 by default: then it is emptied as often as can be. */
const CALM_OUTCOMES_MAX = 512
/** Between two looks at whose time is up; also the pace of settled batches. */
const TICK_MS = 100
/** Every so many ticks the structure is looked at without cause, so that who is gone is forgotten, and latencies are told. */
const TICKS_A_LOOK = 10

/**
 * Failure detector: sees by the traffic alone that an endpoint fails or lags, takes it out for a while, and forgives.
 *
 * Intuition  one failure is an accident; so many in a row without a success between, on whichever threads, are the
 *            endpoint's fault. What fails now and then is found by comparing: once an interval, its rate of success with
 *            that of all, its failures with a fixed share, its latency with the median of the others. Each time it is
 *            out for longer; each healthy interval afterwards is put to its credit.
 * listens    signalbox.endpoint.health-changed · signalbox.endpoint.ejected-checked
 * emits      signalbox.endpoint.{ejected, returned, settled-batch, latencies-counted}
 * writes     the bar EJECTED · endpoint.EJECTED_UNTIL_MS · endpoint.EJECTIONS
 * never      ejects more than `outlier.maxEjected` of a service nor half of it (one is always allowed), nor the last that
 *            can be picked
 * reload     ejections stand until their time is up; what is judged from now on is judged by the new settings
 * restart    permanent; who is ejected, until when and how often is in the tables, so they return in time. Failures
 *            counted so far, the interval under way and outcomes not yet drained are lost
 */
export const failureDetector = defineAgent({
  name: 'failure-detector',
  role: 'failure-detector',
  listens: [healthChanged, ejectedChecked],
  own: [drainDue, tickDue, intervalDue],
  emits: [endpointEjected, endpointReturned, settledBatch, latenciesCounted],
  writes: ['ejectedBar', 'ejectedUntilMs', 'ejections'],
  actions: [lookAtTables, drain, listenForSilence],
  start: ({ config, seed }) => begin(config, seed),
  reload,
  decide,
})

export default failureDetector

function begin(config: Config, seed: number): Step<State> {
  const silences = new SilenceWatch()
  return {
    state: {
      services: config.services,
      rounds: new Map(comparedIn(config).map(service => [service, 0])),
      reloads: 0,
      seed,
      outliers: [],
      suspects: new Map(),
      sentences: new Map(),
      ledger: new Ledger(),
      latencies: new LatencyCounts(),
      silences,
      due: new Set(),
      unsent: [],
      ticks: 0,
    },
    directives: [
      act(lookAtTables, undefined),
      act(drain, undefined),
      act(listenForSilence, silences),
      schedule(TICK_MS, tickDue.of(null)),
      ...comparedIn(config).map(service => nextInterval(config.services, service, 0)),
    ],
  }
}

function decide(state: State, signal: Signal, now: number): Step<State> {
  if (outcomesDrained.is(signal)) return onDrained(state, signal.data.rows, now)
  if (silenceHeard.is(signal)) return onSilence(state, signal.data.rows)
  if (drainDue.is(signal)) return { state, directives: [act(drain, undefined)] }
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  if (tickDue.is(signal)) return onTick(state, now)
  if (intervalDue.is(signal)) return onInterval(state, signal.data)
  if (healthChanged.is(signal)) {
    const { row, generation, from, to } = signal.data
    const sentence = state.sentences.get(row)
    const isOut = sentence?.generation === generation && sentence.untilMs !== undefined
    if (isOut && from === 'unhealthy' && to === 'healthy') return giveBack(state, [sentence], 'healthy', now)
  }
  if (ejectedChecked.is(signal)) return onEjectedChecked(state, signal.data, now)
  return stay(state)
}

/**
 * What active checks say of an endpoint that is out. One that passes after one that failed tells of a recovery, as requests would
 * have felt it; one that passes from the start says nothing, for whatever the endpoint is out for, checks do not see it. While
 * they fail, nobody is sent there to find out: who is silent waits on until the next of them at least.
 */
function onEjectedChecked(
  state: State,
  { row, generation, service, hasPassed }: EjectedChecked,
  now: number,
): Step<State> {
  const sentence = state.sentences.get(row)
  if (sentence?.generation !== generation || sentence.untilMs === undefined) return stay(state)
  if (hasPassed) return sentence.hasFailedChecks === true ? giveBack(state, [sentence], 'healthy', now) : stay(state)
  const { interval = 0, timeout = 0 } =
    (Object.hasOwn(state.services, service) && state.services[service]?.healthCheck) || {}
  const { sentence: longer, directives } = prolong(sentence, interval + timeout, now)
  return { state: { ...state, sentences: new Map(state.sentences).set(row, longer) }, directives }
}

/** Counts failures in a row; who reaches a limit is dealt with at once, when the tables have been looked at. */
function onDrained(state: State, rows: readonly Drained[], now: number): Step<State> {
  const again = schedule(paceOf(rows), drainDue.of(null))
  const suspects = new Map(state.suspects)
  let isLookDue = false
  for (const drained of rows) {
    const { row, service } = drained
    const outlier = state.outliers[service]
    const before = suspects.get(row)
    const suspect = suspectAfter(before, drained, outlier)
    if (suspect?.charge !== undefined && before?.charge === undefined) isLookDue = true
    if (service >= state.outliers.length) isLookDue = true
    if (suspect === undefined) suspects.delete(row)
    else suspects.set(row, suspect)
    if (outlier !== undefined) state.ledger.add(drained, wantedBy(outlier))
    state.latencies.add(drained)
    state.silences.learn(service, usualOf(drained, state.sentences.get(row), now), now)
  }
  const directives: Directive[] = isLookDue ? [act(lookAtTables, undefined), again] : [again]
  const { state: after, directives: returned } = giveBack(state, answeredOf(state, rows), 'answered', now)
  return { state: { ...after, suspects, unsent: [...state.unsent, rows] }, directives: [...returned, ...directives] }
}

/** When to empty the rings again, in ms. */
function paceOf(rows: readonly Drained[]): number {
  let outcomes = 0
  for (const { ok, error, timeout, abandoned } of rows) {
    if (error + timeout > 0) return DRAIN_MS
    outcomes += ok + abandoned
  }
  return outcomes > CALM_OUTCOMES_MAX ? DRAIN_MS : CALM_MS
}

/** Who was out for being silent and has answered. */
function answeredOf({ sentences }: State, rows: readonly Drained[]): Sentence[] {
  return rows.flatMap(({ row, generation, ok }) => {
    const sentence = sentences.get(row)
    const isOut = sentence?.generation === generation && sentence.untilMs !== undefined
    return isOut && sentence.because === 'silence' && ok > 0 ? [sentence] : []
  })
}

/** Who is silent is dealt with at once, as who fails. */
function onSilence(state: State, rows: readonly Silent[]): Step<State> {
  const suspects = new Map(state.suspects)
  for (const { row, generation, silentMs, limitMs } of rows) {
    const charge: Charge = { row, because: 'silence', failures: 0, found: silentMs, limit: limitMs }
    suspects.set(row, { generation, streaks: suspects.get(row)?.streaks ?? NO_STREAKS, charge })
  }
  return {
    state: { ...state, suspects },
    directives: [act(lookAtTables, undefined), act(listenForSilence, state.silences)],
  }
}

function onTick(state: State, now: number): Step<State> {
  const over = [...state.sentences.values()].filter(
    ({ untilMs }) => untilMs !== undefined && elapsedMs(now, untilMs) >= 0,
  )
  const { state: after, directives } = giveBack(state, over, 'time', now)
  const batch = sumUp(after.unsent)
  const isSecondOver = after.ticks % TICKS_A_LOOK === 0
  const latencies = isSecondOver ? after.latencies.take() : []
  const isLookDue = isSecondOver || [...after.suspects.values()].some(({ charge }) => charge !== undefined)
  return {
    state: { ...after, unsent: [], ticks: after.ticks + 1 },
    directives: [
      ...directives,
      ...(batch.length > 0 ? [emit(settledBatch.of({ rows: batch }))] : []),
      ...(latencies.length > 0 ? [emit(latenciesCounted.of({ rows: latencies }))] : []),
      ...(isLookDue ? [act(lookAtTables, undefined)] : []),
      schedule(TICK_MS, tickDue.of(null)),
    ],
  }
}

function onInterval(state: State, { service, round }: { service: string; round: number }): Step<State> {
  if (state.rounds.get(service) !== round) return stay(state)
  return {
    state: { ...state, due: new Set(state.due).add(service) },
    directives: [act(lookAtTables, undefined), nextInterval(state.services, service, round)],
  }
}

/** Goes on with what was counted and who is ejected. Intervals that are as long as before run on; others begin now. */
function reload(before: State, config: Config): Step<State> {
  const { services } = config
  const reloads = before.reloads + 1
  const rounds = new Map<string, number>()
  const begun: Directive[] = []
  for (const service of comparedIn(config)) {
    const running = before.rounds.get(service)
    const isAsLong = outlierOf(before, service)?.interval === services[service]!.outlier.interval
    const round = running !== undefined && isAsLong ? running : reloads
    rounds.set(service, round)
    if (round === reloads) begun.push(nextInterval(services, service, round))
  }
  // The look finds out which settings count for which index.
  return { state: { ...before, services, rounds, reloads }, directives: [act(lookAtTables, undefined), ...begun] }
}

/** Services whose endpoints are compared with each other. */
function comparedIn({ services }: Config): string[] {
  return Object.keys(services).filter(service => wantedBy(services[service]!.outlier) !== 'none')
}

function nextInterval(services: Config['services'], service: string, round: number): Directive {
  return schedule(services[service]!.outlier.interval, intervalDue.of({ service, round }))
}

/** With the tables at hand: takes over what an earlier incarnation left, forgets who is gone, ejects, and forgives. */
function onTables(state: State, { services }: TablesView, now: number): Step<State> {
  const sentences = new Map<number, Sentence>()
  const suspects = new Map<number, Suspect>()
  const directives: Directive[] = []
  let seed = state.seed
  for (const service of services) {
    const outlier = outlierOf(state, service.name)
    if (outlier === undefined) continue
    const judged = judge(state, service, outlier, seed, now)
    seed = judged.seed
    directives.push(...judged.directives)
    for (const endpoint of service.endpoints) {
      const { row, generation } = endpoint
      const sentence = judged.sentences.get(row)
      const isOut = sentence?.untilMs !== undefined
      const suspect = state.suspects.get(row)
      // It begins anew when it returns: what was counted before it was ejected is not held against it.
      if (!isOut && suspect?.generation === generation) suspects.set(row, suspect)
      if (sentence === undefined) continue
      const lighter = forgive(sentence, now)
      if (lighter.ejections !== sentence.ejections && endpoint.ejections !== lighter.ejections) {
        directives.push(writeEndpoint('ejections', lighter, lighter.ejections))
      }
      if (isOut || lighter.ejections > 0) sentences.set(row, lighter)
    }
  }
  const outliers = services.map(({ name }) => outlierOf(state, name))
  state.silences.floorsMs = outliers.map(outlier => outlier?.silence ?? 0)
  return { state: { ...state, seed, outliers, suspects, sentences, due: new Set() }, directives }
}

/** Ejects who is charged, as far as it may be, one after the other. */
function judge(
  state: State,
  service: ServiceView,
  outlier: Outlier,
  seed: number,
  now: number,
): { seed: number; sentences: ReadonlyMap<number, Sentence>; directives: Directive[] } {
  const { name, endpoints } = service
  const charges = chargesOf(state, service, outlier)
  const charged = new Set(charges.map(({ row }) => row))
  const views = new Map<number, EndpointView>()
  const sentences = new Map<number, Sentence>()
  for (const endpoint of endpoints) {
    const { row, bars, ejections } = endpoint
    const known = state.sentences.get(row)
    if (known === undefined && !charged.has(row) && (bars & EJECTED) === 0 && ejections === 0) continue
    views.set(row, endpoint)
    sentences.set(row, sentenceOf(known, name, endpoint, outlier, now))
  }
  const directives: Directive[] = []
  let { ejected, open } = tallyOf(service)
  let die = { value: 0, seed }
  for (const charge of charges) {
    const sentence = sentences.get(charge.row)!
    if (sentence.untilMs !== undefined) continue
    const openOthers = open - (isOpen(views.get(charge.row)!) ? 1 : 0)
    if (!mayEject(outlier, ejected, endpoints.length, openOthers)) continue
    die = rollDie(die.seed)
    const out = eject(sentence, charge, die.value, now)
    sentences.set(charge.row, out.sentence)
    directives.push(...out.directives)
    ejected++
    open = openOthers
  }
  return { seed: die.seed, sentences, directives }
}

/** Who failed too often in a row, and if an interval is over, who stands out in it among those that were not ejected. */
function chargesOf(state: State, { index, name, endpoints }: ServiceView, outlier: Outlier): Charge[] {
  const charges = endpoints.flatMap(({ row, generation }) => {
    const suspect = state.suspects.get(row)
    return suspect?.generation === generation && suspect.charge !== undefined ? [suspect.charge] : []
  })
  if (!state.due.has(name)) return charges
  const sums = state.ledger.close(index)
  const compared = endpoints.flatMap(({ row, generation, bars }) => {
    const sum = sums.get(row)
    return sum?.generation === generation && (bars & EJECTED) === 0 ? [sum] : []
  })
  return [...charges, ...judgeInterval(outlier, compared)]
}

function tallyOf({ endpoints }: ServiceView): { ejected: number; open: number } {
  const ejected = endpoints.filter(({ bars }) => (bars & EJECTED) !== 0).length
  return { ejected, open: endpoints.filter(isOpen).length }
}

function isOpen({ bars, weight }: EndpointView): boolean {
  return (bars & ALL_BARS) === 0 && weight > 0
}

function giveBack(
  state: State,
  over: readonly Sentence[],
  because: 'time' | 'healthy' | 'answered',
  now: number,
): Step<State> {
  if (over.length === 0) return stay(state)
  const sentences = new Map(state.sentences)
  const suspects = new Map(state.suspects)
  const directives = over.flatMap(each => {
    const back = release(each, because, now)
    sentences.set(each.row, back.sentence)
    // Nor are failures of requests that were under way when it was ejected.
    suspects.delete(each.row)
    return back.directives
  })
  return { state: { ...state, sentences, suspects }, directives }
}

function outlierOf(state: State, service: string): Outlier | undefined {
  return Object.hasOwn(state.services, service) ? state.services[service]?.outlier : undefined
}
