import { elapsedMs } from '../../engine/writer.ts'
import type { Metrics, OperationRecord } from '../signals.ts'
import { type Goals, gapsOf } from './goals.ts'

/** How it stands with improving what misses its goals by itself. */
export interface Improving {
  /** Figures in a row that missed a goal. */
  readonly missed: number
  /** How long it rests after the next attempt, in ms; 0: the shortest. */
  readonly pauseMs: number
  /** On the region's clock; null: it does not rest. */
  readonly restsUntilMs: number | null
}

/** A minute of figures: what misses its goal for a moment is no reason to change anything. */
const MISSED_MAX = 12
/** From one attempt to the next at least, twice as long after one that did not help. */
const PAUSE_MS = 600_000
const PAUSE_MS_MAX = 6 * 3_600_000

export const BY_ITSELF = 'cluster-orchestrator'

/**
 * Whether to begin an optimisation now, as figures come. `last`: the last one it began by itself, if it has ended.
 *
 *   a goal missed for a minute ──▶ begin ──▶ rest 10 min ──▶ missed again …        did not help ──▶ rest 20 min, 40 … 6 h
 */
export function improve(
  before: Improving,
  metrics: Metrics,
  goals: Goals,
  last: OperationRecord | undefined,
  now: number,
): { readonly improving: Improving; readonly begins: boolean } {
  const sight = { metrics: { figures: metrics, heardMs: now }, forecasts: new Map(), tables: { services: [] } }
  const missed = gapsOf(goals, sight).length > 0 ? before.missed + 1 : 0
  const isResting = before.restsUntilMs !== null && elapsedMs(before.restsUntilMs, now) > 0
  if (missed < MISSED_MAX || isResting) return { improving: { ...before, missed }, begins: false }
  const hasHelped = last === undefined || last.status === 'done'
  const pauseMs = hasHelped ? PAUSE_MS : Math.min(PAUSE_MS_MAX, 2 * Math.max(PAUSE_MS, before.pauseMs))
  return { improving: { missed: 0, pauseMs, restsUntilMs: (now + pauseMs) | 0 }, begins: true }
}
