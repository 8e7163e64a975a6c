import assert from 'node:assert/strict'
import { test } from 'node:test'
import { theilSen } from '../../../agents/skills/theil-sen.ts'
import { trendOf } from '../../../agents/skills/usual/trend.ts'

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

test('theilSen() finds the line, and says that it explains all', () => {
  const xs = upTo(10)
  const { slope, intercept, r2 } = theilSen(
    xs,
    xs.map(x => 3 + 0.5 * x),
  )
  assert.equal(slope, 0.5)
  assert.equal(intercept, 3)
  assert.ok(r2 > 1 - 1e-12)
})

test('theilSen() stays where it is when a quarter of the points lie anywhere', () => {
  const xs = upTo(20)
  const ys = xs.map(x => (x % 4 === 1 ? 1_000 : 2 * x))
  assert.ok(Math.abs(theilSen(xs, ys).slope - 2) < 0.5, `slope ${theilSen(xs, ys).slope}`)
})

test('theilSen() of values that do not vary has no slope and explains nothing', () => {
  assert.deepEqual(theilSen(upTo(5), [7, 7, 7, 7, 7]), { slope: 0, intercept: 7, r2: 0 })
})

test('trendOf() says which way a figure goes, of which less is better', () => {
  const line = (step: number): number[] => upTo(20).map(i => 100 + step * i)
  assert.equal(trendOf(line(1)), 'worsening')
  assert.equal(trendOf(line(-1)), 'improving')
  // By 2 of 100 over all of them: a tenth is asked for.
  assert.equal(trendOf(line(0.1)), 'stable')
  // Up and down by as much as it rises in half of them.
  assert.equal(trendOf(upTo(20).map(i => 100 + (i % 2) * 40)), 'stable')
  assert.equal(trendOf([1, 2, 3, 4]), 'unknown')
})
