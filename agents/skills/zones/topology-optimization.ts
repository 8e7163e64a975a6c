import type { Config } from '../../../engine/writer.ts'
import { act, type Directive, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { defineSignal, type Signal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../../kit/tables.ts'
import { connectivityMeasured } from '../../signals/discovery.ts'
import { zonesPreferred } from '../../signals/load.ts'
import { metricsCollected } from '../../signals/metrics.ts'
import { type Places, ZONES_MAX, zonesPlaced } from './geography.ts'
import { distanceKm, leastRttMs } from './haversine.ts'
import { factorOfGoodness, weighZones } from './zone-cost.ts'
import { byZone, loadsOf, type Measured, measureZones, type Reached } from './zone-measures.ts'
import { NO_PREFERENCE, type Preference, prefer, type Turn } from './zone-preference.ts'
import { spillZones } from './zone-spill.ts'

type Knobs = Config['agents']['topology-optimizer']

/** A service whose zones are told apart, as others were told last. */
export interface ServiceZones {
  readonly preference: Preference
  readonly factors: ReadonlyMap<string, number>
  /** Looks since they were. */
  readonly looks: number
}

export interface TopologyOptimization {
  readonly knobs: Knobs
  /** This node's; empty: not known. */
  readonly zone: string
  /** Services whose operator has said how zones are to be told apart. */
  readonly arranged: ReadonlySet<string>
  readonly places: Places
  /** By row; as many as there are rows at most. */
  readonly reached: Reached
  /** µs at the 95th percentile of the last ten seconds, by service, where enough requests were settled. */
  readonly p95Us: ReadonlyMap<string, number>
  readonly services: ReadonlyMap<string, ServiceZones>
}

/** Fewer say nothing of the slow ones. */
const REQUESTS_MIN = 20
/** Who weighs may have been started anew: it is told again after so many looks. */
const TELL_AGAIN_LOOKS = 4

/** To itself: time for a look at the zones. */
const syncDue = defineSignal('signalbox.zones.scheduled')

/**
 * Topology optimization: which zones requests of each service should go to, as seen from here.
 *
 *   connectivity · latencies · places ──▶ goodness of zones ──▶ prefer: twice in a row, taken back where it got slower
 *                                                                  └──▶ spill: no zone beyond its headroom ──▶ zones-preferred
 *
 * A look every `sync`, and one change of a service at each look at most. A service whose operator has arranged its zones himself (`locality`, or
 * the policy `zone`) is left alone.
 */
export const topologyOptimization = defineSkill({
  name: 'topology-optimization',
  listens: [connectivityMeasured, metricsCollected, zonesPlaced],
  own: [syncDue],
  emits: [zonesPreferred],
  actions: [lookAtTables],
  start: (_: undefined, { config }): Step<TopologyOptimization> => ({
    state: {
      ...settingsOf(config),
      ...{ places: {}, reached: new Map(), p95Us: new Map(), services: new Map() },
    },
    directives: [schedule(config.agents['topology-optimizer'].sync, syncDue.of(null))],
  }),
  reload: (slice, config) => stay({ ...slice, ...settingsOf(config) }),
  decide,
})

function settingsOf(config: Config): Pick<TopologyOptimization, 'knobs' | 'zone' | 'arranged'> {
  const arranged = Object.entries(config.services).filter(
    ([, { locality, policy }]) => locality !== undefined || policy.name === 'zone',
  )
  return {
    knobs: config.agents['topology-optimizer'],
    zone: config.zone,
    arranged: new Set(arranged.map(([name]) => name)),
  }
}

function decide(slice: TopologyOptimization, signal: Signal, _now: number): Step<TopologyOptimization> {
  if (syncDue.is(signal)) {
    return { state: slice, directives: [act(lookAtTables, undefined), schedule(slice.knobs.sync, syncDue.of(null))] }
  }
  if (tablesSeen.is(signal)) return onTables(slice, signal.data)
  if (connectivityMeasured.is(signal)) {
    const reached = new Map(slice.reached)
    for (const each of signal.data.rows) reached.set(each.row, each)
    return stay({ ...slice, reached })
  }
  if (metricsCollected.is(signal)) {
    const busy = signal.data.services.filter(({ last10s }) => last10s.requests >= REQUESTS_MIN)
    return stay({ ...slice, p95Us: new Map(busy.map(({ service, last10s }) => [service, last10s.latencyUsP95])) })
  }
  if (zonesPlaced.is(signal)) return stay({ ...slice, places: signal.data.places })
  return stay(slice)
}

function onTables(before: TopologyOptimization, tables: TablesView): Step<TopologyOptimization> {
  const services = new Map<string, ServiceZones>()
  const directives: Directive[] = []
  for (const service of tables.services) {
    const known = before.services.get(service.name) ?? { preference: NO_PREFERENCE, factors: new Map(), looks: 0 }
    const next = look(before, service, known, directives)
    if (next !== undefined) services.set(service.name, next)
  }
  const rows = new Set(tables.services.flatMap(({ endpoints }) => endpoints.map(({ row }) => row)))
  const reached = new Map([...before.reached].filter(([row]) => rows.has(row)))
  return { state: { ...before, services, reached }, directives }
}

function look(
  slice: TopologyOptimization,
  { name, endpoints }: ServiceView,
  before: ServiceZones,
  directives: Directive[],
): ServiceZones | undefined {
  const { knobs, reached, p95Us } = slice
  const zones = byZone(endpoints, ZONES_MAX)
  if (slice.arranged.has(name) || zones.size < 2) {
    // What was said of it does not hold any more.
    if (before.factors.size > 0)
      directives.push(
        tell(
          name,
          [...before.factors.keys()].map(zone => [zone, 1]),
          'they are not told apart any more',
        ),
      )
    return undefined
  }
  const measured = measureZones(zones, reached, zone => rttMsTo(slice, zone))
  const goodness = measured === undefined ? before.preference.inForce : weighZones(measured.measures, knobs.weights)
  const { preference, turn } = prefer(before.preference, goodness, p95Us.get(name), knobs)
  const kept = (zone: string): number => factorOfGoodness(preference.inForce.get(zone) ?? 1, knobs.least)
  const wanted = spillZones(loadsOf(zones, kept), knobs.headroom)
  const factors = new Map([...wanted].map(([zone, factor]) => [zone, Math.max(knobs.least, factor)]))
  const isEven = [...factors.values()].every(factor => factor === 1)
  const looks = before.looks + 1
  const isDue = preference.isTold && !isEven && looks >= TELL_AGAIN_LOOKS
  const hasSpilt = turn === 'none' && preference.isTold && isOther(before.factors, factors, knobs.change)
  if (turn === 'none' && !hasSpilt && !isDue) return { preference, factors: before.factors, looks }
  directives.push(tell(name, [...factors], becauseOf(turn, measured)))
  return { preference, factors, looks: 0 }
}

function tell(service: string, factors: readonly (readonly [string, number])[], because: string): Directive {
  const zones = factors.map(([zone, factor]) => ({ zone, factor }))
  return emit(zonesPreferred.of({ service, zones, because }, service))
}

function becauseOf(turn: Turn, measured: Measured | undefined): string {
  if (turn === 'taken-back') return 'requests got slower by the last change: it is taken back'
  if (measured === undefined) return 'nothing is known of all zones'
  const { source, measures } = measured
  const times = measures.map(({ zone, latencyMs }) => `${zone} ${latencyMs.toFixed(1)} ms`)
  return `by ${source}: ${times.join(', ')}`
}

function isOther(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, change: number): boolean {
  return [...after].some(([zone, factor]) => Math.abs(factor / (before.get(zone) ?? 1) - 1) > change)
}

function rttMsTo({ places, zone: here }: TopologyOptimization, zone: string): number | undefined {
  const [from, to] = [places[here], places[zone]]
  return from === undefined || to === undefined ? undefined : leastRttMs(distanceKm(from, to))
}
