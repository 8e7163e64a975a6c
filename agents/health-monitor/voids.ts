import { elapsedMs } from '../../engine/writer.ts'

/** The last check that came to nothing, and the last one of any other endpoint. */
export interface Voids {
  readonly row: number
  readonly ms: number
  readonly otherMs: number | undefined
}

export function voidsAfter(before: Voids | undefined, row: number, now: number): Voids {
  const otherMs = before?.row === row ? before.otherMs : before?.ms
  return { row, ms: now, otherMs }
}

/** Whether a check of another endpoint has come to nothing since: then it is this machine that stands still, and none of them keeps it busy. */
export function isShared(voids: Voids | undefined, row: number, sinceMs: number): boolean {
  const otherMs = voids?.row === row ? voids.otherMs : voids?.ms
  return otherMs !== undefined && elapsedMs(otherMs, sinceMs) >= 0
}
