import { defineAction } from '../../kit/grammar/action.ts'
import { act, type Directive, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { actionFailed } from '../../kit/grammar/own-signals.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { appended } from '../../kit/run/bounded.ts'
import { newHistogram, quantileOf, volumeOf } from '../../kit/run/latency-buckets.ts'
import { lookAtTables, type TablesView, tablesSeen } from '../../kit/tables.ts'
import { type LatencyCount, latenciesCounted, tunableChanged, tunableProposed } from '../../signals.ts'
import { type ChangeLoop, changeTo, LOOP_RULE, measured, restingLoop } from './change-loop.ts'
import { fitElsewhere } from './fits/fit-pool.ts'
import type { Recorded, RecordedSecond, Swept } from './fits/sweep-half-lives.ts'

/** What a sweep of tunables has come to. */
export const routingSwept = defineSignal('signalbox.routing.swept', {
  data: trusted<{ readonly swept: readonly Swept[] }>(),
})

/** Judges values of tunables in the shadow, on what was recorded; a large sweep in a thread of its own. */
export const optimizeRouting = defineAction({
  name: 'optimize-routing',
  done: routingSwept,
  run: async ({ recorded }: { readonly recorded: readonly Recorded[] }, { signal }) => ({
    swept: await fitElsewhere({ kind: 'sweep', recorded }, signal),
  }),
})

export interface OptimizationOptions {
  /** What is tuned: who goes by it hears of it by `tunableChanged`. */
  readonly tunable: string
  /** What it is where nothing better was found, and all that it may be. */
  readonly usual: number
  readonly values: readonly number[]
}

/** What is known of a service. */
interface Tuned {
  /** Seconds, the oldest first. */
  readonly seconds: readonly (readonly RecordedSecond[])[]
  readonly loop: ChangeLoop<number>
  /** The value that won the last sweeps, and how many in a row. */
  readonly winner: number
  readonly wins: number
}

export interface Optimization extends OptimizationOptions {
  /** By name of service. */
  readonly tuned: ReadonlyMap<string, Tuned>
  /** By row, of which service it is. */
  readonly services: ReadonlyMap<number, { readonly service: string; readonly generation: number }>
}

const windowDue = defineSignal('signalbox.tuning.scheduled')

/** A window is a minute: of ten requests a second it has enough for a p99. */
const WINDOW_MS = 60_000
const WINDOW_S = 60
/** Requests of a window, for its p99 to count. */
const VOLUME_MIN = 500
/** A value must be better by more than this share, in so many windows on end. */
const GAIN = 0.05
const WINS = 2
/**
 * What is recorded: of services, and of each the endpoints that are told of first, so that they are mostly the same ones from second to second:
 * it is judged how well what was tells what comes next. 32 of them with 30 buckets a second each are a megabyte a minute.
 */
const SERVICES_MAX = 16
const ENDPOINTS_MAX = 32

/**
 * Performance optimisation: measures, changes, verifies, and takes back.
 *
 *   a minute recorded ──▶ every value judged in the shadow ──▶ the same wins by 5 % twice ──▶ changed ──▶ two minutes measured
 *        ▲                                                                                                    │
 *        └────────────── kept, or taken back where p99 is worse by more than 5 % ◀────────────────────────────┘
 *
 * A value that somebody else proposes (`tunableProposed`) goes the same way from `changed` on.
 */
export const performanceOptimization = defineSkill({
  name: 'performance-optimization',
  listens: [latenciesCounted, tunableProposed, actionFailed],
  own: [windowDue],
  emits: [tunableChanged],
  actions: [lookAtTables, optimizeRouting],
  start: (options: OptimizationOptions): Step<Optimization> => ({
    state: { ...options, tuned: new Map(), services: new Map() },
    directives: [act(lookAtTables, undefined), schedule(WINDOW_MS, windowDue.of(null))],
  }),
  decide(state, signal) {
    if (latenciesCounted.is(signal)) return stay(record(state, signal.data.rows))
    if (tablesSeen.is(signal)) return stay(onTables(state, signal.data))
    if (routingSwept.is(signal)) return onSwept(state, signal.data.swept)
    if (tunableProposed.is(signal)) {
      const { service, tunable, value } = signal.data
      return tunable === state.tunable ? propose(state, service, value) : stay(state)
    }
    // A sweep that failed is made anew in a minute.
    return windowDue.is(signal) ? onWindow(state) : stay(state)
  },
})

function record(state: Optimization, rows: readonly LatencyCount[]): Optimization {
  const byService = new Map<string, Map<number, number[]>>()
  for (const { row, generation, bucket, count } of rows) {
    const of = state.services.get(row)
    if (of?.generation !== generation) continue
    let second = byService.get(of.service)
    if (second === undefined) byService.set(of.service, (second = new Map()))
    const pairs = second.get(row)
    if (pairs !== undefined) pairs.push(bucket, count)
    else if (second.size < ENDPOINTS_MAX) second.set(row, [bucket, count])
  }
  const tuned = new Map(state.tuned)
  for (const [service, second] of byService) {
    const before = tuned.get(service)
    if (before === undefined) continue
    const rows = [...second].map(([endpoint, pairs]) => ({ endpoint, pairs }))
    tuned.set(service, { ...before, seconds: appended(before.seconds, rows, WINDOW_S) })
  }
  return { ...state, tuned }
}

/** Only who picks by forecasts has something to be tuned. */
function onTables(state: Optimization, tables: TablesView): Optimization {
  const services = new Map<number, { service: string; generation: number }>()
  const tuned = new Map<string, Tuned>()
  for (const { name, policy, endpoints } of tables.services) {
    if (policy !== 'adaptive' || endpoints.length < 2 || tuned.size >= SERVICES_MAX) continue
    const unknown = { seconds: [], loop: restingLoop(state.usual), winner: state.usual, wins: 0 }
    tuned.set(name, state.tuned.get(name) ?? unknown)
    for (const { row, generation } of endpoints) services.set(row, { service: name, generation })
  }
  return { ...state, services, tuned }
}

function onWindow(state: Optimization): Step<Optimization> {
  const directives: Directive[] = [schedule(WINDOW_MS, windowDue.of(null)), act(lookAtTables, undefined)]
  let after = state
  const recorded: Recorded[] = []
  for (const [service, tuned] of state.tuned) {
    const p99Us = p99Of(tuned)
    if (p99Us === undefined) continue
    if (tuned.loop.trial === undefined) {
      recorded.push({ service, inForce: tuned.loop.inForce, values: state.values, seconds: tuned.seconds })
      continue
    }
    const { loop, verdict } = measured(LOOP_RULE, tuned.loop, p99Us)
    if (verdict === 'rolled-back')
      directives.push(change(after, service, tuned.loop.inForce, loop.inForce, 'p99 was worse with it'))
    after = put(after, service, { ...tuned, loop, wins: 0 })
  }
  if (recorded.length > 0) directives.push(act(optimizeRouting, { recorded }))
  return { state: after, directives }
}

function onSwept(state: Optimization, swept: readonly Swept[]): Step<Optimization> {
  let after = state
  const directives: Directive[] = []
  for (const { service, best, p99UsBest, p99UsInForce } of swept) {
    const tuned = after.tuned.get(service)
    if (tuned === undefined) continue
    const hasWon = best !== tuned.loop.inForce && p99UsBest < (1 - GAIN) * p99UsInForce
    const wins = hasWon ? (best === tuned.winner ? tuned.wins + 1 : 1) : 0
    after = put(after, service, { ...tuned, winner: best, wins })
    if (wins < WINS) continue
    const step = propose(after, service, best)
    after = step.state
    directives.push(...step.directives)
  }
  return { state: after, directives }
}

/** Puts a value on trial, where one of a service can be measured and none is on trial yet. */
function propose(state: Optimization, service: string, value: number): Step<Optimization> {
  const tuned = state.tuned.get(service)
  const p99Us = tuned && p99Of(tuned)
  if (tuned === undefined || p99Us === undefined || !state.values.includes(value)) return stay(state)
  const loop = changeTo(tuned.loop, value, p99Us)
  if (loop === tuned.loop) return stay(state)
  return {
    state: put(state, service, { ...tuned, loop, wins: 0 }),
    directives: [change(state, service, tuned.loop.inForce, value, 'p99 is expected to be better')],
  }
}

function change({ tunable }: Optimization, service: string, before: number, value: number, because: string): Directive {
  return emit(tunableChanged.of({ service, tunable, before, value, because }, service))
}

function put(state: Optimization, service: string, tuned: Tuned): Optimization {
  return { ...state, tuned: new Map(state.tuned).set(service, tuned) }
}

/** Of the last minute, µs; undefined where there were too few requests. */
function p99Of({ seconds }: Tuned): number | undefined {
  const sum = newHistogram()
  for (const rows of seconds) {
    for (const { pairs } of rows) for (let at = 0; at < pairs.length; at += 2) sum[pairs[at]!]! += pairs[at + 1]!
  }
  return volumeOf(sum) < VOLUME_MIN ? undefined : quantileOf(sum, 0.99)
}
