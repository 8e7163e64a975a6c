import { HEALTH_HEALTHY, HEALTH_UNKNOWN } from '../../../engine/writer.ts'
import { act, type Directive, emit, type Step, schedule, stay } from '../../kit/grammar/directive.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { type EndpointView, lookAtTables, type TablesView, tablesSeen } from '../../kit/tables.ts'
import {
  anomalyEnded,
  anomalyFound,
  type Capacity,
  capacityReported,
  endpointGone,
  endpointsMeasured,
  healthWordsSensed,
  latenciesCounted,
  type NetworkSensed,
  networkSensed,
  securitySensed,
  settledBatch,
  vitalsSensed,
} from '../../signals.ts'
import { TrafficWindow } from './traffic-window.ts'
import { type Reading, Usual } from './usual.ts'

/** To itself: time to close the window of traffic, and to see which endpoints there are. */
const windowDue = defineSignal('signalbox.window.scheduled')

const WINDOW_MS = 10_000

export interface Learnt {
  readonly usual: Usual
  /** How requests went since the last look at the tables, by row and of which tenant. Changed in place. */
  readonly traffic: Map<number, { readonly generation: number; readonly window: TrafficWindow }>
}

/**
 * Baseline management: learns what is usual for each endpoint (how busy it is, how fast it is reached and answers, which part of its
 * requests fails), and says of each figure that is measured what would have been usual. Lost connections and days of certificates it passes on.
 *
 * hears   readings of the sensors of a health monitor · signalbox.endpoint.{capacity-reported, settled-batch, latencies-counted}
 * says    signalbox.endpoint.measured
 * learns  from healthy endpoints alone: frozen while one is out, degraded or odd, see Usual. What it has learnt goes with its incarnation
 */
export const baselines = defineSkill({
  name: 'baselines',
  listens: [
    vitalsSensed,
    networkSensed,
    securitySensed,
    healthWordsSensed,
    capacityReported,
    settledBatch,
    latenciesCounted,
    anomalyFound,
    anomalyEnded,
    endpointGone,
  ],
  overhears: [anomalyFound, anomalyEnded, endpointGone],
  own: [windowDue],
  emits: [endpointsMeasured],
  actions: [lookAtTables],
  start: (): Step<Learnt> => ({
    state: { usual: new Usual(), traffic: new Map() },
    directives: [act(lookAtTables, undefined)],
  }),
  decide(slice: Learnt, signal, now): Step<Learnt> {
    const { usual } = slice
    if (vitalsSensed.is(signal)) {
      const answered = signal.data.rows.filter(({ isAlive }) => isAlive)
      return tell(
        slice,
        answered.map(({ row, generation, tookUs }) => ({ row, generation, metric: 'check-time', value: tookUs })),
        now,
      )
    }
    if (networkSensed.is(signal)) return tell(slice, signal.data.rows.flatMap(pathOf), now)
    if (securitySensed.is(signal)) {
      const dated = signal.data.rows.flatMap(({ row, generation, daysLeft }) =>
        daysLeft === null ? [] : [{ row, generation, metric: 'certificate-days', value: daysLeft } as const],
      )
      return tell(slice, dated, now)
    }
    if (capacityReported.is(signal)) return tell(slice, signal.data.rows.flatMap(sharesOf), now)
    if (settledBatch.is(signal)) {
      for (const { row, generation, ok, error, timeout } of signal.data.rows) {
        windowOf(slice, row, generation).settle(ok, error + timeout)
      }
    } else if (latenciesCounted.is(signal)) {
      for (const { row, generation, bucket, count } of signal.data.rows)
        windowOf(slice, row, generation).time(bucket, count)
    } else if (healthWordsSensed.is(signal)) {
      for (const { to, ...ref } of signal.data.rows) if (!isWord(to)) usual.ail(ref)
    } else if (anomalyFound.is(signal)) usual.mark(signal.data, true, now)
    else if (anomalyEnded.is(signal)) usual.mark(signal.data, false, now)
    else if (endpointGone.is(signal)) usual.forget(signal.data)
    else if (windowDue.is(signal)) return { state: slice, directives: [act(lookAtTables, undefined)] }
    else if (tablesSeen.is(signal)) return closeWindow(slice, signal.data, now)
    return stay(slice)
  },
})

/** Follows the tables, and takes what the traffic of the last seconds said. */
function closeWindow({ usual, traffic }: Learnt, { services }: TablesView, now: number): Step<Learnt> {
  usual.follow(
    services.flatMap(({ name, endpoints }) =>
      endpoints.map(endpoint => ({
        ref: { row: endpoint.row, generation: endpoint.generation, service: name, id: endpoint.id },
        isWell: isWellIn(endpoint),
      })),
    ),
  )
  const readings = [...traffic].flatMap(([row, { generation, window }]): Reading[] => {
    const { errorShare, latencies } = window
    const at = { row, generation }
    return [
      ...(errorShare === undefined ? [] : [{ ...at, metric: 'error-rate', value: errorShare } as const]),
      ...(latencies === undefined
        ? []
        : [{ ...at, metric: 'response-time', value: latencies.p95Us, shape: latencies.shapeUs } as const]),
    ]
  })
  const told = tell({ usual, traffic: new Map() }, readings, now)
  return { ...told, directives: [...told.directives, schedule(WINDOW_MS, windowDue.of(null))] }
}

function tell(slice: Learnt, readings: readonly Reading[], now: number): Step<Learnt> {
  const rows = slice.usual.take(readings, now)
  const directives: Directive[] = rows.length === 0 ? [] : [emit(endpointsMeasured.of({ rows }))]
  return { state: slice, directives }
}

/** With fewer connections one that is lost would be too many. */
const CONNECTIONS_MIN = 20

function pathOf({ row, generation, lastUs, loss, connections }: NetworkSensed): Reading[] {
  const at = { row, generation }
  return [
    ...(lastUs === null ? [] : [{ ...at, metric: 'network-latency', value: lastUs } as const]),
    ...(connections < CONNECTIONS_MIN ? [] : [{ ...at, metric: 'loss', value: loss } as const]),
  ]
}

function sharesOf({ row, generation, cpu, memory }: Capacity): Reading[] {
  return [
    ...(cpu === null ? [] : [{ row, generation, metric: 'cpu', value: cpu } as const]),
    ...(memory === null ? [] : [{ row, generation, metric: 'memory', value: memory } as const]),
  ]
}

function windowOf({ traffic }: Learnt, row: number, generation: number): TrafficWindow {
  let known = traffic.get(row)
  if (known?.generation !== generation) traffic.set(row, (known = { generation, window: new TrafficWindow() }))
  return known.window
}

const isWord = (health: number): boolean => health === HEALTH_HEALTHY || health === HEALTH_UNKNOWN

function isWellIn({ bars, health }: EndpointView): boolean {
  return bars === 0 && isWord(health)
}
