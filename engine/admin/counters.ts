import type { Box } from '../box/box.ts'
import { outcomesLost } from '../memory/outcome-ring.ts'
import type { RowTotals } from '../memory/tally.ts'
import { type EndpointReport, reportEndpointOf, type ServiceReport } from '../router/report.ts'

/** Threads count modulo 2^32: at 100,000 requests a second that is twelve hours, so a reading a minute misses no wrap. */
export const WIDEN_EVERY_MS = 60_000

const COUNTS = ['picked', 'ok', 'error', 'timeout', 'abandoned'] as const

/**
 * Counts that never go backwards while an endpoint lives, made of counts that wrap at 2^32: each reading adds what came
 * since the one before, by difference modulo 2^32.
 */
export class Counters {
  readonly #box: Box
  #rows = new Map<number, Row>()
  #lost = 0
  #lostSeen = 0

  constructor(box: Box) {
    this.#box = box
  }

  /** Every service with wide counts. Throws SBX_BOX_CLOSED. */
  services(): ServiceReport[] {
    const before = this.#rows
    this.#rows = new Map()
    return this.#box.services().map(report => this.#allWidened(report, before))
  }

  /** One service with wide counts. Throws SBX_SERVICE_UNKNOWN, SBX_BOX_CLOSED. */
  service(name: string): ServiceReport {
    return this.#allWidened(this.#box.explain(name), this.#rows)
  }

  /** One endpoint with wide counts; undefined: the service has none of this id. Throws SBX_SERVICE_UNKNOWN. */
  endpoint(service: string, id: string): EndpointReport | undefined {
    const report = reportEndpointOf(this.#box.attachment, service, id)
    return report === undefined ? undefined : this.#widened(report, this.#rows)
  }

  /** Outcomes that were never reported because a ring was full. */
  lost(): number {
    const seen = outcomesLost(this.#box.attachment.region)
    this.#lost += (seen - this.#lostSeen) >>> 0
    this.#lostSeen = seen
    return this.#lost
  }

  #allWidened(report: ServiceReport, before: ReadonlyMap<number, Row>): ServiceReport {
    return { ...report, endpoints: report.endpoints.map(endpoint => this.#widened(endpoint, before)) }
  }

  #widened(endpoint: EndpointReport, before: ReadonlyMap<number, Row>): EndpointReport {
    const { row, totals: seen } = endpoint
    const generation = this.#box.attachment.endpoints.generation(row)
    const known = before.get(row)
    const last = known?.generation === generation ? known : undefined
    const totals = { ...seen }
    if (last !== undefined) {
      for (const count of COUNTS) totals[count] = last.totals[count] + ((seen[count] - last.seen[count]) >>> 0)
    }
    this.#rows.set(row, { generation, seen, totals })
    return { ...endpoint, totals }
  }
}

interface Row {
  /** A row's next tenant begins at zero. */
  generation: number
  /** As read. */
  seen: RowTotals
  /** As told. */
  totals: RowTotals
}
