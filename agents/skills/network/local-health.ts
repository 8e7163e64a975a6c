/** The worst, as memberlist has it (awareness); 0 is well. */
export const LOCAL_HEALTH_MAX = 8

/**
 * How unwell this node itself is, from 0 to 8, by what it went through. Whoever is unwell sees silence everywhere, so that all time it
 * gives others is longer by as many times as much.
 *
 *   +1   it had to refute that it is dead
 *   +1   it does not hear one that others hear
 *   +n   n of those it asked to look for one did not even say that they saw nothing
 *   +n   it was n heartbeats behind its own clock
 *   −1   a heartbeat long nothing of all that
 *
 * Source  Lifeguard, local health multiplier.
 */
export function localHealthAfter(before: number, change: number): number {
  return Math.min(LOCAL_HEALTH_MAX, Math.max(0, before + change))
}

/** By how much all time given to others is longer. */
export function stretchOf(localHealth: number): number {
  return localHealth + 1
}

/** How much a look that came late by so many ms says: one for each heartbeat, half of one and more counts. */
export function latenessOf(lateMs: number, heartbeatMs: number): number {
  return Math.max(0, Math.round(lateMs / heartbeatMs))
}
