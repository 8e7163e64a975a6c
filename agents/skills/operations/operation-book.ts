import { type Config, elapsedMs } from '../../../engine/writer.ts'
import type { Signal, SignalOf } from '../../kit/grammar/signal.ts'
import type { TablesView } from '../../kit/tables.ts'
import {
  type LoadForecast,
  loadForecasted,
  type Metrics,
  metricsCollected,
  type OperationName,
  type OperationRecord,
  type operationRequested,
} from '../../signals.ts'
import type { Figures, Procedures, Sight } from './procedure.ts'
import type { Undoing } from './undoing.ts'

/** An operation that is under way. */
export interface Running {
  readonly id: string
  readonly operation: OperationName
  readonly options: Figures
  readonly by: string
  readonly memory: unknown
  readonly before: Figures
  /** Which of its stages it is at, and since when. */
  readonly stageAt: number
  readonly stageSinceMs: number
  readonly lookedMs: number
  readonly startedMs: number
  /** Wall clock, RFC 3339. */
  readonly startedAt: string
  /** Who does not want it any more: it ends with the next look; empty: nobody. */
  readonly calledOffBy: string
  /** It has not come to what it was to, and takes back what it has done. */
  readonly undoing: Undoing | undefined
}

export interface Operations {
  readonly role: string
  readonly procedures: Procedures
  readonly config: Config
  readonly seed: number
  /** Of the term of office; undefined: it does not lead. */
  readonly fence: number | undefined
  /** Readings of the book of the leader before that are under way: before it is known nothing is begun, nor written down. */
  readonly reading: number
  /** The how-manieth book was written last. */
  readonly turn: number
  /** Why nothing is begun; empty: it is. */
  readonly paused: string
  /** Questions that wait for a look at the tables. */
  readonly asked: readonly SignalOf<typeof operationRequested>[]
  readonly running: ReadonlyMap<string, Running>
  /** The last that have ended, the latest first. */
  readonly past: readonly OperationRecord[]
  readonly metrics: { readonly figures: Metrics; readonly heardMs: number } | undefined
  readonly forecasts: ReadonlyMap<string, LoadForecast>
}

/** Operations that have ended and are listed. */
export const PAST_MAX = 50
/** Of these, so many are handed to the next leader. */
const PAST_IN_BOOK = 20
const FORECASTS_MAX = 1_024

/** What the next leader has to know. */
interface Book {
  readonly running: readonly BookEntry[]
  readonly past: readonly OperationRecord[]
}

type BookEntry = Pick<Running, 'id' | 'operation' | 'options' | 'by' | 'memory' | 'before' | 'stageAt' | 'startedAt'>

export function bookOf({ running, past }: Operations): Book {
  const entries = [...running.values()].map(
    ({ id, operation, options, by, memory, before, stageAt, startedAt }): BookEntry => ({
      ...{ id, operation, options, by, memory, before, stageAt, startedAt },
    }),
  )
  return { running: entries, past: past.slice(0, PAST_IN_BOOK) }
}

/**
 * Goes on with what the leader before has written down, and gives up what cannot be gone on with; `lost`: those. Stages begin anew, for a
 * clock is each region's own.
 */
export function resumed(
  slice: Operations,
  book: unknown,
  now: number,
): { readonly state: Operations; readonly lost: readonly OperationRecord[] } {
  const { running: entries = [], past = [] } = (book ?? {}) as Partial<Book>
  const running = new Map(slice.running)
  const lost: OperationRecord[] = []
  for (const entry of entries) {
    if (running.has(entry.id)) continue
    const found: Running = {
      ...entry,
      calledOffBy: '',
      undoing: undefined,
      stageSinceMs: now,
      lookedMs: now,
      startedMs: now,
    }
    if (slice.procedures[entry.operation]?.isResumed === true) running.set(entry.id, found)
    else lost.push(finished(recordOf(slice, found, now), 'aborted', 'its orchestrator was lost', {}))
  }
  const known = new Set(slice.past.map(({ id }) => id))
  const all = [...lost, ...slice.past, ...past.filter(({ id }) => !known.has(id))]
  return { state: { ...slice, running, past: all.slice(0, PAST_MAX) }, lost }
}

/** Everybody whom operations keep out now. */
export function holdsOf({ running, procedures }: Operations): readonly string[] {
  const held = [...running.values()].flatMap(({ operation, memory, stageAt }) => {
    const { holds, stages } = procedures[operation]!
    return holds?.(memory, stages[stageAt]!.name) ?? []
  })
  return [...new Set(held)].sort()
}

/** `time`: that of the signal at hand, which is the wall clock. */
export function sightOf(
  { config, metrics, forecasts }: Operations,
  tables: TablesView,
  now: number,
  time: string,
): Sight {
  return { now, wallMs: Date.parse(time) || 0, config, tables, metrics, forecasts, siblings: [] }
}

/** What others of a kind have in memory. */
export function siblingsOf({ running }: Operations, operation: OperationName): unknown[] {
  return [...running.values()].flatMap(each => (each.operation === operation ? [each.memory] : []))
}

export function withFacts(slice: Operations, signal: Signal, now: number): Operations {
  if (metricsCollected.is(signal)) return { ...slice, metrics: { figures: signal.data, heardMs: now } }
  if (!loadForecasted.is(signal)) return slice
  const forecasts = new Map(slice.forecasts)
  for (const forecast of signal.data.services) {
    const known = forecasts.get(forecast.service)
    if (known !== undefined && known.horizonMs < forecast.horizonMs) continue
    forecasts.delete(forecast.service)
    forecasts.set(forecast.service, forecast)
    if (forecasts.size > FORECASTS_MAX) forecasts.delete(forecasts.keys().next().value!)
  }
  return { ...slice, forecasts }
}

/** An operation as it is told to others. */
export function recordOf({ procedures }: Operations, running: Running, now: number): OperationRecord {
  const { id, operation, options, by, before, stageAt, startedAt, startedMs, undoing } = running
  const stage = undoing === undefined ? (procedures[operation]?.stages[stageAt]?.name ?? '') : 'undo'
  return {
    ...{ id, operation, options, by, stage, because: '', status: 'running', startedAt, before, after: {} },
    tookMs: elapsedMs(now, startedMs),
  }
}

export function finished(
  record: OperationRecord,
  status: OperationRecord['status'],
  because: string,
  after: Figures,
): OperationRecord {
  return { ...record, status, because, after }
}

/** It runs no more, and is remembered as this. */
export function handedOver(slice: Operations, id: string, record: OperationRecord): Operations {
  const running = new Map(slice.running)
  running.delete(id)
  return { ...slice, running, past: [record, ...slice.past].slice(0, PAST_MAX) }
}
