/** After its start a node tells of itself at these moments, in ms: who starts with it may miss the first. */
const FIRST_MS = [0, 1_000, 3_000, 7_000]

/** By how much the time between later ones strays, so that nodes that started together do not speak together for ever. */
const SPREAD = 0.2

/**
 * When a node tells of itself for the n-th time, from 0: so long after the time before, and by how much either way.
 *
 *   0 · 1 s · 3 s · 7 s · then every 30 s ± 20 %
 */
export function announcementDue(n: number, everyMs: number): { delayMs: number; spreadMs: number } {
  if (n < FIRST_MS.length) return { delayMs: FIRST_MS[n]! - (FIRST_MS[n - 1] ?? 0), spreadMs: 0 }
  return { delayMs: everyMs, spreadMs: everyMs * SPREAD }
}

/** Silent for so many announcements, a node is not known by them any more. */
export function silentAfterMs(everyMs: number): number {
  return everyMs * 3.5
}
