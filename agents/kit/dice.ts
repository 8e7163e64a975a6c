/** A number from 0 up to and without 1: chance, as agents get it. A test puts a seeded one here. */
export type Dice = () => number

/** Chance that nobody can foresee, so that two nodes do not move in step. */
export const chance: Dice = () => Math.random()

/** So many ms, give or take up to `spreadMs`, never below 0. Without spread no die is thrown. */
export function strayed(ms: number, spreadMs: number, dice: Dice): number {
  return Math.max(0, ms + (spreadMs === 0 ? 0 : (dice() * 2 - 1) * spreadMs))
}

/**
 * A die for pure functions, which keep its seed in their state: same seed, same throws.
 *
 * Source  Mulberry32 (Ettinger 2017): one 32-bit word of state, passes gjrand; ample for jitter.
 */
export function rollDie(seed: number): { value: number; seed: number } {
  const next = (seed + 0x6d2b79f5) | 0
  let z = Math.imul(next ^ (next >>> 15), next | 1)
  z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
  return { value: ((z ^ (z >>> 14)) >>> 0) / 2 ** 32, seed: next }
}
