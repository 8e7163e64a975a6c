import { elapsedMs } from '../../../engine/writer.ts'
import { type Directive, emit, type Step, stay } from '../../kit/grammar/directive.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import {
  type Anomaly,
  anomalyEnded,
  anomalyFound,
  type BaselineView,
  endpointGone,
  endpointsMeasured,
  type MetricName,
  type Severity,
} from '../../signals.ts'
import { scoreOf, severityOf } from './anomaly-models.ts'
import { AnomalyWatch, type Change } from './anomaly-watch.ts'

export interface Detecting {
  readonly watch: AnomalyWatch
  /** Since when an endpoint has been odd, by row; changed in place. */
  readonly sinceMs: Map<number, number>
}

/**
 * Anomaly detection: tells when figures of an endpoint are not what they usually are, for some values in a row, and when they are again. More
 * of them at once is told again, for it is graver. What so many endpoints of a service have at once that it is no fault of theirs is told as that.
 *
 * hears   signalbox.endpoint.measured, of whoever learns what is usual · signalbox.endpoint.unwatched
 * says    signalbox.endpoint.{anomaly-found, anomaly-ended}
 */
export const anomalyDetection = defineSkill({
  name: 'anomaly-detection',
  listens: [endpointsMeasured, endpointGone],
  overhears: [endpointsMeasured, endpointGone],
  emits: [anomalyFound, anomalyEnded],
  start: (): Step<Detecting> => stay({ watch: new AnomalyWatch(), sinceMs: new Map() }),
  decide(slice: Detecting, signal, now): Step<Detecting> {
    if (endpointGone.is(signal)) {
      slice.watch.forget(signal.data)
      slice.sinceMs.delete(signal.data.row)
      return stay(slice)
    }
    const changes = slice.watch.take(signal.data.rows)
    return { state: slice, directives: changes.flatMap(change => tell(slice, change, now)) }
  },
})

function tell({ sinceMs }: Detecting, { ref, before, after, inCommon }: Change, now: number): Directive[] {
  const subject = `${ref.service}/${ref.id}`
  if (after.length === 0) {
    const tookMs = Math.max(0, elapsedMs(now, sinceMs.get(ref.row) ?? now))
    sinceMs.delete(ref.row)
    return [emit(anomalyEnded.of({ ...ref, metrics: before.map(({ metric }) => metric), tookMs }, subject))]
  }
  if (before.length === 0) sinceMs.set(ref.row, now)
  if (after.length <= before.length) return []
  const own = after.filter(({ metric }) => !inCommon.includes(metric))
  const found = { ...ref, severity: severityOf(own), score: scoreOf(after), anomalies: after, inCommon }
  return [emit(anomalyFound.of(found, subject))]
}

/** What a comparison with the usual comes to, in the words it was specified with. */
export type Comparison =
  | { readonly anomaliesDetected: false; readonly message: string }
  | {
      readonly anomaliesDetected: boolean
      readonly anomalyCount: number
      readonly anomalies: readonly Anomaly[]
      readonly severity: Severity
    }

/** What is odd of an endpoint now; where nothing is known of what is usual, exactly that. */
export function compareWithUsual(
  usual: ReadonlyMap<MetricName, BaselineView | null>,
  anomalies: readonly Anomaly[],
): Comparison {
  if (![...usual.values()].some(view => view !== null)) {
    return { anomaliesDetected: false, message: 'No baseline available for comparison' }
  }
  const anomaliesDetected = anomalies.length > 0
  return { anomaliesDetected, anomalyCount: anomalies.length, anomalies, severity: severityOf(anomalies) }
}
