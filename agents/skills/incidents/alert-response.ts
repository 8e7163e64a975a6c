import { HEALTH_DEGRADED, HEALTH_HEALTHY } from '../../../engine/writer.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeEndpoint } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal, type SignalOf } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import {
  type EndpointRef,
  endpointGone,
  healthAlerted,
  healthChanged,
  type MetricName,
  type QuarantineReason,
  quarantineRequested,
} from '../../signals.ts'
import { OF_CHECKS } from '../usual/anomaly-models.ts'
import { isSameRow } from './quarantine-list.ts'
import { lookingAt, type Sight } from './sight.ts'
import { endpointOf, type Named, subjectOf } from './subject.ts'

type Alert = SignalOf<typeof healthAlerted>['data']

/** An endpoint that is spared for a warning. */
interface Spared extends EndpointRef {
  readonly sinceMs: number
  /** Its checks have called it degraded themselves since. */
  readonly isDegraded: boolean
}

export interface AlertResponse {
  /** By `service/id`. */
  readonly spared: ReadonlyMap<string, Spared>
}

/** How long a warning spares an endpoint, in ms: two cool-downs, so that one that stays is spared all along. */
const SPARE_MS = 120_000
const SPARED_MAX = 4_096

/** Warnings about these are no fault of what the endpoint is doing now: sparing it would help nobody. */
const NO_REASON_TO_SPARE: ReadonlySet<MetricName | null> = new Set(['certificate-days', null])

/**
 * Nor is it reason enough that checks take longer than they usually do: under load this process comes to their answers late, by chance to
 * those of some endpoints more than of others, and whoever has requests tells by them.
 */
function isNoReason({ rule, metric }: Alert): boolean {
  return NO_REASON_TO_SPARE.has(metric) || (rule === 'anomaly' && metric !== null && OF_CHECKS.has(metric))
}

/** To itself: time to see whether an endpoint is still to be spared. */
const spareDue = defineSignal('signalbox.spare.end-scheduled', { data: trusted<Named & { sinceMs: number }>() })

/** What is looked at for: to spare it, or to take that back where it was spared at this moment last. */
type About = Named & { readonly to: 'spare' | number }

const look = lookingAt<About, 'spare'>('spare')

/**
 * Does about an alert what its severity asks for.
 *
 *   critical   the endpoint is kept out, where the alert says that requests to it fail; a procedure tries to repair it
 *   warning    it is spared for two minutes: degraded, so that requests go to it where the others do not suffice
 *   info       nothing: it is on record
 *
 * No more endpoints of a service are spared than may be kept out: where most of them warn, none is worse than the others.
 */
export const alertResponse = defineSkill({
  name: 'alert-response',
  listens: [healthAlerted, healthChanged, endpointGone],
  overhears: [healthAlerted, healthChanged, endpointGone],
  own: [spareDue],
  emits: [quarantineRequested],
  actions: [look],
  // The mark of one that was spared before stands until its next check, which finds it well.
  start: (_: undefined): Step<AlertResponse> => stay({ spared: new Map() }),
  decide(slice, signal, now) {
    switch (signal.type) {
      case 'signalbox.health.alerted':
        return onAlert(slice, signal.data)
      case 'signalbox.spare.seen': {
        const { about, sight } = signal.data
        return about.to === 'spare' ? spare(slice, about, sight, now) : restore(slice, about, about.to, sight)
      }
      case 'signalbox.spare.end-scheduled': {
        const { sinceMs: to, ...named } = signal.data
        return { state: slice, directives: [act(look, { named, about: { ...named, to } })] }
      }
      case 'signalbox.endpoint.health-changed':
        return stay(onHealth(slice, signal.data))
      case 'signalbox.endpoint.unwatched':
        return stay({ spared: without(slice.spared, subjectOf(signal.data)) })
    }
  },
})

function onAlert(slice: AlertResponse, alert: Alert): Step<AlertResponse> {
  const named = endpointOf(alert.subject)
  if (named === undefined) return stay(slice)
  if (alert.severity === 'critical') {
    const reason = quarantineReasonOf(alert)
    const wish = reason && quarantineRequested.of({ ...named, reason, by: `alert ${alert.rule}` }, alert.subject)
    return { state: slice, directives: wish === undefined ? [] : [emit(wish)] }
  }
  if (alert.severity === 'info' || isNoReason(alert)) return stay(slice)
  return { state: slice, directives: [act(look, { named, about: { ...named, to: 'spare' } })] }
}

/** What an endpoint is kept out for after a critical alert; undefined: keeping it out would help nobody. */
export function quarantineReasonOf({ rule, metric }: Pick<Alert, 'rule' | 'metric'>): QuarantineReason | undefined {
  if (rule === 'flapping') return 'flapping'
  if (rule === 'anomaly') return 'anomaly'
  switch (metric) {
    case 'availability':
    case 'error-rate':
    case 'loss':
      return 'failed'
    case 'response-time':
      return 'anomaly'
    default:
      return undefined
  }
}

function spare(slice: AlertResponse, named: Named, sight: Sight | undefined, now: number): Step<AlertResponse> {
  const subject = subjectOf(named)
  const known = slice.spared.get(subject)
  const isSpared = known !== undefined && sight !== undefined && isSameRow(known, sight)
  if (sight === undefined || (!isSpared && (sight.health !== HEALTH_HEALTHY || !maySpare(slice, named, sight))))
    return stay(slice)
  if (!isSpared && slice.spared.size >= SPARED_MAX) return stay(slice)
  const { row, generation } = sight
  const { service, id } = named
  const spared = { row, generation, service, id, sinceMs: now, isDegraded: isSpared && known.isDegraded }
  const directives: Directive[] = [schedule(SPARE_MS, spareDue.of({ service, id, sinceMs: now }))]
  if (sight.health === HEALTH_HEALTHY) directives.unshift(writeEndpoint('health', sight, HEALTH_DEGRADED))
  return { state: { spared: new Map(slice.spared).set(subject, spared) }, directives }
}

/** Of alerts that came together all are looked at before the first of them is spared: who is meant to be counts too. */
function maySpare({ spared }: AlertResponse, { service }: Named, { sparedOthers, sparedMax }: Sight): boolean {
  let meant = 0
  for (const each of spared.values()) if (each.service === service) meant++
  return Math.max(sparedOthers, meant) < sparedMax
}

/** It is as its checks say again, unless another warning came meanwhile. */
function restore(slice: AlertResponse, named: Named, sinceMs: number, sight: Sight | undefined): Step<AlertResponse> {
  const subject = subjectOf(named)
  const known = slice.spared.get(subject)
  if (known?.sinceMs !== sinceMs) return stay(slice)
  const spared = without(slice.spared, subject)
  const isOurs = sight !== undefined && isSameRow(known, sight) && sight.health === HEALTH_DEGRADED && !known.isDegraded
  return { state: { spared }, directives: isOurs ? [writeEndpoint('health', sight, HEALTH_HEALTHY)] : [] }
}

function onHealth(slice: AlertResponse, { to, ...endpoint }: SignalOf<typeof healthChanged>['data']): AlertResponse {
  const subject = subjectOf(endpoint)
  const known = slice.spared.get(subject)
  if (known === undefined || !isSameRow(known, endpoint)) return slice
  return { spared: new Map(slice.spared).set(subject, { ...known, isDegraded: to === 'degraded' }) }
}

function without(spared: AlertResponse['spared'], subject: string): AlertResponse['spared'] {
  if (!spared.has(subject)) return spared
  const after = new Map(spared)
  after.delete(subject)
  return after
}
