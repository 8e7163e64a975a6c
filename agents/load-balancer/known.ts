import { elapsedMs } from '../../engine/writer.ts'
import type { Performance } from './adaptation.ts'
import type { Easing } from './easing.ts'
import type { Gradient } from './gradient.ts'

/** What is kept of an endpoint besides what the tables say. */
export interface Known {
  readonly generation: number
  readonly easing: Easing
  readonly latencyUs: number
  /** The clock at its last batch. */
  readonly batchMs: number
  /** Its limit, where concurrency is adaptive. */
  readonly gradient: Gradient | undefined
  /** What was settled `ok` since its limit was last adjusted; nothing while it has none. */
  readonly unread: { readonly ok: number; readonly latencyUsSum: number }
  /** It could be picked when it was last looked at, and has not come since. */
  readonly wasOpen: boolean
  /** The clock when it was let back from quarantine; undefined when it is no canary, or not any more. */
  readonly releasedMs: number | undefined
  /** How its requests went of late, and as of when; undefined: nothing is known. */
  readonly performance: Measured | undefined
  /** The shares of its weight that it keeps for how its requests go, and for what it bears. */
  readonly adapted: number
  readonly evened: number
}

export interface Measured extends Performance {
  readonly latencyUsP95: number
  readonly ms: number
}

export const NOTHING_UNREAD = { ok: 0, latencyUsSum: 0 }

/** Figures that were not renewed for so long say nothing: it has no requests. */
const MEASURED_MS = 15_000

/** How its requests went, unless that is too long ago. */
export function performanceOf({ performance }: Known, now: number): Measured | undefined {
  return performance !== undefined && elapsedMs(now, performance.ms) < MEASURED_MS ? performance : undefined
}

/** With newer figures of some kind; what they do not say stays as it was. */
export function measured(known: Known, figures: Partial<Omit<Measured, 'ms'>>, now: number): Known {
  const before = performanceOf(known, now) ?? { requests: 0, latencyUsP95: 0, latencyUsP99: 0, errorShare: 0 }
  return { ...known, performance: { ...before, ...figures, ms: now } }
}
