/** Between two looks at a heartbeat, in ms. */
export const LOOK_MS = 100

/** How long a heartbeat may stand still on an idle machine, in ms. */
export const DEADLINE_MS = 1_000

/** So many looks in a row must find it unchanged: one look after a long pause of our own says nothing. */
const LOOKS_MIN = 5

/** What one late look adds to a silence at most: while we did not look, we did not see silence. */
const SILENCE_MS_A_LOOK = 2 * LOOK_MS

/** How far a starved machine stretches the deadline at most. */
const STRETCH_MAX = 8

/** Share of the lag that is left at the next look: it is forgotten within a second. */
const LAG_KEPT = 0.8

/** What has been seen of one thread's heartbeat. */
export interface Watch {
  readonly beats: number
  /** Looks in a row that found it unchanged, and the time they cover. */
  readonly looks: number
  readonly silentMs: number
}

export function beginWatch(beats: number): Watch {
  return { beats, looks: 0, silentMs: 0 }
}

/** One more look, `gapMs` after the one before. */
export function look(watch: Watch, beats: number, gapMs: number): Watch {
  if (beats !== watch.beats) return beginWatch(beats)
  return { beats, looks: watch.looks + 1, silentMs: watch.silentMs + Math.min(gapMs, SILENCE_MS_A_LOOK) }
}

/** How late our own looks are, as the worst of late that fades: the sign of a machine that starves us too. */
export function lagAfter(lagMs: number, gapMs: number): number {
  return Math.max(lagMs * LAG_KEPT, gapMs - LOOK_MS, 0)
}

/**
 * Whether a thread hangs, rather than being as starved as we are.
 *
 *   silence ≥ deadline × min(8, 1 + lag ÷ 50 ms), over at least five looks
 *
 * Source  Lifeguard (Dadgar 2017): who is slow himself doubts his own suspicions.
 */
export function isHung({ looks, silentMs }: Watch, lagMs: number, deadlineMs = DEADLINE_MS): boolean {
  return looks >= LOOKS_MIN && silentMs >= deadlineMs * Math.min(STRETCH_MAX, 1 + lagMs / 50)
}
