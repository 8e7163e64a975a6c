import {
  type Attachment,
  ERROR,
  elapsedMs,
  gaugesOf,
  HARD_BARS,
  isKeyedPolicy,
  SOFT_BARS,
  TIMEOUT,
} from '../../../engine/writer.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { grown, NO_COUNTS, type RowCounts, readRowCounts } from './row-counts.ts'
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

interface ServiceGauges {
  readonly isKeyed: boolean
  readonly inflight: number
  readonly retries: number
  readonly pending: number
}

interface Look {
  readonly counts: RowCounts
  /** In the order of the services. */
  readonly gauges: readonly ServiceGauges[]
  /** By row: what it is drawn by, 0 where it may not be picked; and what is in flight on it. */
  readonly pulls: Float64Array
  readonly inflight: Int32Array
  readonly ms: number
}

const PICKED = 0
const FAILED = 1

const EVERY_MS = 1_000

/** Each second, of every service: what was sent and what failed, what is in flight and waits, and how it is spread. */
export const traffic = defineSensor({
  name: 'traffic',
  emits: trafficMeasured,
  everyMs: EVERY_MS,
  start: (): Look => ({
    ...{ counts: NO_COUNTS, gauges: [], pulls: new Float64Array(0), inflight: new Int32Array(0), ms: 0 },
  }),
  read: ({ attachment, now }) => readLook(attachment, now()),
  perceive(before, after) {
    const isFirst = before.counts === NO_COUNTS
    const seconds = elapsedMs(after.ms, before.ms) / 1000
    const earlier = new Set(before.counts.services.map(({ service }) => service))
    const seen = after.counts.services.flatMap((each, i) =>
      isFirst || seconds <= 0 || !earlier.has(each.service) ? [] : [sightOf(before, after, i, seconds)],
    )
    return { memory: after, readings: seen.length === 0 ? [] : [trafficMeasured.of(seen)] }
  },
})

function readLook(attachment: Attachment, ms: number): Look {
  const { endpoints, tally } = attachment
  const failed = (row: number): number => (tally.settled(row, ERROR) + tally.settled(row, TIMEOUT)) | 0
  const counts = readRowCounts(attachment, row => tally.picked(row), failed)
  const texts = attachment.serviceTexts()
  const gauges = counts.services.map(({ index }) => ({
    isKeyed: isKeyedPolicy(texts[index]!.text.policy.name),
    ...gaugesOf(attachment, index),
  }))
  const pulls = new Float64Array(counts.generations.length)
  const inflight = new Int32Array(counts.generations.length)
  for (const { rows } of counts.services) {
    for (const row of rows) {
      const isOut = (endpoints.bars(row) & (HARD_BARS | SOFT_BARS)) !== 0
      pulls[row] = isOut ? 0 : endpoints.weight(row) * endpoints.factor(row)
      inflight[row] = tally.inflight(row)
    }
  }
  return { counts, gauges, pulls, inflight, ms }
}

function sightOf(before: Look, after: Look, at: number, seconds: number): ServiceTraffic {
  const { counts, gauges, pulls, inflight } = after
  const { service, rows } = counts.services[at]!
  const sentTo = (row: number): number => grown(before.counts, counts, row, PICKED)
  let [all, failed] = [0, 0]
  for (const row of rows) {
    all += sentTo(row)
    failed += grown(before.counts, counts, row, FAILED)
  }
  return {
    service,
    ...gauges[at]!,
    perSecond: all / seconds,
    // Of what was sent: what ends now was mostly sent a moment ago.
    failedShare: all === 0 ? 0 : Math.min(1, failed / all),
    sentSkew: skewOf(rows, pulls, sentTo),
    inflightSkew: skewOf(rows, pulls, row => inflight[row]!),
  }
}

/** Part of the load over part of the weight, of the endpoint where that is the most, of those that may be picked; 0 without load. */
function skewOf(rows: readonly number[], pulls: Float64Array, loadOf: (row: number) => number): number {
  let [load, weight] = [0, 0]
  for (const row of rows) {
    if (pulls[row] === 0) continue
    load += loadOf(row)
    weight += pulls[row]!
  }
  if (load === 0 || weight === 0) return 0
  let most = 0
  for (const row of rows) {
    if (pulls[row] !== 0) most = Math.max(most, loadOf(row) / load / (pulls[row]! / weight))
  }
  return most
}
