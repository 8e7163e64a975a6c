import { elapsedMs } from '../../../engine/writer.ts'
import type { RowRef } from '../../kit/table-port.ts'
import type { EndpointRef, Measured, MetricName } from '../../signals.ts'
import { Baseline } from './baseline.ts'

/** What is learnt of one endpoint. */
interface Learning {
  readonly ref: EndpointRef
  readonly baselines: Map<MetricName, Baseline>
  /** It may be picked, and no check speaks against it. */
  isWell: boolean
  /** Since when something of it has not been as usual; undefined: nothing is. */
  oddSinceMs: number | undefined
}

/** A figure that has been read of an endpoint. `shape`: values that are spread as those it stands for. */
export interface Reading extends RowRef {
  readonly metric: MetricName
  readonly value: number
  readonly shape?: readonly number[]
}

/** What has been odd for so long, while the endpoint is well, is usual by now: it is learnt anew, in ms. */
const ODD_MS_MAX = 30 * 60_000

/**
 * What is usual for each endpoint, by metric; learnt from readings while it is well, left as it is while it is not.
 *
 *   well, nothing odd ──▶ learns        out, degraded, or something odd ──▶ frozen        odd for half an hour, or another tenant ──▶ anew
 *
 * Changed in place: with ten thousand endpoints a copy for each reading would tell. Bounded by the endpoints there are.
 */
export class Usual {
  readonly #learnings = new Map<number, Learning>()

  /** How many endpoints it knows. */
  get size(): number {
    return this.#learnings.size
  }

  /** These endpoints there are, and whether each is well; others are forgotten. */
  follow(endpoints: Iterable<{ readonly ref: EndpointRef; readonly isWell: boolean }>): void {
    const gone = new Set(this.#learnings.keys())
    for (const { ref, isWell } of endpoints) {
      gone.delete(ref.row)
      const known = this.#find(ref)
      if (known !== undefined) known.isWell = isWell
      else this.#learnings.set(ref.row, { ref, baselines: new Map(), isWell, oddSinceMs: undefined })
    }
    for (const row of gone) this.#learnings.delete(row)
  }

  /** There is no such endpoint any more: what is read of it late is left out. */
  forget(ref: RowRef): void {
    if (this.#find(ref) !== undefined) this.#learnings.delete(ref.row)
  }

  /** A check speaks against it, until `follow` says otherwise. */
  ail(ref: RowRef): void {
    const learning = this.#find(ref)
    if (learning !== undefined) learning.isWell = false
  }

  /** Something of it is not as usual, or is again. */
  mark(ref: RowRef, isOdd: boolean, now: number): void {
    const learning = this.#find(ref)
    if (learning === undefined) return
    if (!isOdd) learning.oddSinceMs = undefined
    else learning.oddSinceMs ??= now
  }

  /** Holds readings against what is usual, and learns from them. Those of endpoints it does not know are left out. */
  take(readings: readonly Reading[], now: number): Measured[] {
    const rows: Measured[] = []
    for (const reading of readings) {
      const learning = this.#find(reading)
      if (learning === undefined) continue
      if (learning.oddSinceMs !== undefined && elapsedMs(now, learning.oddSinceMs) >= ODD_MS_MAX) {
        learning.baselines.clear()
        learning.oddSinceMs = undefined
      }
      rows.push(weigh(learning, reading))
    }
    return rows
  }

  /** What is usual of an endpoint, as far as it is known. */
  of(ref: RowRef): ReadonlyMap<MetricName, Baseline> {
    return this.#find(ref)?.baselines ?? new Map()
  }

  #find({ row, generation }: RowRef): Learning | undefined {
    const learning = this.#learnings.get(row)
    return learning?.ref.generation === generation ? learning : undefined
  }
}

/** Of these nothing is usual: they are good or bad by themselves. */
const ABSOLUTE: ReadonlySet<MetricName> = new Set(['loss', 'certificate-days'])

function weigh({ ref, baselines, isWell, oddSinceMs }: Learning, { metric, value, shape }: Reading): Measured {
  const { row, generation, service, id } = ref
  if (ABSOLUTE.has(metric)) return { row, generation, service, id, metric, value, baseline: null, isLearnt: false }
  let baseline = baselines.get(metric)
  if (baseline === undefined) baselines.set(metric, (baseline = new Baseline()))
  const isLearnt = isWell && oddSinceMs === undefined
  const measured = { row, generation, service, id, metric, value, baseline: baseline.view(), isLearnt }
  if (!measured.isLearnt) return measured
  if (shape === undefined) baseline.add(value)
  else {
    for (const each of shape) baseline.addShape(each)
    baseline.addLevel(value)
  }
  return measured
}
