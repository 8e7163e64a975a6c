import { rollDie } from '../kit/dice.ts'

/** Sixteen hexadecimal digits from a die of one's own, and the seed for the next ones. */
export function rollHexId(seed: number): { readonly id: string; readonly seed: number } {
  const high = rollDie(seed)
  const low = rollDie(high.seed)
  return { id: `${hex(high.value)}${hex(low.value)}`, seed: low.seed }
}

function hex(value: number): string {
  return Math.floor(value * 2 ** 32)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0')
}
