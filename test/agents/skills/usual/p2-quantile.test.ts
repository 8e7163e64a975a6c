import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rollDie } from '../../../../agents/kit/dice.ts'
import { P2Quantile } from '../../../../agents/skills/usual/p2-quantile.ts'

function dice(seed: number): () => number {
  let die = { value: 0, seed }
  return () => {
    die = rollDie(die.seed)
    return die.value
  }
}

test('P2Quantile gives what its authors print: the median of twenty values', () => {
  // Jain and Chlamtac 1985, table I: after these the estimate is 4.44.
  const values = [0.02, 0.15, 0.74, 3.39, 0.83, 22.37, 10.15, 15.43, 38.62, 15.92]
  const more = [34.6, 10.28, 1.47, 0.4, 0.05, 11.39, 0.27, 0.42, 0.09, 11.37]
  const median = new P2Quantile(0.5)
  for (const value of [...values, ...more]) median.add(value)
  assert.equal(median.value.toFixed(2), '4.44')
})

test('P2Quantile is exact up to five values', () => {
  const p95 = new P2Quantile(0.95)
  assert.ok(Number.isNaN(p95.value))
  for (const value of [5, 1, 4]) p95.add(value)
  assert.equal(p95.value, 5)
})

test('P2Quantile comes close to the 95th percentile of ten thousand values that are spread as latencies are', () => {
  const roll = dice(7)
  const p95 = new P2Quantile(0.95)
  const all: number[] = []
  for (let i = 0; i < 10_000; i++) {
    // Exponential: its 95th percentile is ln 20 = 3.0 times the mean.
    const value = -Math.log(1 - roll())
    p95.add(value)
    all.push(value)
  }
  const exact = all.sort((a, b) => a - b)[9_499]!
  assert.ok(Math.abs(p95.value - exact) / exact < 0.05, `${p95.value} for ${exact}`)
})
