import { isolatedMax } from '../../../engine/writer.ts'
import type { RowRef } from '../../kit/table-port.ts'
import type { Anomaly, EndpointRef, Measured, MetricName } from '../../signals.ts'
import { MODELS, type Model, memory, percentile, placeOf, statistical, trend, type Verdict } from './anomaly-models.ts'

/** Values in a row that are as usual before an anomaly is over. */
const CALM_IN_A_ROW = 3

/** One figure of one endpoint under watch. */
interface Track {
  /** What the model looks back on, the oldest first. */
  readonly values: number[]
  /** Values in a row that stood out; or, negative, that did not. */
  streak: number
  /** Values in a row that were half-way there, at least. */
  near: number
  anomaly: Anomaly | undefined
}

interface Watched {
  readonly ref: EndpointRef
  readonly tracks: (Track | undefined)[]
}

/** What has changed of an endpoint: what is odd of it now, none: nothing any more. */
export interface Change {
  readonly ref: EndpointRef
  readonly before: readonly Anomaly[]
  readonly after: readonly Anomaly[]
  /** Those of them that are no fault of this endpoint alone. */
  readonly inCommon: readonly MetricName[]
}

/**
 * Holds what is measured of endpoints against the models, and remembers what stands out. Changed in place; bounded by the rows of the tables:
 * of each endpoint a hundred and odd values.
 *
 * What stands out of more endpoints of a service than may be out at a time, or is about to, they have in common: a busy machine that
 * measures, a network, a surge. The one that crosses the threshold first is not at fault for it.
 */
export class AnomalyWatch {
  readonly #watched = new Map<number, Watched>()

  /** What is odd of an endpoint now. */
  of({ row, generation }: RowRef): readonly Anomaly[] {
    const watched = this.#watched.get(row)
    return watched?.ref.generation === generation ? anomaliesOf(watched) : []
  }

  /** Takes what was measured, in its order; says of which endpoints something else is odd than before. */
  take(rows: readonly Measured[]): Change[] {
    const changes: Omit<Change, 'inCommon'>[] = []
    for (const measured of rows) {
      const at = placeOf(measured.metric)
      if (at === undefined) continue
      const watched = this.#watch(measured)
      const track = (watched.tracks[at] ??= { values: [], streak: 0, near: 0, anomaly: undefined })
      const was = track.anomaly
      judge(track, MODELS[at]!, measured)
      if ((track.anomaly === undefined) === (was === undefined)) continue
      const after = anomaliesOf(watched)
      const before = was === undefined ? after.filter(each => each !== track.anomaly) : [...after, was]
      changes.push({ ref: watched.ref, before, after })
    }
    if (changes.length === 0) return []
    // Only now: who is with them may be further down in the rows.
    const shared = this.#shared()
    return changes.map(change => {
      const metrics = change.after.map(({ metric }) => metric)
      return { ...change, inCommon: metrics.filter(metric => shared.has(`${metric} ${change.ref.service}`)) }
    })
  }

  /** There is no such endpoint any more. */
  forget({ row, generation }: RowRef): void {
    if (this.#watched.get(row)?.ref.generation === generation) this.#watched.delete(row)
  }

  /** What too many endpoints have at once, as `metric service`. */
  #shared(): ReadonlySet<string> {
    const sizes = new Map<string, number>()
    const near = new Map<string, number>()
    for (const { ref, tracks } of this.#watched.values()) {
      sizes.set(ref.service, (sizes.get(ref.service) ?? 0) + 1)
      for (const [at, track] of tracks.entries()) {
        const { metric, inARow } = MODELS[at]!
        if (track === undefined || (track.anomaly === undefined && track.near < inARow)) continue
        const key = `${metric} ${ref.service}`
        near.set(key, (near.get(key) ?? 0) + 1)
      }
    }
    const isShared = ([key, count]: [string, number]): boolean =>
      count > isolatedMax(sizes.get(key.slice(key.indexOf(' ') + 1))!)
    return new Set([...near].filter(isShared).map(([key]) => key))
  }

  #watch({ row, generation, service, id }: Measured): Watched {
    let watched = this.#watched.get(row)
    if (watched?.ref.generation !== generation) {
      this.#watched.set(row, (watched = { ref: { row, generation, service, id }, tracks: [] }))
    }
    return watched
  }
}

function anomaliesOf({ tracks }: Watched): Anomaly[] {
  return tracks.flatMap(track => track?.anomaly ?? [])
}

function judge(track: Track, model: Model, measured: Measured): void {
  const { metric, value, baseline, isLearnt } = measured
  const isOfBefore = model.model === 'statistical'
  if (!isOfBefore) keep(track, value, model)
  const verdict = baseline === null ? undefined : verdictOf(model, track.values, measured)
  track.near = verdict?.isNear === true ? track.near + 1 : 0
  if (verdict?.isAnomalous === true) {
    track.streak = Math.max(0, track.streak) + 1
    // Told as it is now for as long as it lasts.
    if (track.streak >= model.inARow || track.anomaly !== undefined) track.anomaly = anomalyOf(metric, model, verdict)
    return
  }
  // What stands out does not get into the window of what is usual, nor what is no sample of it.
  if (isOfBefore && isLearnt) keep(track, value, model)
  track.streak = Math.min(0, track.streak) - 1
  if (baseline === null || -track.streak >= CALM_IN_A_ROW) track.anomaly = undefined
}

/** Of a value: what the model of its metric finds. Undefined: it says nothing yet. */
function verdictOf(
  model: Model,
  values: readonly number[],
  { metric, value, baseline }: Measured,
): Verdict | undefined {
  if (metric === 'memory') return memory(value, values, model)
  if (model.model === 'statistical') return statistical(value, values, model)
  return model.model === 'trend' ? trend(values, baseline!, model) : percentile(values, baseline!, model)
}

function keep({ values }: Track, value: number, { window }: Model): void {
  values.push(value)
  if (values.length > window) values.shift()
}

function anomalyOf(metric: MetricName, { model }: Model, { value, expected, score, hasLeak }: Verdict): Anomaly {
  return { metric, model, value, expected, score, hasLeak }
}
