import { type BarName, barNames, HARD_BARS } from '../memory/bars.ts'
import { elapsedMs, readClock } from '../memory/clock.ts'
import { HEALTH_NAMES, type HealthName } from '../memory/endpoint-table.ts'
import type { RowTotals } from '../memory/tally.ts'
import { findPolicy } from '../policies/registry.ts'
import type { Attachment } from './attachment.ts'

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
  /** weight × factor, or 0 while a bar that counts now is set. */
  effectiveWeight: number
  isPickable: boolean
  health: HealthName
  bars: BarName[]
  /** Milliseconds until an ejection ends; 0 when not ejected. */
  ejectedForMs: number
  inflight: number
  /** Smoothed latency in µs; 0 when nothing is known. */
  latencyUs: number
  totals: RowTotals
  /** The same in a sentence. */
  why: string
}

export interface ServiceReport {
  service: string
  policy: string
  /** True while health is ignored because too few endpoints are left. */
  hasPanic: boolean
  /** Times panic mode was entered. */
  panics: number
  endpoints: EndpointReport[]
}

/** Reports every service, as this thread sees the tables at this instant. */
export function reportServices(attachment: Attachment): ServiceReport[] {
  return attachment.serviceTexts().map(({ text, rows }, index) => {
    const mask = countingBars(attachment, index, rows, text.panicThreshold)
    return {
      service: text.name,
      policy: findPolicy(text.policy.name)?.name ?? text.policy.name,
      hasPanic: mask === HARD_BARS,
      panics: attachment.services.panics(index),
      endpoints: rows.map(row => reportEndpoint(attachment, row, mask)),
    }
  })
}

/** The bars a pick heeds now: when all rows are held back by opinions, it ignores those, see Router.pick. */
function countingBars(attachment: Attachment, service: number, rows: number[], panicThreshold: number): number {
  const mask = attachment.services.barMask(service)
  const { endpoints } = attachment
  const hasOpen = (bars: number): boolean =>
    rows.some(row => (endpoints.bars(row) & bars) === 0 && endpoints.pull(row) > 0)
  return panicThreshold > 0 && !hasOpen(mask) && hasOpen(HARD_BARS) ? HARD_BARS : mask
}

/** Reports one service. Throws SBX_SERVICE_UNKNOWN. */
export function reportService(attachment: Attachment, service: string): ServiceReport {
  const { index } = attachment.findService(service)
  return reportServices(attachment)[index]
}

function reportEndpoint(attachment: Attachment, row: number, mask: number): EndpointReport {
  const { endpoints, tally, region } = attachment
  const { id, url, zone, metadata } = attachment.endpoint(row)
  const bars = endpoints.bars(row)
  const weight = endpoints.weight(row)
  const factor = endpoints.factor(row)
  const isPickable = (bars & mask) === 0 && endpoints.pull(row) > 0
  const left = elapsedMs(endpoints.ejectedUntilMs(row), readClock(region))
  const names = barNames(bars)
  return {
    id,
    url,
    zone,
    metadata: { ...metadata },
    row,
    priority: endpoints.priority(row),
    weight,
    factor,
    effectiveWeight: isPickable ? weight * factor : 0,
    isPickable,
    health: HEALTH_NAMES[endpoints.health(row)],
    bars: names,
    ejectedForMs: names.includes('ejected') ? Math.max(0, left) : 0,
    inflight: tally.inflight(row),
    latencyUs: endpoints.latencyUs(row),
    totals: tally.totals(row),
    why: why(names, barNames(bars & mask), weight, factor),
  }
}

function why(all: BarName[], counting: BarName[], weight: number, factor: number): string {
  if (counting.length > 0) return `not picked: ${counting.join(' and ')}`
  if (weight === 0) return 'not picked: its weight is 0'
  if (factor === 0) return 'not picked: the load balancer gives it nothing'
  const share = factor < 1 ? `weight ${weight} × ${factor.toFixed(2)}` : `weight ${weight}`
  return all.length > 0
    ? `picked with ${share} although ${all.join(' and ')}: panic mode ignores health`
    : `picked with ${share}`
}
