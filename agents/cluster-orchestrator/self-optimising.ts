import { elapsedMs } from '../../engine/writer.ts'
import { NOTHING_SEEN } from '../kit/tables.ts'
import type { Metrics } from '../signals.ts'
import { type Goals, gapsOf } from './goals.ts'

/** How it stands with improving what misses its goals by itself. */
export interface Improving {
  /** Figures in a row that missed a goal, and that met all. */
  readonly missed: number
  readonly met: number
  /** By how much the goals were missed together at the last attempt, in goals; null: none counts any more. */
  readonly missThen: number | null
  /** How long it rests after the last attempt, in ms; 0: there was none. */
  readonly pauseMs: number
  /** On the region's clock; null: it does not rest. */
  readonly restsUntilMs: number | null
}

export const NOT_IMPROVING: Improving = { missed: 0, met: 0, missThen: null, pauseMs: 0, restsUntilMs: null }

/** A minute of figures: what misses its goal for a moment is no reason to change anything, and what meets it for a moment has not helped. */
const FIGURES_MIN = 12
/** From one attempt to the next at least, twice as long after one that did not help. */
const PAUSE_MS = 600_000
const PAUSE_MS_MAX = 6 * 3_600_000
/** An attempt has helped that has made the miss smaller by this share. */
const HELPED_MIN = 0.05

export const BY_ITSELF = 'cluster-orchestrator'

/**
 * Whether to begin an optimisation now, as figures come.
 *
 *   a goal missed for a minute ──▶ begin ──▶ rest 10 min ──▶ missed as far ──▶ begin ──▶ rest 20 min, 40 … 6 h
 *                                              └── all met for a minute, or missed by less: 10 min again
 */
export function improve(
  before: Improving,
  metrics: Metrics,
  goals: Goals,
  now: number,
): { readonly improving: Improving; readonly begins: boolean } {
  const sight = { metrics: { figures: metrics, heardMs: now }, forecasts: new Map(), tables: NOTHING_SEEN }
  const gaps = gapsOf(goals, sight)
  const isMissed = gaps.length > 0
  const counted = { ...before, missed: isMissed ? before.missed + 1 : 0, met: isMissed ? 0 : before.met + 1 }
  const after = counted.met >= FIGURES_MIN ? { ...counted, missThen: null, pauseMs: 0 } : counted
  const isResting = after.restsUntilMs !== null && elapsedMs(after.restsUntilMs, now) > 0
  if (after.missed < FIGURES_MIN || isResting) return { improving: after, begins: false }
  const miss = gaps.reduce((sum, gap) => sum + gap.miss, 0)
  const hasHelped = after.missThen === null || miss <= after.missThen * (1 - HELPED_MIN)
  const pauseMs = hasHelped ? PAUSE_MS : Math.min(PAUSE_MS_MAX, 2 * Math.max(PAUSE_MS, after.pauseMs))
  const restsUntilMs = (now + pauseMs) | 0
  return { improving: { missed: 0, met: 0, missThen: miss, pauseMs, restsUntilMs }, begins: true }
}
