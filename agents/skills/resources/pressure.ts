import { elapsedMs } from '../../../engine/writer.ts'

/** Whether there is too much of something, as it has been of late. */
export interface Pressure {
  readonly isOver: boolean
  /** Since when it has been beyond the limit, or, where it is over, well below it; undefined: neither. */
  readonly sinceMs: number | undefined
}

/** When there is too much, and when not any more. A limit of 0 is none. */
export interface PressureRule {
  readonly limit: number
  readonly overForMs: number
  readonly calmForMs: number
}

export const NO_PRESSURE: Pressure = { isOver: false, sinceMs: undefined }

/** So much of the limit is well below it. */
const CALM_SHARE = 0.8

/**
 * The next reading.
 *
 *   calm ──beyond the limit for overForMs──▶ over ──below 80 % of it for calmForMs──▶ calm
 *
 * Between 80 % and the limit nothing changes: what was calm stays calm, what was over stays over.
 */
export function pressed(
  before: Pressure,
  used: number,
  { limit, overForMs, calmForMs }: PressureRule,
  now: number,
): Pressure {
  const { isOver } = before
  if (limit === 0) return NO_PRESSURE
  const speaksAgainst = isOver ? used < CALM_SHARE * limit : used >= limit
  if (!speaksAgainst) return { isOver, sinceMs: undefined }
  const sinceMs = before.sinceMs ?? now
  const isDue = elapsedMs(now, sinceMs) >= (isOver ? calmForMs : overForMs)
  return isDue ? { isOver: !isOver, sinceMs: undefined } : { isOver, sinceMs }
}
