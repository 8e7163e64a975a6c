/**
 * How long to wait before try `count` + 1, in ms: the base doubled for each try, up to the most, and of that a half to the
 * whole, so that requests that failed together do not come back together. `roll` is 31 random bits.
 *
 * Source: "equal jitter", Brooker, Exponential Backoff and Jitter, 2015.
 */
export function backOffMs(count: number, retry: { backOff: number; maxBackOff: number }, roll: number): number {
  const longest = Math.min(retry.maxBackOff, retry.backOff * 2 ** Math.max(0, count - 1))
  return (longest * (1 + roll / 2 ** 31)) / 2
}
