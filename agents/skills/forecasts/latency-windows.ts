import { elapsedMs } from '../../../engine/writer.ts'
import { type Step, stay } from '../../kit/grammar/directive.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSensor } from '../../kit/grammar/sensor.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill, type Mounted } from '../../kit/grammar/skill.ts'
import { appended } from '../../kit/run/bounded.ts'
import { latenciesCounted } from '../../signals.ts'
import { type Line, theilSen } from '../theil-sen.ts'
import { LatencyLedger, type WindowRow } from './latency-ledger.ts'

/** A reading: the latencies of each endpoint that had requests in the last second. */
export const latenciesMeasured = defineSignal('signalbox.latency.measured', {
  data: trusted<{ readonly rows: readonly WindowRow[] }>(),
  telemetry: true,
})

/** The line through an endpoint's p95, by second: µs per second. `windows`: how many seconds with requests it goes through. */
export interface TrendRow {
  readonly row: number
  readonly generation: number
  readonly windows: number
  readonly line: Line
}

/** A reading: where the p95 of each endpoint goes. */
export const latencyTrended = defineSignal('signalbox.latency.trended', {
  data: trusted<{ readonly rows: readonly TrendRow[] }>(),
  telemetry: true,
})

const SECOND_MS = 1000
/** Seconds that a trend goes through. */
export const TREND_WINDOWS = 20

/** Closes the second under way, once a second. */
export function latencyMeasurement(ledger: LatencyLedger) {
  return defineSensor({
    name: 'latency-measurement',
    emits: latenciesMeasured,
    everyMs: SECOND_MS,
    start: () => null,
    read: () => ledger.close(),
    perceive: (memory, rows) => ({ memory, readings: rows.length === 0 ? [] : [latenciesMeasured.of({ rows })] }),
  })
}

/** One second's p95 of an endpoint: the clock at its end, and µs. */
interface P95 {
  readonly atMs: number
  readonly us: number
}

interface P95s {
  readonly generation: number
  readonly points: readonly P95[]
}

/** Between two looks at where latencies go: sorting the slopes of thousands of endpoints each second would tell. */
const TREND_MS = 5000

/** The seconds that were measured since the sensor of trends last looked. */
export class UntrendedSeconds {
  #seconds: { readonly atMs: number; readonly rows: readonly WindowRow[] }[] = []

  add(atMs: number, rows: readonly WindowRow[]): void {
    this.#seconds.push({ atMs, rows })
    if (this.#seconds.length > TREND_WINDOWS) this.#seconds.shift()
  }

  take() {
    const seconds = this.#seconds
    this.#seconds = []
    return seconds
  }
}

/** Draws a robust line through the last twenty p95s of each endpoint, every five seconds. */
export function performanceTrend(untrended: UntrendedSeconds) {
  return defineSensor({
    name: 'performance-trend',
    emits: latencyTrended,
    everyMs: TREND_MS,
    start: (): ReadonlyMap<number, P95s> => new Map(),
    read: () => untrended.take(),
    perceive: (before: ReadonlyMap<number, P95s>, seconds: ReturnType<UntrendedSeconds['take']>, now) => {
      const memory = new Map(before)
      for (const { atMs, rows } of seconds) {
        for (const { row, generation, p95Us } of rows) {
          const known = memory.get(row)
          const earlier = known?.generation === generation ? known.points : []
          memory.set(row, { generation, points: appended(earlier, { atMs, us: p95Us }, TREND_WINDOWS) })
        }
      }
      const trends: TrendRow[] = []
      for (const [row, { generation, points }] of memory) {
        // Who has been silent for as long as a trend is long has none.
        if (elapsedMs(now, points.at(-1)!.atMs) >= TREND_WINDOWS * SECOND_MS) memory.delete(row)
        else if (points.length > 2) {
          const xs = points.map(({ atMs }) => -elapsedMs(now, atMs) / 1000)
          const ys = points.map(({ us }) => us)
          trends.push({ row, generation, windows: points.length, line: theilSen(xs, ys) })
        }
      }
      return { memory, readings: trends.length === 0 ? [] : [latencyTrended.of({ rows: trends })] }
    },
  })
}

/**
 * Keeps the latencies of the last ten seconds, and tells its agent and the other skills of it each second how they are and where they go.
 * Each call makes one with a ledger of its own; mount it from `start`, so that another incarnation begins with another.
 */
export function latencyWindows(key: string): Mounted<LatencyLedger> {
  const ledger = new LatencyLedger()
  const untrended = new UntrendedSeconds()
  const skill = defineSkill({
    name: 'latency-windows',
    listens: [latenciesCounted],
    sensors: [latencyMeasurement(ledger), performanceTrend(untrended)],
    start: (): Step<LatencyLedger> => stay(ledger),
    decide(slice, signal, now) {
      if (signal.type === latenciesCounted.type) for (const row of signal.data.rows) slice.add(row)
      if (signal.type === latenciesMeasured.type) untrended.add(now, signal.data.rows)
      return stay(slice)
    },
  })
  return skill.mount(key, undefined)
}
