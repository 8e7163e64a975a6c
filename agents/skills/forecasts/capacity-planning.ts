import { defineAction } from '../../kit/grammar/action.ts'
import { act, type Directive, emit, type Step, stay } from '../../kit/grammar/directive.ts'
import { actionFailed } from '../../kit/grammar/own-signals.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { type Capacity, capacityReported, type LoadForecast, loadForecasted } from '../../signals.ts'
import { theilSen } from '../theil-sen.ts'
import { fitElsewhere } from './fits/fit-pool.ts'
import type { SeasonalFit, Series } from './fits/fit-seasonal.ts'
import { expectLoad, type Load, NO_LOAD, nextMinute, PERIOD, withFit } from './load-forecast.ts'
import { type Workload, workloadPattern, workloadSensed } from './workload-pattern.ts'

/** What fits have come to. */
export const seasonsFitted = defineSignal('signalbox.season.fitted', {
  data: trusted<{ readonly fits: readonly SeasonalFit[] }>(),
})

/** Finds for each series the rule that would have forecast it best; a large one in a thread of its own. */
export const fitSeasons = defineAction({
  name: 'fit-seasons',
  done: seasonsFitted,
  run: async ({ series }: { readonly series: readonly Series[] }, { signal }) => ({
    fits: await fitElsewhere({ kind: 'seasonal', series }, signal),
  }),
})

/** What a service can carry, and what it will have to. */
export interface Plan {
  readonly service: string
  readonly perSecond: number
  /** Requests per second it could carry, by how much of itself it uses for those it has; undefined: nobody reports that. */
  readonly capacity: number | undefined
  /** capacity − p95 of the forecast for five minutes ahead; below 0: it will not be enough. */
  readonly headroom: number | undefined
  /** Until the load reaches the capacity, if it goes on as in the last half hour; undefined: it does not grow, or nothing is known. */
  readonly exhaustedInMs: number | undefined
}

export interface CapacityPlanning {
  /** By name of service. */
  readonly loads: ReadonlyMap<string, Load>
  /** By service, then id: the used share of each endpoint as it last said. */
  readonly used: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly plans: ReadonlyMap<string, Plan>
  readonly minutes: number
}

/** Services whose load is kept: 1,440 minutes of each are 12 KiB. */
const SERVICES_MAX = 256
const ENDPOINTS_MAX = 1024
/** A fit is made anew each hour, when a season is over. */
const FIT_MINUTES = 60
/** Below this share of use, what a service could carry is a guess. */
const USED_MIN = 0.05
/** Growth is taken over so many minutes, and what explains them worse is none. */
const GROWTH_MINUTES = 30
const GROWTH_R2 = 0.5

/**
 * Capacity planning: how many requests each service will get in a minute and in five, and whether it can carry them.
 *
 *   requests by minute ──▶ Holt, or Holt and Winters where a season helps ──▶ forecast, and what exceeds it one time in twenty
 *   used shares        ──▶ capacity = requests per second ÷ used share      ──▶ headroom = capacity − that
 */
export const capacityPlanning = defineSkill({
  name: 'capacity-planning',
  listens: [capacityReported, actionFailed],
  emits: [loadForecasted],
  actions: [fitSeasons],
  sensors: [workloadPattern],
  start: (_: undefined): Step<CapacityPlanning> =>
    stay({ loads: new Map(), used: new Map(), plans: new Map(), minutes: 0 }),
  decide(state, signal, now) {
    if (workloadSensed.is(signal)) return onWorkload(state, signal.data.services, now)
    if (capacityReported.is(signal)) return stay(onCapacity(state, signal.data.rows))
    // A fit that failed is made anew in an hour.
    return seasonsFitted.is(signal) ? stay(onFits(state, signal.data.fits)) : stay(state)
  },
})

function onWorkload(state: CapacityPlanning, services: readonly Workload[], now: number): Step<CapacityPlanning> {
  const loads = new Map<string, Load>()
  const used = new Map<string, ReadonlyMap<string, number>>()
  const plans = new Map<string, Plan>()
  const told: LoadForecast[] = []
  let isMinute = false
  for (const { service, perSecond, minute } of services.slice(0, SERVICES_MAX)) {
    const before = state.loads.get(service) ?? NO_LOAD
    const load = minute === null ? { ...before, perSecond } : nextMinute(before, minute / 60, now)
    isMinute ||= minute !== null
    loads.set(service, load)
    const shares = state.used.get(service)
    if (shares !== undefined) used.set(service, shares)
    plans.set(service, planOf(service, load, shares))
    if (load.minutes.length === 0) continue
    for (const forecast of expectLoad(load)) told.push({ service, perSecond, ...forecast })
  }
  const minutes = state.minutes + (isMinute ? 1 : 0)
  const directives: Directive[] = told.length === 0 ? [] : [emit(loadForecasted.of({ services: told }))]
  if (isMinute && minutes % FIT_MINUTES === 0) {
    const series = [...loads].map(([service, load]) => ({ service, period: PERIOD, values: load.minutes }))
    directives.push(act(fitSeasons, { series }))
  }
  return { state: { loads, used, plans, minutes }, directives }
}

/** Who says how much of itself it uses: as a whole, or by what it uses most of. */
function onCapacity(state: CapacityPlanning, rows: readonly Capacity[]): CapacityPlanning {
  const used = new Map(state.used)
  for (const { service, id, utilisation, cpu, memory, network } of rows) {
    const each = [cpu, memory, network].filter(share => share !== null)
    const share = utilisation ?? (each.length > 0 ? Math.max(...each) : undefined)
    if (share === undefined || !state.loads.has(service)) continue
    const shares = new Map(used.get(service)).set(id, share)
    // Who is gone is not told of here: the oldest make room.
    if (shares.size > ENDPOINTS_MAX) shares.delete(shares.keys().next().value!)
    used.set(service, shares)
  }
  return { ...state, used }
}

function onFits(state: CapacityPlanning, fits: readonly SeasonalFit[]): CapacityPlanning {
  const loads = new Map(state.loads)
  for (const fit of fits) {
    const load = loads.get(fit.service)
    if (load !== undefined) loads.set(fit.service, withFit(load, fit))
  }
  return { ...state, loads }
}

function planOf(service: string, load: Load, shares: ReadonlyMap<string, number> | undefined): Plan {
  const { perSecond } = load
  const each = [...(shares?.values() ?? [])]
  const used = each.reduce((sum, share) => sum + share, 0) / Math.max(1, each.length)
  const capacity = used < USED_MIN ? undefined : perSecond / used
  const p95 = expectLoad(load).at(-1)!.p95
  return {
    ...{ service, perSecond, capacity },
    headroom: capacity === undefined ? undefined : capacity - p95,
    exhaustedInMs: capacity === undefined ? undefined : exhaustedInMs(load, capacity),
  }
}

function exhaustedInMs({ minutes, perSecond }: Load, capacity: number): number | undefined {
  const last = minutes.slice(-GROWTH_MINUTES)
  if (last.length < GROWTH_MINUTES) return undefined
  const { slope, r2 } = theilSen(
    last.map((_, i) => i),
    last,
  )
  if (slope <= 0 || r2 < GROWTH_R2) return undefined
  return Math.max(0, ((capacity - perSecond) / slope) * 60_000)
}
