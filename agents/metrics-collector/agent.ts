import { elapsedMs } from '../../engine/writer.ts'
import { defineAgent } from '../kit/grammar/agent.ts'
import { act, emit, report, type Step, schedule, stay } from '../kit/grammar/directive.ts'
import type { Signal } from '../kit/grammar/signal.ts'
import { appended } from '../kit/run/bounded.ts'
import { lookAtTables, type TablesView, tablesSeen } from '../kit/tables.ts'
import { latenciesCounted, type Metrics, metricsCollected, settledBatch } from '../signals.ts'
import { sliceDue } from './signals.ts'
import { type Names, namesOf, OpenSlice, type Slice } from './slice.ts'
import { metricsOf, SLICES_60S } from './windows.ts'

export interface State {
  /** Changed in place, see there. */
  readonly open: OpenSlice
  /** When it began. */
  readonly openMs: number
  /** As the tables said at the last look: who has gone since is known by it. */
  readonly names: Names
  /** The oldest first. */
  readonly slices: readonly Slice[]
  readonly metrics: Metrics
}

const SLICE_MS = 5_000
/**
 * So many endpoints are told one by one, and keep latencies of their own in each slice: twelve slices of them are 3 MiB, and what is told
 * some 60 KiB. With more, who is among the busiest in some slices only has the latencies of those; its rates are exact all the same.
 */
const ENDPOINTS_MAX = 256

/**
 * Metrics collector: how the requests of each service and endpoint went of late: how long they took, how many there were, which part
 * failed.
 *
 * Intuition  the tables count since ever, and everybody may read them; what they do not say is how long the slowest hundredth took in
 *            the last minute. That wants histograms, and histograms want somebody who keeps them.
 * listens    signalbox.endpoint.settled-batch · signalbox.endpoint.latencies-counted
 * emits      signalbox.metrics.collected
 * writes     nothing
 * never      keeps latencies of more than 256 endpoints by themselves; those of services are of all their endpoints
 * reload     nothing of it is in the config
 * restart    permanent; the windows begin anew. What was counted since ever is in the tables, not here
 *
 * It hears by telemetry, which is lost where there is no room, and of nothing while the failure detector does not run.
 */
export const metricsCollector = defineAgent({
  name: 'metrics-collector',
  role: 'metrics-collector',
  listens: [settledBatch, latenciesCounted],
  own: [sliceDue],
  emits: [metricsCollected],
  actions: [lookAtTables],
  start: ({ now }): Step<State> => ({
    state: { open: new OpenSlice(), openMs: now, names: new Map(), slices: [], metrics: metricsOf([], ENDPOINTS_MAX) },
    directives: [schedule(SLICE_MS, sliceDue.of(null))],
  }),
  reload: state => stay(state),
  decide,
  describe: ({ metrics }) => metrics,
})

export default metricsCollector

function decide(state: State, signal: Signal, now: number): Step<State> {
  if (settledBatch.is(signal)) for (const settled of signal.data.rows) state.open.addSettled(settled)
  if (latenciesCounted.is(signal)) for (const counted of signal.data.rows) state.open.addLatencies(counted)
  if (sliceDue.is(signal)) {
    return { state, directives: [act(lookAtTables, undefined), schedule(SLICE_MS, sliceDue.of(null))] }
  }
  if (tablesSeen.is(signal)) return onTables(state, signal.data, now)
  return stay(state)
}

/** With the names at hand: closes the slice, and tells what the last ones came to. */
function onTables(state: State, tables: TablesView, now: number): Step<State> {
  const names = namesOf(tables)
  const slice = state.open.close([names, state.names], elapsedMs(now, state.openMs), ENDPOINTS_MAX)
  const slices = appended(state.slices, slice, SLICES_60S)
  const metrics = metricsOf(slices, ENDPOINTS_MAX)
  return {
    state: { open: state.open, openMs: now, names, slices, metrics },
    directives: [emit(metricsCollected.of(metrics)), report()],
  }
}
