import { ALL_BARS, type Config, EJECTED, elapsedMs } from '../../engine/writer.ts'
import { defineAgent } from '../kit/agent.ts'
import { rollDie } from '../kit/dice.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeEndpoint } from '../kit/directive.ts'
import type { Signal } from '../kit/signal.ts'
import { type EndpointView, lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../kit/tables.ts'
import { endpointEjected, endpointReturned, healthChanged, settledBatch } from '../signals.ts'
import { drain } from './actions.ts'
import { sumUp } from './batch.ts'
import { ejectionMs, ejectionsMax, healthyIntervals, mayEject, type Outlier } from './ejection.ts'
import { type Drained, drainDue, outcomesDrained, tickDue } from './signals.ts'
import { follow } from './streak.ts'

/** An endpoint whose last answers were failures. */
interface Suspect {
  readonly generation: number
  readonly failures: number
  /** True once the failures in a row have reached the limit, until that was dealt with. */
  readonly isConvicted: boolean
}

/** An endpoint that is ejected, or was of late. */
interface Sentence {
  readonly row: number
  readonly generation: number
  readonly service: string
  readonly id: string
  readonly outlier: Outlier
  readonly ejections: number
  /** The clock when it ends; undefined when it is over and only the count remains. */
  readonly untilMs: number | undefined
  /** Since when its healthy intervals are counted. */
  readonly healthyMs: number
}

export interface State {
  readonly services: Config['services']
  readonly seed: number
  /** Settings by index of service, as last seen in the tables. */
  readonly outliers: readonly (Outlier | undefined)[]
  /** By row. */
  readonly suspects: ReadonlyMap<number, Suspect>
  readonly sentences: ReadonlyMap<number, Sentence>
  /** What was drained since the last batch was sent. */
  readonly unsent: readonly (readonly Drained[])[]
  readonly ticks: number
}

/** From one drain to the next under traffic: an ejection acts within some ms of the failure that called for it. */
const DRAIN_MS = 5
/** Between two looks at whose time is up; also the pace of settled batches. */
const TICK_MS = 100
/** Every so many ticks the structure is looked at without cause: who is gone is forgotten. */
const TICKS_A_LOOK = 10

/**
 * Failure detector: sees by the traffic alone that an endpoint fails, takes it out for a while, and forgives.
 *
 * Intuition  one failure is an accident; `consecutive5xx` of them without a success between, on whichever threads, are
 *            the endpoint's fault. Each time it is out for longer; each healthy interval afterwards is put to its credit.
 * listens    signalbox.endpoint.health-changed
 * emits      signalbox.endpoint.ejected · signalbox.endpoint.returned · signalbox.endpoint.settled-batch
 * writes     the bar EJECTED · endpoint.EJECTED_UNTIL_MS · endpoint.EJECTIONS
 * never      ejects more than `outlier.maxEjected` of a service (one is always allowed), nor the last that can be picked
 * restart    permanent; who is ejected, until when and how often is in the tables, so they return in time. Failures
 *            counted so far and outcomes not yet drained are lost
 */
export const failureDetector = defineAgent<State>({
  name: 'failure-detector',
  listens: [healthChanged],
  emits: [endpointEjected, endpointReturned, settledBatch],
  writes: ['ejectedBar', 'ejectedUntilMs', 'ejections'],
  actions: [lookAtTables, drain],
  start: ({ config, seed }) => ({
    state: {
      services: config.services,
      seed,
      outliers: [],
      suspects: new Map(),
      sentences: new Map(),
      unsent: [],
      ticks: 0,
    },
    directives: [act(lookAtTables, undefined), act(drain, undefined), schedule(TICK_MS, tickDue.of(null))],
  }),
  decide,
})

export default failureDetector

function decide(state: State, signal: Signal, now: number): Step<State> {
  if (outcomesDrained.is(signal)) return onDrained(state, signal.data.rows)
  if (drainDue.is(signal)) return { state, directives: [act(drain, undefined)] }
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  if (tickDue.is(signal)) return onTick(state, now)
  if (healthChanged.is(signal)) {
    const { row, generation, from, to } = signal.data
    const sentence = state.sentences.get(row)
    const isOut = sentence?.generation === generation && sentence.untilMs !== undefined
    if (isOut && from === 'unhealthy' && to === 'healthy') return giveBack(state, [sentence], 'healthy', now)
  }
  return stay(state)
}

/** Counts failures in a row; who reaches the limit is dealt with at once, when the tables have been looked at. */
function onDrained(state: State, rows: readonly Drained[]): Step<State> {
  const again = schedule(DRAIN_MS, drainDue.of(null))
  const suspects = new Map(state.suspects)
  let isLookDue = false
  for (const { row, generation, service, streak } of rows) {
    const known = suspects.get(row)
    const before = known?.generation === generation ? known : { failures: 0, isConvicted: false }
    const { after, most } = follow(before.failures, streak)
    const limit = state.outliers[service]?.consecutive5xx ?? 0
    const isConvicted = limit > 0 && (most >= limit || (before.isConvicted && after >= limit))
    if ((isConvicted && !before.isConvicted) || service >= state.outliers.length) isLookDue = true
    if (after > 0 || isConvicted) suspects.set(row, { generation, failures: after, isConvicted })
    else suspects.delete(row)
  }
  const directives: Directive[] = isLookDue ? [act(lookAtTables, undefined), again] : [again]
  return { state: { ...state, suspects, unsent: [...state.unsent, rows] }, directives }
}

function onTick(state: State, now: number): Step<State> {
  const over = [...state.sentences.values()].filter(
    ({ untilMs }) => untilMs !== undefined && elapsedMs(now, untilMs) >= 0,
  )
  const { state: after, directives } = giveBack(state, over, 'time', now)
  const batch = sumUp(after.unsent)
  const isLookDue =
    after.ticks % TICKS_A_LOOK === 0 || [...after.suspects.values()].some(suspect => suspect.isConvicted)
  return {
    state: { ...after, unsent: [], ticks: after.ticks + 1 },
    directives: [
      ...directives,
      ...(batch.length > 0 ? [emit(settledBatch.of({ rows: batch }))] : []),
      ...(isLookDue ? [act(lookAtTables, undefined)] : []),
      schedule(TICK_MS, tickDue.of(null)),
    ],
  }
}

/** With the tables at hand: takes over what an earlier incarnation left, forgets who is gone, forgives, and ejects. */
function onTables(state: State, { services }: TablesView, now: number): Step<State> {
  const directives: Directive[] = []
  const sentences = new Map<number, Sentence>()
  const suspects = new Map<number, Suspect>()
  let seed = state.seed
  for (const service of services) {
    const outlier = outlierOf(state, service.name)
    if (outlier === undefined) continue
    const tally = tallyOf(service)
    for (const endpoint of service.endpoints) {
      let sentence = sentenceOf(state.sentences.get(endpoint.row), service.name, endpoint, outlier, now)
      const suspect = state.suspects.get(endpoint.row)
      if (suspect?.generation === endpoint.generation) {
        const isOut = sentence.untilMs !== undefined
        const isOpen = (endpoint.bars & ALL_BARS) === 0 && endpoint.weight > 0
        const openOthers = tally.open - (isOpen ? 1 : 0)
        if (suspect.isConvicted && !isOut && mayEject(outlier, tally.ejected, service.endpoints.length, openOthers)) {
          const die = rollDie(seed)
          seed = die.seed
          const ejections = Math.min(sentence.ejections + 1, ejectionsMax(outlier))
          const forMs = ejectionMs(outlier, ejections, die.value)
          sentence = { ...sentence, ejections, untilMs: (now + forMs) | 0 }
          directives.push(...eject(sentence, suspect.failures, forMs))
          tally.ejected++
          tally.open = openOthers
        } else if (!isOut) {
          suspects.set(endpoint.row, suspect)
        }
      }
      const lighter = sentence.untilMs === undefined ? forgive(sentence, now) : sentence
      if (lighter.ejections !== sentence.ejections && endpoint.ejections !== lighter.ejections) {
        directives.push(writeEndpoint('ejections', lighter, lighter.ejections))
      }
      if (lighter.untilMs !== undefined || lighter.ejections > 0) sentences.set(endpoint.row, lighter)
    }
  }
  const outliers = services.map(({ name }) => outlierOf(state, name))
  return { state: { ...state, seed, outliers, suspects, sentences }, directives }
}

/** What is known of an endpoint's ejections, or, if nothing is, what the table says. */
function sentenceOf(
  known: Sentence | undefined,
  service: string,
  endpoint: EndpointView,
  outlier: Outlier,
  now: number,
): Sentence {
  const { row, generation, id, bars, ejections, ejectedUntilMs } = endpoint
  if (known?.generation === generation) return known
  const untilMs = (bars & EJECTED) !== 0 ? ejectedUntilMs : undefined
  return { row, generation, service, id, outlier, ejections, untilMs, healthyMs: now }
}

function tallyOf({ endpoints }: ServiceView): { ejected: number; open: number } {
  let ejected = 0
  let open = 0
  for (const { bars, weight } of endpoints) {
    if ((bars & EJECTED) !== 0) ejected++
    if ((bars & ALL_BARS) === 0 && weight > 0) open++
  }
  return { ejected, open }
}

function eject(sentence: Sentence, failures: number, forMs: number): Directive[] {
  const { row, generation, service, id, ejections, untilMs = 0 } = sentence
  return [
    // The bar last: whoever sees it finds how long it is meant to stay.
    writeEndpoint('ejections', sentence, ejections),
    writeEndpoint('ejectedUntilMs', sentence, untilMs),
    writeEndpoint('ejectedBar', sentence, 1),
    emit(endpointEjected.of({ row, generation, service, id, failures, ejections, forMs }, `${service}/${id}`)),
  ]
}

function giveBack(state: State, over: readonly Sentence[], because: 'time' | 'healthy', now: number): Step<State> {
  if (over.length === 0) return stay(state)
  const sentences = new Map(state.sentences)
  const suspects = new Map(state.suspects)
  const directives = over.flatMap((sentence): Directive[] => {
    const { row, generation, service, id } = sentence
    sentences.set(row, { ...sentence, untilMs: undefined, healthyMs: now })
    // It begins anew: failures of requests that were under way when it was ejected are not held against it.
    suspects.delete(row)
    return [
      writeEndpoint('ejectedBar', sentence, 0),
      writeEndpoint('ejectedUntilMs', sentence, 0),
      emit(endpointReturned.of({ row, generation, service, id, because }, `${service}/${id}`)),
    ]
  })
  return { state: { ...state, sentences, suspects }, directives }
}

function forgive(sentence: Sentence, now: number): Sentence {
  const { passed, sinceMs } = healthyIntervals(sentence.outlier, sentence.healthyMs, now)
  if (passed === 0) return sentence
  return { ...sentence, ejections: Math.max(0, sentence.ejections - passed), healthyMs: sinceMs }
}

function outlierOf(state: State, service: string): Outlier | undefined {
  return Object.hasOwn(state.services, service) ? state.services[service]?.outlier : undefined
}
