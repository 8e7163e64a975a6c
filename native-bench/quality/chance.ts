import { rollDie } from '../../agents/kit/dice.ts'

/** Numbers from 0 up to and without 1, the same ones for the same seed. */
export type Chance = () => number

export function chanceOf(seed: number): Chance {
  let die = seed | 0
  return () => {
    const rolled = rollDie(die)
    die = rolled.seed
    return rolled.value
  }
}

/** A whole number below `count`. */
export function below(chance: Chance, count: number): number {
  return Math.floor(chance() * count)
}

/** A normal number (Box and Muller's). */
export function gauss(chance: Chance): number {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance())
}

/** An exponential number of mean 1: gaps between what comes by chance. */
export function gap(chance: Chance): number {
  return -Math.log(1 - chance())
}
