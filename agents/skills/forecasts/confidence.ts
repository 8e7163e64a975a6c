/**
 * How far several claims can be relied on together, from 0 to 1:
 *
 *   confidence = max(0, mean − ½ variance)        variance of the population; 0 of none
 *
 * Intuition  those that disagree are worth less than their mean.
 */
export function confidenceOf(each: readonly number[]): number {
  if (each.length === 0) return 0
  const mean = each.reduce((sum, value) => sum + value, 0) / each.length
  const variance = each.reduce((sum, value) => sum + (value - mean) ** 2, 0) / each.length
  return Math.max(0, mean - variance / 2)
}
