import { elapsedMs } from '../../engine/writer.ts'
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
  /** How long its requests took of late, and how many of them failed; undefined: nothing is known. */
  readonly times: Times | undefined
  readonly failures: Failures | undefined
  /** The shares of its weight that it keeps for how its requests go, and for what it bears. */
  readonly adapted: number
  readonly evened: number
}

/** A figure goes with the requests it was taken of, and as of when: each kind has a window of its own. */
interface Measured {
  readonly requests: number
  readonly ms: number
}

/** µs */
export interface Times extends Measured {
  readonly latencyUsP95: number
  readonly latencyUsP99: number
}

export interface Failures extends Measured {
  /** From 0 to 1. */
  readonly errorShare: number
}

export const NOTHING_UNREAD = { ok: 0, latencyUsSum: 0 }

/** Requests it takes to say something of an endpoint. */
export const REQUESTS_MIN = 20

/** Figures that were not renewed for so long say nothing: it has no requests. */
const MEASURED_MS = 15_000

/** A figure that says something; undefined: it is of too few requests, or of too long ago. */
export function telling<Figure extends Measured>(figure: Figure | undefined, now: number): Figure | undefined {
  if (figure === undefined || figure.requests < REQUESTS_MIN) return undefined
  return elapsedMs(now, figure.ms) < MEASURED_MS ? figure : undefined
}
