import { avalanche, GOLDEN } from '../memory/hash-key.ts'
import { DICE_AT } from '../memory/layout.ts'
import type { Region } from '../memory/region.ts'

/**
 * Where randomness comes in: 31 random bits, as many as V8 passes around without boxing them. Seeded, so that a run can
 * be replayed.
 */
export type Dice = () => number

/** Xorshift32 (Marsaglia 2003): a few cycles, full period 2^32 − 1; good for draws, useless for secrets. */
export function createDice(seed: number): Dice {
  let state = seed | 0 || GOLDEN
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 1
  }
}

/** True with probability part ÷ whole; certain when they are equal. */
export function wins(dice: Dice, part: number, whole: number): boolean {
  return dice() * whole < part * 2 ** 31
}

/** A whole number from 0 to n − 1, n ≤ 2^16: multiply and shift, no division, bias below n / 2^16 (Lemire 2019). */
export function below(roll: number, n: number): number {
  return ((roll >>> 15) * n) >>> 16
}

/**
 * Every thread and service throws dice of its own, the same ones in every run with the same dice of the region. Those differ from process to
 * process: with the same ones, a hundred routers that start together would all draw the same endpoint first, and the same one next.
 */
export function seedOf({ words }: Region, seat: number, service: number): number {
  return Math.imul(seat + 1, GOLDEN) ^ Math.imul(service + 1, 0x85ebca6b) ^ avalanche(words[DICE_AT])
}
