/**
 * Whether `n` is a prime: 2, 3, 5, 7 … A Maglev table has a prime number of entries, because then every skip visits all of
 * them before it returns.
 *
 * Source     trial division by the odd numbers up to √n.   Cost  1,118 divisions at most for the largest table, 5,000,011.
 * Deviation  1 is not a prime. Envoy's Primes::isPrime lets it pass, and a skip into a table of one entry divides by zero.
 */
export function isPrime(n: number): boolean {
  if (!Number.isInteger(n) || n < 2) return false
  if (n % 2 === 0) return n === 2
  for (let factor = 3; factor * factor <= n; factor += 2) if (n % factor === 0) return false
  return true
}
