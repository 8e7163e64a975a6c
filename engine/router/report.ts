import { Affinity } from '../memory/affinity.ts'
import { isSwitchedOn, POLICY_OFF, SWITCH_NAMES, type SwitchName } from '../memory/agent-switches.ts'
import { type BarName, barNames, LEAVING } from '../memory/bars.ts'
import { tableSize } from '../memory/choice-tables.ts'
import { CLASS_NAMES, type ClassName } from '../memory/classes.ts'
import { elapsedMs, readClock } from '../memory/clock.ts'
import { HEALTH_NAMES, type HealthName } from '../memory/endpoint-table.ts'
import { GAUGE_CONNECTIONS, GAUGE_INFLIGHT, GAUGE_PENDING, GAUGE_RETRIES, Gauges } from '../memory/gauges.ts'
import { othersOf } from '../memory/others-inflight.ts'
import type { ServiceText } from '../memory/service-text.ts'
import { serviceCount, serviceStart, serviceTable } from '../memory/slots.ts'
import type { RowTotals } from '../memory/tally.ts'
import { findPolicy } from '../policies/registry.ts'
import type { Attachment } from './attachment.ts'
import { policyInForce } from './policy-in-force.ts'
import { isAnyPicked, isPicked, type Standing, standingsOf } from './standing.ts'
import { Tiers } from './tiers.ts'
import { why } from './why.ts'

/** What is known of one endpoint now, and why it can or cannot be picked. Plain data. */
export interface EndpointReport {
  id: string
  url: string
  zone: string
  metadata: Record<string, string>
  row: number
  priority: number
  /** The operator's weight. */
  weight: number
  /** What the facts leave of it, 0…1. */
  factor: number
  /** weight × factor, or 0 while it cannot be picked. */
  effectiveWeight: number
  isPickable: boolean
  health: HealthName
  /** What stands against it. */
  bars: BarName[]
  /** What would, if the agent that says so were not switched off. */
  ignored: BarName[]
  /** Milliseconds until an ejection ends; 0 when not ejected. */
  ejectedForMs: number
  /** Milliseconds until an open breaker lets a probe through; 0 when it is closed or due. */
  breakerOpenForMs: number
  inflight: number
  /** Requests of routers in other processes, as it told of them; 0 where it tells nothing. */
  elsewhere: number
  /** Requests in flight it may have; 0: no limit. */
  limit: number
  /** Smoothed latency in µs; 0 when nothing is known. */
  latencyUs: number
  totals: RowTotals
  /** The same in a sentence. */
  why: string
}

/** How the requests of a service are spread over one priority. */
export interface PriorityReport {
  priority: number
  endpoints: number
  healthy: number
  degraded: number
  /** Percent of the requests that go to its healthy and to its degraded endpoints. */
  healthyLoad: number
  degradedLoad: number
  /** True while health is ignored here because too few endpoints are left. */
  hasPanic: boolean
}

export interface ServiceReport {
  service: string
  /** What it is picked by now. */
  policy: string
  /** What the config says, where that is another. */
  policyConfigured: string | null
  /** True while health is ignored in any of its priorities. */
  hasPanic: boolean
  /** Times panic mode was entered, as the control plane saw it. */
  panics: number
  priorities: PriorityReport[]
  /** All threads together, at this moment. */
  inflight: number
  retries: number
  connections: number
  pending: number
  /** Sessions that are kept at an endpoint now; 0 where the policy keeps none. */
  sessions: number
  /** The table its policy looks up: entries, and the endpoints in it. Null where there is none, or none yet. */
  table: { entries: number; members: number } | null
  /** The dearest class of requests that is turned away; null: none is. */
  shedFrom: ClassName | null
  /** Requests that may be in flight as long as this process can bear no more; 0: any number. */
  admitted: number
  /** Agents whose words do not count now. */
  switchedOff: SwitchName[]
  endpoints: EndpointReport[]
}

/** Reports every service, as this thread sees the tables at this instant. */
export function reportServices(attachment: Attachment): ServiceReport[] {
  return attachment
    .serviceTexts()
    .flatMap(({ text, rows }, index) => (text.isGone ? [] : [reportOne(attachment, index, text, rows)]))
}

/** Reports one service. Throws SBX_SERVICE_UNKNOWN. */
export function reportService(attachment: Attachment, service: string): ServiceReport {
  const { index } = attachment.findService(service)
  const { text, rows } = attachment.serviceTexts()[index]
  return reportOne(attachment, index, text, rows)
}

/** The services, and whether a pick would give anything: what their reports say of that, at a fraction of what they cost. */
export function reportPickable(attachment: Attachment): { service: string; isPickable: boolean }[] {
  return attachment.serviceTexts().flatMap(({ text, rows }, index) => {
    if (text.isGone) return []
    const priorities = prioritiesOf(tiersOf(attachment, index, text))
    return [{ service: text.name, isPickable: isAnyPicked(attachment, rows, text, priorities) }]
  })
}

/** Reports one endpoint; undefined: the service has none of this id. Throws SBX_SERVICE_UNKNOWN. */
export function reportEndpointOf(attachment: Attachment, service: string, id: string): EndpointReport | undefined {
  const { index } = attachment.findService(service)
  const row = attachment.rowOfId(index, id)
  const { text, rows } = attachment.serviceTexts()[index]
  const at = rows.indexOf(row)
  if (at < 0) return undefined
  const priorities = prioritiesOf(tiersOf(attachment, index, text))
  return reportEndpoint(attachment, standingsOf(attachment, rows, text, priorities)[at]!)
}

function tiersOf(attachment: Attachment, index: number, text: ServiceText): Tiers {
  const { region, slot } = attachment
  const tiers = new Tiers(attachment, index)
  tiers.bind(text, serviceStart(region, slot, index), serviceCount(region, slot, index), undefined)
  return tiers
}

function reportOne(attachment: Attachment, index: number, text: ServiceText, rows: readonly number[]): ServiceReport {
  const { region, seat, services, slot } = attachment
  const tiers = tiersOf(attachment, index, text)
  const gauges = new Gauges(region, seat, index)
  const priorities = prioritiesOf(tiers)
  const configured = findPolicy(text.policy.name)?.name ?? text.policy.name
  const isHeeded = (tiers.off & POLICY_OFF) === 0
  const policy = policyInForce(text, isHeeded ? services.policy(index) : 0)
  const name = policy?.name ?? configured
  return {
    service: text.name,
    policy: name,
    policyConfigured: name === configured ? null : configured,
    hasPanic: priorities.some(({ hasPanic }) => hasPanic),
    panics: services.panics(index),
    priorities,
    inflight: gauges.sum(GAUGE_INFLIGHT),
    retries: gauges.sum(GAUGE_RETRIES),
    connections: gauges.sum(GAUGE_CONNECTIONS),
    pending: gauges.sum(GAUGE_PENDING),
    sessions: policy?.keepsSessions === true ? new Affinity(region, index).count() : 0,
    table: tableSize(region, serviceTable(region, slot, index)) ?? null,
    shedFrom: CLASS_NAMES[services.shedFrom(index) || -1] ?? null,
    admitted: services.admitted(index),
    switchedOff: SWITCH_NAMES.filter(name => !isSwitchedOn(region, name)),
    endpoints: standingsOf(attachment, rows, text, priorities).map(each => reportEndpoint(attachment, each)),
  }
}

function prioritiesOf({ loads }: Tiers): PriorityReport[] {
  const priorities: PriorityReport[] = []
  for (let priority = 0; priority < loads.count; priority++) {
    if (loads.endpoints[priority] === 0) continue
    priorities.push({
      priority,
      endpoints: loads.endpoints[priority],
      healthy: loads.healthy[priority],
      degraded: loads.degraded[priority],
      healthyLoad: loads.healthyLoad[priority],
      degradedLoad: loads.degradedLoad[priority],
      hasPanic: loads.panic[priority] === 1,
    })
  }
  return priorities
}

function reportEndpoint(attachment: Attachment, standing: Standing): EndpointReport {
  const { endpoints, tally, region } = attachment
  const { row, priority, weight, factor, inflight, limit, breakerOpenForMs } = standing
  const { id, url, zone, metadata } = attachment.endpoint(row)
  const bars = barNames(standing.bars | (standing.isLeaving ? LEAVING : 0))
  const isPickable = isPicked(standing)
  const ejectedForMs = elapsedMs(endpoints.ejectedUntilMs(row), readClock(region))
  return {
    id,
    url,
    zone,
    metadata: { ...metadata },
    row,
    priority,
    weight,
    factor,
    effectiveWeight: isPickable ? weight * factor : 0,
    isPickable,
    health: HEALTH_NAMES[endpoints.health(row)],
    bars,
    ignored: barNames(standing.ignored),
    ejectedForMs: bars.includes('ejected') ? Math.max(0, ejectedForMs) : 0,
    breakerOpenForMs,
    inflight,
    elsewhere: othersOf(region, row),
    limit,
    latencyUs: endpoints.latencyUs(row),
    totals: tally.totals(row),
    why: why(standing),
  }
}
