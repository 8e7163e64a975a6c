import { elapsedMs } from '../../../engine/writer.ts'

/** Whether there is too much of something, as it has been of late. */
export interface Pressure {
  readonly isOver: boolean
  /** At the last reading it was beyond the limit. */
  readonly isBeyond: boolean
  /** Since when it has been beyond the limit, or, where it is over, below it; undefined: neither. */
  readonly sinceMs: number | undefined
}

/** When there is too much, and when not any more. A limit of 0 is none. */
export interface PressureRule {
  readonly limit: number
  readonly overForMs: number
  readonly calmForMs: number
}

export const NO_PRESSURE: Pressure = { isOver: false, isBeyond: false, sinceMs: undefined }

/**
 * The next reading.
 *
 *   calm ──beyond the limit for overForMs──▶ over ──below it for calmForMs──▶ calm
 *
 * Who goes away from it only while it is beyond the limit, and back once it is calm, comes to rest at the limit. Were it calm only well below
 * the limit, a use that is steady in between would never be let go again.
 */
export function pressed(
  before: Pressure,
  used: number,
  { limit, overForMs, calmForMs }: PressureRule,
  now: number,
): Pressure {
  const { isOver } = before
  if (limit === 0) return NO_PRESSURE
  const isBeyond = used >= limit
  if (isOver === isBeyond) return { isOver, isBeyond, sinceMs: undefined }
  const sinceMs = before.sinceMs ?? now
  const isDue = elapsedMs(now, sinceMs) >= (isOver ? calmForMs : overForMs)
  return isDue ? { isOver: !isOver, isBeyond, sinceMs: undefined } : { isOver, isBeyond, sinceMs }
}
