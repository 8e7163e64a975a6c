import { type Config, elapsedMs } from '../../engine/writer.ts'
import { defineAgent, type Setup } from '../kit/grammar/agent.ts'
import {
  act,
  type Directive,
  emit,
  mount,
  type Step,
  schedule,
  stay,
  unmount,
  writeEndpoint,
} from '../kit/grammar/directive.ts'
import type { Signal, SignalOf } from '../kit/grammar/signal.ts'
import { lookAtTables, type TablesView, tablesSeen } from '../kit/tables.ts'
import {
  differentialObserved,
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
import { Bursts, burstCharges } from './burst.ts'
import { judge } from './court.ts'
import { ErrorShares, observeAll } from './differential.ts'
import { type Charge, wantedBy } from './judgement.ts'
import { LatencyCounts } from './latency-counts.ts'
import { Ledger } from './ledger.ts'
import { listenForSilence } from './listen-for-silence.ts'
import { watchSettingsOf } from './nodes/settings.ts'
import { nodeWatch } from './nodes/watch.ts'
import { forgive, prolong, release, type Sentence, usualOf } from './sentence.ts'
import { type Drained, drainDue, intervalDue, outcomesDrained, silenceHeard, tickDue } from './signals.ts'
import { SilenceWatch, type Silent } from './silence.ts'
import { outlierOf, type State } from './state.ts'
import { type Suspect, suspectAfter, withCharges, withoutStale } from './suspect.ts'

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
/** Where the skill is that watches other nodes. */
const NODES = 'nodes'

/**
 * Failure detector: sees by the traffic alone that an endpoint fails or lags, takes it out for a while, and forgives.
 *
 * Intuition  one failure is an accident; so many in a row without a success between, on whichever threads, are the
 *            endpoint's fault. What fails now and then is found by comparing: once an interval, its rate of success with
 *            that of all, its failures with a fixed share, its latency with the median of the others. Each time it is
 *            out for longer; each healthy interval afterwards is put to its credit.
 * listens    signalbox.endpoint.health-changed · signalbox.endpoint.ejected-checked
 * emits      signalbox.endpoint.{ejected, returned, settled-batch, latencies-counted, differential-observability}
 * skills     nodes, where there are others: it watches them, see nodes/watch.ts
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
  emits: [endpointEjected, endpointReturned, settledBatch, latenciesCounted, differentialObserved],
  writes: ['ejectedBar', 'ejectedUntilMs', 'ejections'],
  actions: [lookAtTables, drain, listenForSilence],
  start: begin,
  reload,
  decide,
})

export default failureDetector

function begin({ config, seed, cluster, incarnation }: Setup): Step<State> {
  const watch = cluster && { node: cluster.node, incarnation, seed }
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
      bursts: new Bursts(),
      shares: new ErrorShares(),
      episodes: new Map(),
      nodes: config.agents['failure-detector'].nodes,
      watch,
      silences,
      due: new Set(),
      unsent: [],
      ticks: 0,
    },
    directives: [
      ...(watch === undefined
        ? []
        : [mount(nodeWatch(NODES, { ...watch, settings: watchSettingsOf(config.agents['failure-detector'].nodes) }))]),
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
  if (silenceHeard.is(signal)) return onSilence(state, signal.data.rows, now)
  if (drainDue.is(signal)) return { state, directives: [act(drain, undefined)] }
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  if (tickDue.is(signal)) return onTick(state, now)
  if (intervalDue.is(signal)) return onInterval(state, signal.data)
  if (healthChanged.is(signal)) return onHealth(state, signal.data, now)
  if (ejectedChecked.is(signal)) return onEjectedChecked(state, signal.data, now)
  return stay(state)
}

/** Who recovers by its checks returns, and begins anew: what it did before is not held against it. */
function onHealth(
  state: State,
  { row, generation, from, to }: SignalOf<typeof healthChanged>['data'],
  now: number,
): Step<State> {
  if (from !== 'unhealthy') return stay(state)
  const suspects = new Map(state.suspects)
  if (suspects.get(row)?.generation === generation) suspects.delete(row)
  const after = { ...state, suspects }
  const sentence = state.sentences.get(row)
  const isOut = sentence?.generation === generation && sentence.untilMs !== undefined
  return isOut && to === 'healthy' ? giveBack(after, [sentence], 'healthy', now) : stay(after)
}

/**
 * What active checks say of an endpoint that is out. One that passes after one that failed tells of a recovery, as requests would
 * have felt it; one that passes from the start says nothing, for whatever the endpoint is out for, checks do not see it. Nor does
 * one that passes after one that was late, but where the endpoint is out for its silence: checks are late as well when this machine
 * is slow. While they fail, nobody is sent there to find out: who is silent waits on until the next of them at least.
 */
function onEjectedChecked(
  state: State,
  { row, generation, service, hasPassed, isLate }: EjectedChecked,
  now: number,
): Step<State> {
  const sentence = state.sentences.get(row)
  if (sentence?.generation !== generation || sentence.untilMs === undefined) return stay(state)
  if (hasPassed) return sentence.hasFailedChecks === true ? giveBack(state, [sentence], 'healthy', now) : stay(state)
  const { interval = 0, timeout = 0 } =
    (Object.hasOwn(state.services, service) && state.services[service]?.healthCheck) || {}
  const isTelling = !isLate || sentence.because === 'silence'
  const { sentence: longer, directives } = prolong(sentence, isTelling, interval + timeout, now)
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
    const suspect = suspectAfter(before, drained, outlier, now)
    if (suspect?.charge !== undefined && before?.charge === undefined) isLookDue = true
    if (service >= state.outliers.length) isLookDue = true
    if (suspect === undefined) suspects.delete(row)
    else suspects.set(row, suspect)
    if (outlier !== undefined) state.ledger.add(drained, wantedBy(outlier))
    state.latencies.add(drained)
    state.bursts.add(drained)
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
function onSilence(state: State, rows: readonly Silent[], now: number): Step<State> {
  const charged = rows.map(({ row, generation, silentMs, limitMs }) => {
    const charge: Charge = { row, because: 'silence', failures: 0, found: silentMs, limit: limitMs }
    return { generation, charge }
  })
  return {
    state: { ...state, suspects: withCharges(state.suspects, charged, now) },
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
  const suspects = withCharges(withoutStale(after.suspects, now), burstsOf(after), now)
  if (isSecondOver) after.shares.add(after.bursts.take(), now)
  const isLookDue = isSecondOver || [...suspects.values()].some(({ charge }) => charge !== undefined)
  return {
    state: { ...after, suspects, unsent: [], ticks: after.ticks + 1 },
    directives: [
      ...directives,
      ...(batch.length > 0 ? [emit(settledBatch.of({ rows: batch }))] : []),
      ...(latencies.length > 0 ? [emit(latenciesCounted.of({ rows: latencies }))] : []),
      ...(isLookDue ? [act(lookAtTables, undefined)] : []),
      schedule(TICK_MS, tickDue.of(null)),
    ],
  }
}

/** Who fails far more often than the others in the second under way. */
function burstsOf({ bursts, outliers }: State): { generation: number; charge: Charge }[] {
  return bursts.services.flatMap(service => {
    const outlier = outliers[service]
    const sums = outlier === undefined ? [] : bursts.of(service)
    return sums.every(({ failed }) => failed === 0)
      ? []
      : burstCharges(outlier!, sums).map(charge => ({
          generation: sums.find(({ row }) => row === charge.row)!.generation,
          charge,
        }))
  })
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
  const { nodes } = config.agents['failure-detector']
  return {
    state: { ...before, services, rounds, reloads, nodes },
    // The look finds out which settings count for which index.
    directives: [act(lookAtTables, undefined), ...begun, ...watchAnew(before, nodes)],
  }
}

/** Other nodes are watched as the new config says; what was known of them is learnt anew within some beats. */
function watchAnew({ watch, nodes: before }: State, nodes: State['nodes']): Directive[] {
  if (watch === undefined || JSON.stringify(before) === JSON.stringify(nodes)) return []
  return [unmount(NODES), mount(nodeWatch(NODES, { ...watch, settings: watchSettingsOf(nodes) }))]
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
  const isOut = (row: number): boolean => sentences.get(row)?.untilMs !== undefined
  const { episodes, directives: told } = observeAll(state.episodes, state.shares, services, isOut, now)
  const after = { ...state, seed, outliers, suspects, sentences, episodes, due: new Set<string>() }
  return { state: after, directives: [...directives, ...told] }
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
