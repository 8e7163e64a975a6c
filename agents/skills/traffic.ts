import { type Attachment, ERROR, gaugesOf, HARD_BARS, isKeyedPolicy, SOFT_BARS, TIMEOUT } from '../../engine/writer.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSensor } from '../kit/grammar/sensor.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { countsOf, grownSince, type RowCount } from './row-counts.ts'
import type { Sight } from './surge-class.ts'

/** What was seen of a service in the last second. */
export interface ServiceTraffic extends Sight {
  readonly service: string
  /** Requests that wait for room. */
  readonly pending: number
}

/** To itself: how much there is to do. */
export const trafficMeasured = defineSignal('signalbox.traffic.measured', {
  data: trusted<readonly ServiceTraffic[]>(),
})

interface Counted extends RowCount {
  readonly weight: number
  readonly inflight: number
  readonly failed: RowCount
  readonly isOpen: boolean
}

interface ServiceCounts {
  readonly service: string
  readonly isKeyed: boolean
  readonly inflight: number
  readonly retries: number
  readonly pending: number
  readonly rows: readonly Counted[]
}

const EVERY_MS = 1_000

/** Each second, of every service: what was sent and what failed, what is in flight and waits, and how it is spread. */
export const traffic = defineSensor({
  name: 'traffic',
  emits: trafficMeasured,
  everyMs: EVERY_MS,
  start: () => ({ services: [] as readonly ServiceCounts[], ms: 0 }),
  read: ({ attachment, now }) => ({ services: readCounts(attachment), ms: now() }),
  perceive(before, after) {
    const known = new Map(before.services.map(each => [each.service, each]))
    const seconds = (after.ms - before.ms) / 1000
    const seen = after.services.flatMap(each => {
      const earlier = known.get(each.service)
      return earlier === undefined || seconds <= 0 ? [] : [sightOf(earlier, each, seconds)]
    })
    return { memory: after, readings: seen.length === 0 ? [] : [trafficMeasured.of(seen)] }
  },
})

function readCounts(attachment: Attachment): ServiceCounts[] {
  const { endpoints, tally } = attachment
  return attachment.serviceTexts().flatMap(({ text, rows }, index) => {
    if (text.isGone) return []
    return [
      {
        service: text.name,
        isKeyed: isKeyedPolicy(text.policy.name),
        ...gaugesOf(attachment, index),
        rows: rows.map(row => {
          const generation = endpoints.generation(row)
          return {
            row,
            generation,
            count: tally.picked(row),
            failed: { row, generation, count: (tally.settled(row, ERROR) + tally.settled(row, TIMEOUT)) | 0 },
            weight: endpoints.weight(row) * endpoints.factor(row),
            inflight: tally.inflight(row),
            isOpen: (endpoints.bars(row) & (HARD_BARS | SOFT_BARS)) === 0,
          }
        }),
      },
    ]
  })
}

function sightOf(before: ServiceCounts, after: ServiceCounts, seconds: number): ServiceTraffic {
  const { service, isKeyed, inflight, retries, pending, rows } = after
  const picked = countsOf(before.rows)
  const failedBefore = countsOf(before.rows.map(({ failed }) => failed))
  const sent = rows.map(each => grownSince(picked, each))
  const failed = rows.reduce((sum, each) => sum + grownSince(failedBefore, each.failed), 0)
  const all = sent.reduce((sum, each) => sum + each, 0)
  return {
    ...{ service, isKeyed, inflight, retries, pending },
    perSecond: all / seconds,
    // Of what was sent: what ends now was mostly sent a moment ago.
    failedShare: all === 0 ? 0 : Math.min(1, failed / all),
    sentSkew: skewOf(rows, sent),
    inflightSkew: skewOf(
      rows,
      rows.map(each => each.inflight),
    ),
  }
}

/** Part of the load over part of the weight, of the endpoint where that is the most; 0 without load. */
function skewOf(rows: readonly Counted[], loads: readonly number[]): number {
  let [load, weight] = [0, 0]
  for (const [i, row] of rows.entries()) {
    if (!row.isOpen) continue
    load += loads[i]!
    weight += row.weight
  }
  if (load === 0 || weight === 0) return 0
  let most = 0
  for (const [i, row] of rows.entries()) {
    if (row.isOpen && row.weight > 0) most = Math.max(most, loads[i]! / load / (row.weight / weight))
  }
  return most
}
