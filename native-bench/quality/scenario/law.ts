import { number } from '../../../engine/config/leaf.ts'
import { choice, keys } from '../../../engine/config/names.ts'
import type { Finding, Path } from '../../../engine/config/problems.ts'
import { duration } from '../../../engine/config/units.ts'
import { type Chance, gap, gauss } from '../chance.ts'

const LAWS = ['constant', 'uniform', 'normal', 'lognormal', 'exponential'] as const

/** How long something takes by chance, ms: what each law needs is in NEEDS. */
export const lawSchema = keys({
  law: choice('a law', LAWS).prefault('lognormal').describe('Which law chance follows. Default lognormal.'),
  mean: duration().optional().describe('Of constant, normal and lognormal; of exponential: beyond plus.'),
  cv: number({ min: 0, max: 100, whole: false }).prefault(1).describe('Deviation ÷ mean, of lognormal. Default 1.'),
  deviation: duration().optional().describe('Of normal.'),
  plus: duration().prefault(0).describe('What exponential takes at least. Default 0.'),
  from: duration().prefault(0).describe('Least of uniform. Default 0.'),
  to: duration().optional().describe('Most of uniform.'),
})

export type Law = ReturnType<typeof lawSchema.parse>

const NEEDS: Readonly<Record<(typeof LAWS)[number], readonly ('mean' | 'deviation' | 'to')[]>> = {
  constant: ['mean'],
  uniform: ['to'],
  normal: ['mean', 'deviation'],
  lognormal: ['mean'],
  exponential: ['mean'],
}

/** What a law lacks, as far as its schema cannot tell. */
export function lawFindings(law: Law, path: Path): Finding[] {
  return NEEDS[law.law]
    .filter(key => law[key] === undefined)
    .map(key => ({ path: [...path, key], message: `missing; ${law.law} needs it, write a duration such as 20ms` }))
}

export function meanOf(law: Law): number {
  if (law.law === 'uniform') return (law.from + law.to!) / 2
  return law.mean! + (law.law === 'exponential' ? law.plus : 0)
}

/** One of its numbers, ms; never below a thousandth. */
export function draw(law: Law, chance: Chance): number {
  return Math.max(0.001, drawn(law, chance))
}

function drawn({ law, mean = 0, cv, deviation = 0, plus, from, to = 0 }: Law, chance: Chance): number {
  switch (law) {
    case 'constant':
      return mean
    case 'uniform':
      return from + chance() * (to - from)
    case 'normal':
      return mean + deviation * gauss(chance)
    case 'lognormal': {
      const sigma = Math.sqrt(Math.log(1 + cv ** 2))
      return Math.exp(Math.log(mean) - sigma ** 2 / 2 + sigma * gauss(chance))
    }
    case 'exponential':
      return plus + mean * gap(chance)
  }
}
