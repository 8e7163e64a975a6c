import { elapsedMs } from '../../../engine/writer.ts'
import { act, type Directive, emit, type Step, schedule } from '../../kit/grammar/directive.ts'
import type { Signal } from '../../kit/grammar/signal.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { lookAtTables, type TablesView, tablesSeen } from '../../kit/tables.ts'
import {
  anomalyFound,
  capacityReported,
  type EndpointRef,
  endpointEjected,
  healthChanged,
  type LatencyCount,
  latenciesCounted,
  type Prediction,
  predictionWithdrawn,
  riskChanged,
  type Settled,
  settledBatch,
  troublePredicted,
} from '../../signals.ts'
import { type Calibration, faded, learnOutcome, NO_CALIBRATION } from './calibration.ts'
import {
  addCapacity,
  addSecond,
  addSettled,
  type Evidence,
  endSecond,
  forgetUnsaid,
  isCalm,
  isWorthPeeking,
  newEvidence,
  RESOURCES,
} from './evidence.ts'
import { fitGrowth } from './exhaustion.ts'
import { secondsOf } from './latency-second.ts'
import { latencyTrended } from './latency-windows.ts'
import { endOf, isExpected, isSilent, isToBeTold, type Standing, standingOf, stillStanding } from './standing.ts'
import {
  type Calibrations,
  type Expected,
  noteTrend,
  predictFailures,
  TROUBLES,
  type Trouble,
  type TroubleRule,
  type Watch,
} from './trouble.ts'

export interface FailurePrediction {
  readonly rule: TroubleRule
  /** By row; what is in it is changed in place. */
  readonly evidence: Map<number, Evidence>
  /** Rows of which something may grow, who waits longest first. Changed in place. */
  readonly unfitted: Set<number>
  readonly inflight: ReadonlyMap<number, number>
  /** By keyOf. */
  readonly standing: ReadonlyMap<number, Standing>
  readonly calibrations: Calibrations
  readonly seconds: number
}

const secondDue = defineSignal('signalbox.trouble.scheduled')

const SECOND_MS = 1000
/** Every so many seconds the tables are looked at: who is there, and what is in flight. */
const LOOK_S = 5
/** So many predictions may stand at a time. When more would, something is wrong that is not of one endpoint. */
export const STANDING_MAX = 256
/**
 * Endpoints a second whose lines are laid anew. Where ten thousand of them grow at once each has its turn every hundred seconds, a sixth of the
 * time in which what runs out is told of.
 */
const FITS_A_SECOND = 100
/** What was learned counts half as much each hour: it is faded each minute. */
const FADE_S = 60
const FADE_KEPT = 0.5 ** (FADE_S / 3600)
/** Each so long a failure probability is held against what came of it. */
const CLAIM_MS = 60_000

/**
 * Failure prediction: says of an endpoint that it will fail, become slow or run out of something, before it does; and takes it back when it has
 * come, or does not come.
 *
 *                 likely enough                       came true · nothing speaks for it for 5 s · its time is over · it is gone
 *   nothing ─────────────────────▶ trouble-predicted ────────────────────────────────────────────────▶ prediction-withdrawn
 *                                                                     └──▶ what came of it is learned: the next probability is calibrated
 *
 * What would be told but for that calibration is followed in silence, and learned from likewise; and what was learned fades within hours.
 *
 * What speaks for it comes from whoever is there to say it: latencies by latency-windows.ts, risk from node discovery, anomalies and verdicts
 * from the health monitor, ejections from the failure detector. What nobody says speaks neither for nor against.
 */
export const failurePrediction = defineSkill({
  name: 'failure-prediction',
  listens: [
    settledBatch,
    capacityReported,
    riskChanged,
    anomalyFound,
    healthChanged,
    endpointEjected,
    latenciesCounted,
    latencyTrended,
  ],
  own: [secondDue],
  emits: [troublePredicted, predictionWithdrawn],
  actions: [lookAtTables],
  start: (_: undefined, { config }): Step<FailurePrediction> => ({
    state: {
      ...{ rule: config.agents.predictor, evidence: new Map(), unfitted: new Set(), inflight: new Map() },
      ...{ standing: new Map(), seconds: 0 },
      calibrations: { failure: NO_CALIBRATION, degradation: NO_CALIBRATION, exhaustion: NO_CALIBRATION },
    },
    directives: [act(lookAtTables, undefined), schedule(SECOND_MS, secondDue.of(null))],
  }),
  reload: (state, { agents }) => ({ state: { ...state, rule: agents.predictor }, directives: [] }),
  decide: (state, signal: Signal, now) => {
    if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
    if (secondDue.is(signal)) return onSecond(state, now)
    if (settledBatch.is(signal)) return onSettled(state, signal.data.rows, now)
    if (latenciesCounted.is(signal)) return onLatencies(state, signal.data.rows, now)
    if (healthChanged.is(signal) && signal.data.to === 'unhealthy') return onFailed(state, signal.data)
    if (endpointEjected.is(signal)) return onFailed(state, signal.data)
    note(state, signal, now)
    return { state, directives: [] }
  },
})

/** Takes in what is heard of endpoints. */
function note(state: FailurePrediction, signal: Signal, now: number): void {
  const of = ({ row, generation }: { readonly row: number; readonly generation: number }): Evidence | undefined => {
    const evidence = state.evidence.get(row)
    return evidence?.endpoint.generation === generation ? evidence : undefined
  }
  if (latencyTrended.is(signal)) {
    for (const trend of signal.data.rows) {
      const evidence = of(trend)
      if (evidence !== undefined) noteTrend(evidence, trend.windows, trend.line)
    }
  } else if (capacityReported.is(signal)) {
    for (const capacity of signal.data.rows) {
      const evidence = of(capacity)
      if (evidence === undefined) continue
      const mayGrow = addCapacity(evidence, capacity, state.inflight.get(capacity.row) ?? 0, now)
      if (mayGrow) state.unfitted.add(capacity.row)
    }
  } else if (riskChanged.is(signal)) {
    const evidence = of(signal.data)
    if (evidence !== undefined) evidence.risk = signal.data.isAtRisk ? signal.data.risk : 0
  } else if (anomalyFound.is(signal)) {
    const evidence = of(signal.data)
    if (evidence === undefined) return
    evidence.anomaly = signal.data.score
    evidence.anomalyMs = now
  }
}

/** Who is new is watched from now on; what was expected of who is gone is withdrawn. */
function onTables(state: FailurePrediction, { services }: TablesView, now: number): Step<FailurePrediction> {
  const inflight = new Map<number, number>()
  for (const { name: service, endpoints } of services) {
    for (const { row, generation, id, inflight: sent } of endpoints) {
      inflight.set(row, sent)
      if (state.evidence.get(row)?.endpoint.generation === generation) continue
      state.evidence.set(row, newEvidence({ row, generation, service, id }, now))
    }
  }
  for (const row of state.evidence.keys()) if (!inflight.has(row)) state.evidence.delete(row)
  const standing = new Map(state.standing)
  const directives: Directive[] = []
  for (const [key, { endpoint, expected, isTold }] of state.standing) {
    if (state.evidence.get(endpoint.row)?.endpoint.generation === endpoint.generation) continue
    standing.delete(key)
    if (isTold) directives.push(withdraw(endpoint, expected.what, 'gone'))
  }
  return { state: { ...state, inflight, standing }, directives }
}

/** What one decision changes, and by which rule. */
interface Draft {
  readonly watch: Watch
  readonly standing: Map<number, Standing>
  calibrations: Calibrations
  readonly directives: Directive[]
}

function onSecond(before: FailurePrediction, now: number): Step<FailurePrediction> {
  const state = { ...before, seconds: before.seconds + 1 }
  const draft = draftOf(state, [schedule(SECOND_MS, secondDue.of(null))])
  if (state.seconds % FADE_S === 0) draft.calibrations = fadedAll(draft.calibrations)
  if (before.seconds % LOOK_S === 0) draft.directives.push(act(lookAtTables, undefined))
  const fitted = fitSome(state)
  for (const evidence of state.evidence.values()) {
    endSecond(evidence, now)
    const { row } = evidence.endpoint
    // A fifth of them each second: who has been silent for a moment longer makes no difference.
    if ((row + state.seconds) % LOOK_S === 0) forgetUnsaid(evidence, now)
    const isWaited = evidence.claim !== undefined || isStanding(state, row)
    if (!isCalm(evidence) || isWaited || fitted.has(row)) consider(draft, evidence, TROUBLES, 1, now)
  }
  return done(state, draft)
}

/** Lays the lines of those that have waited longest. */
function fitSome({ evidence, unfitted }: FailurePrediction): ReadonlySet<number> {
  const fitted = new Set<number>()
  for (const row of unfitted) {
    if (fitted.size === FITS_A_SECOND) break
    unfitted.delete(row)
    fitted.add(row)
    const usage = evidence.get(row)?.usage
    if (usage !== undefined) for (const each of RESOURCES) fitGrowth(usage[each])
  }
  return fitted
}

/** The latencies of a second are here: of all trouble this is the one that does not wait. */
function onLatencies(state: FailurePrediction, rows: readonly LatencyCount[], now: number): Step<FailurePrediction> {
  const draft = draftOf(state, [])
  for (const second of secondsOf(rows)) {
    const evidence = state.evidence.get(second.row)
    if (evidence?.endpoint.generation !== second.generation) continue
    addSecond(evidence, second, state.standing.has(keyOf(second.row, 'degradation')), now)
    consider(draft, evidence, ['degradation'], 0, now)
  }
  return done(state, draft)
}

function onSettled(state: FailurePrediction, rows: readonly Settled[], now: number): Step<FailurePrediction> {
  const draft = draftOf(state, [])
  for (const settled of rows) {
    const evidence = state.evidence.get(settled.row)
    if (evidence?.endpoint.generation !== settled.generation) continue
    addSettled(evidence, settled)
    if (isWorthPeeking(evidence, now)) consider(draft, evidence, ['degradation'], 0, now)
  }
  return done(state, draft)
}

function draftOf({ rule, evidence, standing, calibrations }: FailurePrediction, directives: Directive[]): Draft {
  return { watch: { ...rule, watched: evidence.size }, standing: new Map(standing), calibrations, directives }
}

function done(state: FailurePrediction, { standing, calibrations, directives }: Draft): Step<FailurePrediction> {
  return { state: { ...state, standing, calibrations }, directives }
}

/** What is to be expected of an endpoint, and what of it is to be told or taken back. `passedS`: since it was last considered. */
function consider(draft: Draft, evidence: Evidence, troubles: readonly Trouble[], passedS: number, now: number): void {
  const { endpoint } = evidence
  const { watch: rule } = draft
  const all = predictFailures(rule, evidence, draft.calibrations, now)
  if (passedS > 0) draft.calibrations = claim(draft.calibrations, evidence, all, now)
  for (const what of troubles) {
    const key = keyOf(endpoint.row, what)
    const expected = all.find(each => each.what === what)
    const known = draft.standing.get(key)
    if (known === undefined) {
      // Each look at latencies may be misled by chance: one when half a second is in, and one when it is over, are enough.
      if (what === 'degradation' && passedS > 0) continue
      if (expected === undefined || !isExpected(rule, expected)) continue
      if (draft.standing.size >= STANDING_MAX) continue
      stand(draft, endpoint, expected, now)
      continue
    }
    if (!known.isTold && expected !== undefined && isToBeTold(rule, expected)) {
      stand(draft, endpoint, expected, now)
      continue
    }
    const standing = stillStanding(rule, known, expected, passedS)
    const end = endOf(rule, evidence, standing, now)
    if (end === undefined) {
      draft.standing.set(key, standing)
      continue
    }
    draft.standing.delete(key)
    // Of what nobody reports any more it is not known what came of it.
    if (end === 'came-true' || !isSilent(evidence, known.expected))
      draft.calibrations = learn(draft.calibrations, what, known.expected.claimed, end === 'came-true')
    if (known.isTold) draft.directives.push(withdraw(endpoint, what, end))
  }
}

function isStanding({ standing }: FailurePrediction, row: number): boolean {
  return standing.size > 0 && TROUBLES.some(what => standing.has(keyOf(row, what)))
}

function stand(draft: Draft, endpoint: EndpointRef, expected: Expected, now: number): void {
  const standing = standingOf(draft.watch, endpoint, expected, now)
  draft.standing.set(keyOf(endpoint.row, expected.what), standing)
  if (!standing.isTold) return
  draft.directives.push(emit(troublePredicted.of(predictionOf(endpoint, expected), subjectOf(endpoint))))
}

/** An endpoint has failed: what was expected of it has come, and so has what was not. */
function onFailed(before: FailurePrediction, { row, generation }: EndpointRef): Step<FailurePrediction> {
  const evidence = before.evidence.get(row)
  if (evidence?.endpoint.generation !== generation) return { state: before, directives: [] }
  let state = before
  if (evidence.claim !== undefined) {
    const calibrations = learn(state.calibrations, 'failure', evidence.claim.probability, true)
    state = { ...state, calibrations }
    evidence.claim = undefined
  }
  const key = keyOf(row, 'failure')
  if (!state.standing.has(key)) return { state, directives: [] }
  const standing = new Map(state.standing)
  standing.delete(key)
  return { state: { ...state, standing }, directives: [withdraw(evidence.endpoint, 'failure', 'came-true')] }
}

/** Holds a failure probability against the minute that followed it, and notes the one of now. */
function claim(known: Calibrations, evidence: Evidence, all: readonly Expected[], now: number): Calibrations {
  const failure = all.find(({ what }) => what === 'failure')
  const { claim: waiting } = evidence
  if (waiting !== undefined && elapsedMs(now, waiting.atMs) < CLAIM_MS) return known
  // A calm endpoint claims nothing: of ten thousand each minute nobody would learn more than that they are calm.
  evidence.claim = failure && !isCalm(evidence) ? { probability: failure.claimed, atMs: now } : undefined
  if (waiting === undefined) return known
  return { ...known, failure: learnOutcome(known.failure, waiting.probability, false) }
}

function fadedAll({ failure, degradation, exhaustion }: Calibrations): Calibrations {
  const fade = (each: Calibration): Calibration => faded(each, FADE_KEPT)
  return { failure: fade(failure), degradation: fade(degradation), exhaustion: fade(exhaustion) }
}

/** Failures that did not come are learned from by the minute, whether they were told of or not. */
function learn(known: Calibrations, what: Trouble, claimed: number, hasCome: boolean): Calibrations {
  if (what === 'failure' && !hasCome) return known
  return { ...known, [what]: learnOutcome(known[what], claimed, hasCome) }
}

/** What is expected of an endpoint now, likely or not; undefined: it is not known. */
export function expectedOf(state: FailurePrediction, service: string, id: string, now: number) {
  for (const evidence of state.evidence.values()) {
    const { endpoint } = evidence
    if (endpoint.service !== service || endpoint.id !== id) continue
    const all = predictFailures({ ...state.rule, watched: state.evidence.size }, evidence, state.calibrations, now)
    return { endpoint, predictions: all.map(each => predictionOf(endpoint, each)) }
  }
  return undefined
}

function predictionOf(endpoint: EndpointRef, { what, probability, confidence, etaMs, reasons }: Expected): Prediction {
  return { ...endpoint, what, probability, confidence, etaMs, reasons }
}

/** Takes back all that was told: for who is about to end it, and knows that nobody else can. */
export function withdrawnAll({ standing }: FailurePrediction): Directive[] {
  return [...standing.values()]
    .filter(({ isTold }) => isTold)
    .map(({ endpoint, expected }) => withdraw(endpoint, expected.what, 'unwatched'))
}

function withdraw(
  endpoint: EndpointRef,
  what: Trouble,
  because: 'came-true' | 'did-not-come' | 'gone' | 'unwatched',
): Directive {
  return emit(predictionWithdrawn.of({ ...endpoint, what, because }, subjectOf(endpoint)))
}

function subjectOf({ service, id }: EndpointRef): string {
  return `${service}/${id}`
}

function keyOf(row: number, what: Trouble): number {
  return row * TROUBLES.length + TROUBLES.indexOf(what)
}
