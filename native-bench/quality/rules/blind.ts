import { below } from '../chance.ts'
import type { Rule } from './rule.ts'

/** Rules that do not look at what is in flight. */

export const evenChance: Rule = {
  name: 'even-chance',
  source: 'any machine, by chance; what everybody is to be better than',
  begin: ({ machines, chance }) => ({ pick: () => below(chance, machines.length), settle() {} }),
}

/** Weights from what machines say of themselves. */
export const byUtilisation: Rule = {
  name: 'weighted-by-utilisation',
  source:
    'by requests per second ÷ utilisation, told each second and smoothed over ten (Prequal, NSDI 2024: WRR; gRPC A58)',
  begin({ machines, chance, utilisation, repeat }) {
    // Nothing known: as much as the others have on average.
    const weights = new Float64Array(machines.length).fill(Number.NaN)
    const served = new Float64Array(machines.length)
    let effective = new Float64Array(machines.length).fill(1)
    repeat(POLL_MS, () => {
      for (const machine of machines.keys()) {
        const used = utilisation(machine, POLL_MS)
        const told = served[machine]! / used
        if (used > 0 && told > 0) {
          const before = weights[machine]!
          weights[machine] = Number.isNaN(before) ? told : before + (told - before) * SMOOTHING
        }
        served[machine] = 0
      }
      const known = weights.filter(weight => !Number.isNaN(weight))
      const mean = known.length === 0 ? 1 : known.reduce((sum, weight) => sum + weight, 0) / known.length
      effective = weights.map(weight => (Number.isNaN(weight) ? mean : weight))
    })
    return {
      pick() {
        let left = chance() * effective.reduce((sum, weight) => sum + weight, 0)
        const found = effective.findIndex(weight => (left -= weight) < 0)
        return found < 0 ? machines.length - 1 : found
      },
      settle({ machine }) {
        served[machine]!++
      },
    }
  },
}

const POLL_MS = 1000
const SMOOTHING = 0.1
