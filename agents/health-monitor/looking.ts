import { elapsedMs, upstreamTextOf } from '../../engine/writer.ts'
import { act, ask, type Directive, emit, reply, type Step, schedule, stay } from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import type { Slices } from '../kit/grammar/skill.ts'
import {
  type CheckKind,
  type EndpointRef,
  type Examination,
  endpointExamined,
  healthCheckAnswered,
  type healthCheckRequested,
  type Part,
  type Prediction,
  predictionRequested,
} from '../signals.ts'
import { concludeFrom } from '../skills/usual/examination-verdict.ts'
import { lookAtBaseline } from './examine/baseline.ts'
import { type Examined, type ExamineParams, examineEndpoint } from './examine/examine-endpoint.ts'
import { analysis, anomalies, usual } from './observing.ts'
import { REFUSALS_MAX } from './sensors/security.ts'
import { type CloserLook, closerDue } from './signals.ts'
import { find, type HealthCheck, healthCheckOf, type Looking, type State, type Target, viewOf } from './state.ts'
import { turn } from './turn.ts'
import { judge } from './verdict.ts'

/** Closer looks under way and waiting for a place, and questions to the predictor likewise. */
const LOOKS_MAX = 1_024

/** Where a service says nothing, in ms. */
const TIMEOUTS_MS: Readonly<Record<CheckKind, number>> = {
  basic: 5_000,
  comprehensive: 30_000,
  deep: 60_000,
  predictive: 60_000,
}

const KINDS = Object.keys(TIMEOUTS_MS) as CheckKind[]

/** Looks that recur, and how often, in ms. */
function recurring({
  comprehensive,
  predictive,
}: HealthCheck): { readonly kind: CheckKind; readonly everyMs: number }[] {
  return [
    ...(comprehensive === undefined ? [] : [{ kind: 'comprehensive', everyMs: comprehensive.interval } as const]),
    ...(predictive === undefined ? [] : [{ kind: 'predictive', everyMs: predictive.interval } as const]),
  ]
}

/** The first of the closer looks of an endpoint: some time within their interval, so that those of many do not fall together. */
export function beginLooks({ row, generation, lookRound: round }: Target, healthCheck: HealthCheck): Directive[] {
  return recurring(healthCheck).map(({ kind, everyMs }) =>
    schedule(everyMs / 2, closerDue.of({ row, generation, round, kind }), everyMs / 2),
  )
}

/** One of its closer looks is due. */
export function onCloserDue(state: State, due: CloserLook, now: number): Step<State> {
  const target = find(state, due)
  if (target === undefined || target.lookRound !== due.round) return stay(state)
  if (state.looks.size + state.forecasts.length >= LOOKS_MAX) {
    return { state, directives: nextLook(state, target, due.kind, 'healthy') }
  }
  return look(state, { ref: refOf(target), kind: due.kind, round: due.round, question: undefined }, target.url, now)
}

/** Somebody wants to know how an endpoint is. */
export function onRequested(
  state: State,
  question: Signal & ReturnType<typeof healthCheckRequested.of>,
  now: number,
): Step<State> {
  const { service, id, kind } = question.data
  const refuse = (error: 'unsupported_check_type' | 'unknown_endpoint' | 'too_many_checks'): Step<State> => ({
    state,
    directives: [
      reply(question, healthCheckAnswered.of({ ...question.data, error, examination: null, standing: null })),
    ],
  })
  const known = KINDS.find(each => each === kind)
  if (known === undefined) return refuse('unsupported_check_type')
  const endpoint = viewOf(state, service, id)
  if (endpoint === undefined) return refuse('unknown_endpoint')
  if (state.looks.size + state.forecasts.length >= LOOKS_MAX) return refuse('too_many_checks')
  const ref = { row: endpoint.row, generation: endpoint.generation, service, id }
  const round = find(state, ref)?.lookRound
  return look(state, { ref, kind: known, round, question }, endpoint.url, now)
}

function look(state: State, looking: Looking, url: string, now: number): Step<State> {
  const { ref, kind } = looking
  const healthCheck = healthCheckOf(state, ref.service)
  const timeoutMs = timeoutOf(healthCheck, kind)
  if (kind === 'predictive') {
    const question = predictionRequested.of({ service: ref.service, id: ref.id }, `${ref.service}/${ref.id}`)
    const untilMs = (now + timeoutMs) | 0
    return {
      state: { ...state, forecasts: [...state.forecasts, { ...looking, untilMs }] },
      directives: [ask(question, timeoutMs)],
    }
  }
  const ticket = state.tickets + 1
  const { thresholds, availability: availabilityGoal, certificateDays } = state.knobs
  const available = state.availability.get(ref.row)
  const refused = state.refusals.get(ref.row)
  const params: ExamineParams = {
    ...ref,
    ...inquiryOf(state, ref.service),
    ...{ ticket, kind, url, timeoutMs, thresholds, availabilityGoal, certificateDays },
    availability: available?.generation === ref.generation ? available : undefined,
    refusals: { seen: refused?.generation === ref.generation ? refused.seen : 0, max: REFUSALS_MAX },
    requestPath: healthCheck?.deep?.path,
  }
  const looks = new Map(state.looks).set(ticket, looking)
  return { state: { ...state, tickets: ticket, looks }, directives: [act(examineEndpoint, params)] }
}

/** How endpoints of a service are asked, but for where and how long. */
export function inquiryOf(
  state: State,
  service: string,
): Pick<ExamineParams, 'upstream' | 'type' | 'path' | 'expect' | 'grpcService'> {
  const { type = 'http', path = '/healthz', expect, grpcService } = healthCheckOf(state, service) ?? {}
  const upstream = upstreamTextOf(state.services[service])
  return {
    type,
    path,
    ...(upstream !== undefined && { upstream }),
    ...(expect !== undefined && { expect }),
    ...(grpcService !== undefined && { grpcService }),
  }
}

function timeoutOf(healthCheck: HealthCheck | undefined, kind: CheckKind): number {
  const said = kind === 'basic' ? healthCheck?.timeout : healthCheck?.[kind]?.timeout
  return said ?? TIMEOUTS_MS[kind]
}

/** A closer look is done: tells what it has come to, and lets it count. */
export function onLookedAt(state: State, examined: Examined, now: number, slices: Slices): Step<State> {
  const looking = state.looks.get(examined.ticket)
  if (looking === undefined) return stay(state)
  const looks = new Map(state.looks)
  looks.delete(examined.ticket)
  const parts =
    looking.kind === 'deep' ? [...examined.parts, compare(looking.ref, examined.parts, slices)] : examined.parts
  return conclude({ ...state, looks }, looking, { ...examined, parts }, now, slices)
}

function compare(ref: EndpointRef, parts: readonly Part[], slices: Slices): Part {
  const views = new Map([...slices.of(usual).usual.of(ref)].map(([metric, baseline]) => [metric, baseline.view()]))
  const finding = lookAtBaseline(parts, views, slices.of(anomalies).watch.of(ref))
  return { part: 'baseline', ...finding, tookMs: 0 }
}

/** How likely what is expected must be, and how sure, to count. */
const PROBABLE = 0.5

/** The predictor has said what it expects. */
export function onPredicted(
  state: State,
  {
    service,
    id,
    predictions,
    because,
  }: { service: string; id: string; predictions: readonly Prediction[]; because: string | null },
  now: number,
  slices: Slices,
): Step<State> {
  const forecast = state.forecasts.find(({ ref }) => ref.service === service && ref.id === id)
  if (forecast === undefined) return stay(state)
  const bad = predictions.filter(({ probability, confidence }) => probability >= PROBABLE && confidence >= PROBABLE)
  const most = predictions.reduce((max, { probability }) => Math.max(max, probability), 0)
  const verdict = predictions.length === 0 ? 'skipped' : bad.length > 0 ? 'failed' : 'passed'
  const reasons = bad.map(each => [each.what, ...each.reasons].join(': '))
  const reason = reasons.join('; ') || because || 'nothing is expected'
  return foretold(state, forecast, { verdict, score: 1 - most, reason, figures: { probability: most } }, now, slices)
}

/** Nobody has answered in time: of those who were asked, it is the one whose time is up. */
export function onUnanswered(state: State, waitedMs: number, now: number, slices: Slices): Step<State> {
  const [late] = [...state.forecasts].sort((a, b) => elapsedMs(a.untilMs, b.untilMs))
  if (late === undefined) return stay(state)
  const reason = `no predictor has answered within ${waitedMs} ms`
  return foretold(state, late, { verdict: 'timeout', score: 0, reason, figures: {} }, now, slices)
}

function foretold(
  state: State,
  forecast: State['forecasts'][number],
  finding: Pick<Part, 'verdict' | 'score' | 'reason' | 'figures'>,
  now: number,
  slices: Slices,
): Step<State> {
  const timeoutMs = timeoutOf(healthCheckOf(state, forecast.ref.service), 'predictive')
  const tookMs = Math.max(0, timeoutMs - Math.max(0, elapsedMs(forecast.untilMs, now)))
  const parts: Part[] = [{ part: 'prediction', isCritical: false, ...finding, tookMs }]
  const forecasts = state.forecasts.filter(each => each !== forecast)
  return conclude({ ...state, forecasts }, forecast, { parts, dependencies: [], tookMs }, now, slices)
}

function conclude(
  state: State,
  { ref, kind, round, question }: Looking,
  { parts, dependencies, tookMs }: Omit<Examined, 'ticket'>,
  now: number,
  slices: Slices,
): Step<State> {
  const { service, id } = ref
  const examination: Examination = { ...ref, kind, ...concludeFrom(parts), parts, dependencies, tookMs }
  const directives: Directive[] = []
  if (kind !== 'basic') directives.push(emit(endpointExamined.of(examination, `${service}/${id}`)))
  if (question !== undefined) {
    const standing = slices.of(analysis).standing(ref) ?? null
    directives.push(reply(question, healthCheckAnswered.of({ service, id, kind, error: null, examination, standing })))
  }
  const target = find(state, ref)
  // A reload has begun other looks meanwhile: this one found what those may not, and the next is on its way.
  if (target === undefined || round !== target.lookRound) return { state, directives }
  if (question === undefined) directives.push(...nextLook(state, target, kind, examination.verdict))
  const counted = count(state, target, examination, now)
  return { state: counted.state, directives: [...directives, ...counted.directives] }
}

/** After one that was not healthy the next is due sooner: in a quarter of the time, but a second at least. */
function nextLook(
  state: State,
  { row, generation, service, lookRound: round }: Target,
  kind: CheckKind,
  verdict: Examination['verdict'],
): Directive[] {
  const healthCheck = healthCheckOf(state, service)
  const everyMs = healthCheck && recurring(healthCheck).find(each => each.kind === kind)?.everyMs
  if (everyMs === undefined) return []
  const isSooner = verdict !== 'healthy' && kind !== 'predictive'
  const inMs = isSooner ? Math.max(Math.min(1_000, everyMs), everyMs / 4) : everyMs
  return [schedule(inMs, closerDue.of({ row, generation, round, kind }), inMs / 10)]
}

/**
 * What a comprehensive check says counts: failed as a failed check does; and until the next one an endpoint that was not healthy is degraded
 * at best. Where they do not recur nothing would take that back, so there one that was asked for does not count.
 */
function count(state: State, before: Target, { kind, verdict, reasons }: Examination, now: number): Step<State> {
  const healthCheck = healthCheckOf(state, before.service)
  if (kind !== 'comprehensive' || healthCheck?.comprehensive === undefined) return stay(state)
  const isWell = before.health === 'healthy' || before.health === 'degraded'
  const judged =
    verdict === 'failed'
      ? judge(before, 'failed', healthCheck)
      : verdict === 'degraded' && isWell
        ? { ...before, health: 'degraded' as const }
        : before
  if (judged === before && verdict === before.examined) return stay(state)
  // One that failed and is not out for it yet is spared meanwhile.
  const health = verdict === 'failed' && judged.health === 'healthy' ? 'degraded' : judged.health
  const after: Target = { ...before, ...judged, health, examined: verdict, calmSinceMs: now }
  state.targets.set(before.row, after)
  return { state, directives: turn(before, after, reasons.join('; '), now) }
}

function refOf({ row, generation, service, id }: Target): EndpointRef {
  return { row, generation, service, id }
}
