import { PROFILES, type Profile } from './profile.ts'

/** So many looks in a row must find it unchanged: one look after a long pause of our own says nothing. */
const LOOKS_MIN = 5

/** What one late look adds to a silence at most, in looks: while we did not look, we did not see silence. */
const LATE_LOOKS_MAX = 2

/** Share of the lag that is left after 100 ms: it is forgotten within a second. */
const LAG_KEPT = 0.8

/** A thread whose memory is at this share of its limit is recycled, before V8 ends the whole process for want of room. */
const FULL_SHARE = 0.7
/** So many looks in a row must find it full: garbage that has not been collected yet weighs too. */
const FULL_LOOKS = 2

/** What has been seen of one thread's heartbeat. */
export interface Watch {
  readonly beats: number
  /** Looks in a row that found it unchanged, and the time they cover. */
  readonly looks: number
  readonly silentMs: number
  /** Looks in a row that found its memory full. */
  readonly fullLooks: number
}

export function beginWatch(beats: number): Watch {
  return { beats, looks: 0, silentMs: 0, fullLooks: 0 }
}

/** One more look at the heartbeat, `gapMs` after the one before. */
export function look(watch: Watch, beats: number, gapMs: number, { lookMs }: Profile = PROFILES.default): Watch {
  if (beats !== watch.beats) return { ...beginWatch(beats), fullLooks: watch.fullLooks }
  const silentMs = watch.silentMs + Math.min(gapMs, LATE_LOOKS_MAX * lookMs)
  return { ...watch, looks: watch.looks + 1, silentMs }
}

/** And at its memory. A limit of 0: it has not been told yet. */
export function weigh(watch: Watch, memoryKib: number, limitKib: number): Watch {
  const isFull = limitKib > 0 && memoryKib >= limitKib * FULL_SHARE
  return { ...watch, fullLooks: isFull ? watch.fullLooks + 1 : 0 }
}

/** How late our own looks are, as the worst of late that fades: the sign of a machine that starves us too. */
export function lagAfter(lagMs: number, gapMs: number, { lookMs }: Profile = PROFILES.default): number {
  return Math.max(lagMs * LAG_KEPT ** (lookMs / 100), gapMs - lookMs, 0)
}

/** At this look in a row it is noted how long the thread has waited for a core so far: see `isHung`. */
export const SUSPECT_LOOKS = 2

/**
 * Whether a thread hangs, rather than being as starved as we are.
 *
 *   silence − starved ≥ deadline × min(stretch, 1 + lag ÷ half a look), over at least five looks
 *
 * `starvedMs` is how much of its silence it was ready to run and had no core. However starved, after deadline × stretch it hangs.
 *
 * Source     Lifeguard (Dadgar 2017): who is slow himself doubts his own suspicions.
 * Deviation  Lifeguard cannot look into the other; here the kernel tells how starved that one is.
 */
export function isHung(
  { looks, silentMs }: Watch,
  lagMs: number,
  profile: Profile = PROFILES.default,
  starvedMs = 0,
): boolean {
  const { deadlineMs, stretchMax, lookMs } = profile
  if (looks < LOOKS_MIN) return false
  const stretch = Math.min(stretchMax, 1 + lagMs / (lookMs / 2))
  return silentMs - starvedMs >= deadlineMs * stretch || silentMs >= deadlineMs * stretchMax
}

/** Whether its memory is so near its limit that it has to be recycled. */
export function isFull({ fullLooks }: Watch): boolean {
  return fullLooks >= FULL_LOOKS
}
