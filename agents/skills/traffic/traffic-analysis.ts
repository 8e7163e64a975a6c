import { elapsedMs } from '../../../engine/writer.ts'
import { type Directive, emit, type Step, stay } from '../../kit/grammar/directive.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { appended } from '../../kit/run/bounded.ts'
import { type SurgeClass, surgeBegun, surgeEnded } from '../../signals.ts'
import { afterSecond, NO_RATES, type Rates, type SurgeRule } from './surge.ts'
import { classOf } from './surge-class.ts'
import { type ServiceTraffic, traffic, trafficMeasured } from './traffic.ts'

/** A surge that is under way. */
export interface Surge {
  readonly class: SurgeClass
  readonly begunMs: number
  /** What was usual before it. */
  readonly usual: number
  readonly peak: number
}

/** A minute of a service. */
interface Minute {
  readonly service: string
  readonly perSecond: number
  readonly peak: number
}

export interface ServiceRates {
  readonly rates: Rates
  readonly surge: Surge | undefined
  readonly last: ServiceTraffic
}

export interface TrafficAnalysis {
  readonly rule: SurgeRule
  readonly services: ReadonlyMap<string, ServiceRates>
  /** A day of minutes, of all services together at most so many. */
  readonly patterns: readonly Minute[]
}

const PATTERNS_MAX = 1440
const SECONDS = 60

/**
 * Knows how much there is to do: the rate of requests by the second, what is usual, and when it surges, with the class of the surge.
 *
 *   traffic, each second ──▶ rates ──▶ surge begun, by class ──▶ … ──▶ surge ended
 */
export const trafficAnalysis = defineSkill({
  name: 'traffic-analysis',
  emits: [surgeBegun, surgeEnded],
  sensors: [traffic],
  start: (_: undefined, { config }) =>
    stay<TrafficAnalysis>({ rule: config.agents['load-balancer'].surge, services: new Map(), patterns: [] }),
  reload: (slice: TrafficAnalysis, { agents }) => stay({ ...slice, rule: agents['load-balancer'].surge }),
  decide: (slice: TrafficAnalysis, signal, now) =>
    trafficMeasured.is(signal) ? onMeasured(slice, signal.data, now) : stay(slice),
})

function onMeasured(slice: TrafficAnalysis, seen: readonly ServiceTraffic[], now: number): Step<TrafficAnalysis> {
  const services = new Map<string, ServiceRates>()
  const directives: Directive[] = []
  let { patterns } = slice
  for (const last of seen) {
    const { service, perSecond } = last
    const before = slice.services.get(service)
    const rates = afterSecond(slice.rule, before?.rates ?? NO_RATES, perSecond)
    const surge = surgeAfter(before, rates, last, now)
    services.set(service, { rates, surge, last })
    if (surge !== undefined && before?.surge === undefined) {
      const { usual } = surge
      directives.push(emit(surgeBegun.of({ service, class: surge.class, perSecond, usual }, service)))
    }
    if (surge === undefined && before?.surge !== undefined) {
      const { class: kind, begunMs, peak } = before.surge
      const tookMs = Math.max(0, elapsedMs(now, begunMs))
      directives.push(emit(surgeEnded.of({ service, class: kind, tookMs, peakPerSecond: peak }, service)))
    }
    if (rates.seconds % SECONDS === 0) {
      const mean = rates.buckets.reduce((sum, each) => sum + each, 0) / rates.buckets.length
      patterns = appended(patterns, { service, perSecond: mean, peak: Math.max(...rates.buckets) }, PATTERNS_MAX)
    }
  }
  return { state: { ...slice, services, patterns }, directives }
}

/** A surge keeps its first class: what is done about it changes how it looks. */
function surgeAfter(
  before: ServiceRates | undefined,
  { isSurge }: Rates,
  last: ServiceTraffic,
  now: number,
): Surge | undefined {
  if (!isSurge) return undefined
  const peak = Math.max(before?.surge?.peak ?? 0, last.perSecond)
  if (before?.surge !== undefined) return { ...before.surge, peak }
  return { class: classOf(last), begunMs: now, usual: before?.rates.usual ?? 0, peak }
}
