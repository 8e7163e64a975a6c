import { stay } from '../../kit/grammar/directive.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { newHistogram, quantileOf, volumeOf } from '../../kit/run/latency-buckets.ts'
import { type LatencyCount, latenciesCounted, type ResponseTime, responseTimesMeasured } from '../../signals.ts'

/** Latencies of one endpoint since the last reading. Changed in place: a count for each request would otherwise be a histogram. */
interface Window {
  readonly generation: number
  readonly histogram: Uint32Array
}

export interface ResponseTimes {
  /** By row. */
  readonly windows: ReadonlyMap<number, Window>
}

const EVERY_MS = 5_000

/**
 * How long the requests of each endpoint take: 50th, 95th and 99th percentile of every 5 s in which it had any.
 *
 *   latencies-counted, each second ──▶ histogram of an endpoint ──▶ every 5 s: quantiles ──▶ begin anew
 */
export const responseTimes = defineSkill({
  name: 'response-times',
  listens: [latenciesCounted],
  emits: [responseTimesMeasured],
  sensors: [
    defineSensor({
      name: 'response-time',
      emits: responseTimesMeasured,
      everyMs: EVERY_MS,
      start: () => null,
      read: edge => quantilesOf(edge.knows() as ResponseTimes),
      perceive: (memory, rows: readonly ResponseTime[]) => ({
        memory,
        readings: rows.length === 0 ? [] : [responseTimesMeasured.of({ rows })],
      }),
    }),
  ],
  start: () => stay<ResponseTimes>({ windows: new Map() }),
  decide(slice: ResponseTimes, signal) {
    if (latenciesCounted.is(signal)) return stay({ windows: counted(slice.windows, signal.data.rows) })
    // It has been read.
    return responseTimesMeasured.is(signal) ? stay({ windows: new Map() }) : stay(slice)
  },
})

function counted(before: ReadonlyMap<number, Window>, rows: readonly LatencyCount[]): ReadonlyMap<number, Window> {
  const windows = new Map(before)
  for (const { row, generation, bucket, count } of rows) {
    let window = windows.get(row)
    if (window?.generation !== generation) windows.set(row, (window = { generation, histogram: newHistogram() }))
    window.histogram[bucket]! += count
  }
  return windows
}

function quantilesOf({ windows }: ResponseTimes): ResponseTime[] {
  return [...windows].map(([row, { generation, histogram }]) => ({
    row,
    generation,
    requests: volumeOf(histogram),
    latencyUsP50: quantileOf(histogram, 0.5),
    latencyUsP95: quantileOf(histogram, 0.95),
    latencyUsP99: quantileOf(histogram, 0.99),
  }))
}
