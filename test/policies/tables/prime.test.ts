import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPrime } from '../../../engine/policies/tables/prime.ts'

test('isPrime() knows the primes below 50, and that 1 is none', () => {
  const primes = Array.from({ length: 50 }, (_, n) => n).filter(isPrime)
  assert.deepEqual(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47])
})

test('isPrime() knows the table sizes people use', () => {
  // The two of the Maglev paper, Envoy's largest, and one less of each: even.
  for (const size of [65_537, 655_373, 5_000_011]) {
    assert.ok(isPrime(size), `${size}`)
    assert.ok(!isPrime(size - 1), `${size - 1}`)
  }
})

test('isPrime() is not misled by squares of primes', () => {
  // Up to 2,221² = 4,932,841: their only factor is the last that is tried.
  for (const prime of [3, 5, 251, 2_203, 2_221]) assert.ok(!isPrime(prime * prime), `${prime}²`)
})

test('isPrime() takes what is no whole number above 1 for no prime', () => {
  for (const n of [0, -7, 7.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.ok(!isPrime(n), `${n}`)
})
