/** Standard deviations within which a difference is taken for chance. */
const CHANCE = 1

/**
 * What is to be believed of one of several that were measured with errors: it goes to the middle of all by as much as its difference may be
 * chance.
 *
 *   d = (own − middle) ÷ √variance        believed = middle + max(0, 1 − 1 ÷ d²) × (own − middle)
 *
 * Intuition  of eight equal endpoints one is always the fastest of the last second, by chance; whoever then sends it everything makes it the
 *            slowest of the next. Those that cannot be told apart are given one number.
 * Source     James and Stein 1961, positive part, towards the median.
 */
export function pooled(
  { value, variance }: { readonly value: number; readonly variance: number },
  middle: number,
): number {
  const off = value - middle
  if (off === 0) return value
  return middle + Math.max(0, 1 - (CHANCE ** 2 * variance) / off ** 2) * off
}
