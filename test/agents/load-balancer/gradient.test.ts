import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { adjust, beginGradient, type Gradient, type GradientRule } from '../../../agents/load-balancer/gradient.ts'
import { validateConfig } from '../../../engine/config/load.ts'

const RULE = validateConfig({ services: { api: { adaptiveConcurrency: {} } } }).services.api!.adaptiveConcurrency!
const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-9 * Math.max(1, expected), `${actual} is not ${expected}`)

/** Beyond its first ten windows, with a long average of 1 ms. */
const SETTLED: Gradient = { limit: 20, longUs: 1000, windows: 10 }

test('beginGradient() begins at initial, or where it was, within min and max', () => {
  assert.deepEqual(beginGradient(RULE), { limit: 20, longUs: 0, windows: 0 })
  assert.equal(beginGradient(RULE, 57).limit, 57)
  assert.equal(beginGradient(RULE, 999).limit, 200)
  assert.equal(beginGradient(RULE, 1).limit, 3)
})

test('adjust() with steady latency grows the limit by a fifth of the queue', () => {
  // gradient 1: 20 × 0.8 + (20 + 4) × 0.2 = 20.8, and 0.8 more with each window.
  const first = adjust(RULE, beginGradient(RULE), 1000, 20)
  near(first.limit, 20.8)
  near(adjust(RULE, first, 1000, 20).limit, 21.6)
})

test('adjust() lets latency be one and a half times the long average before it shrinks', () => {
  // long = 1000 + 500 × 2 ÷ 601 = 1001.66…; 1.5 × that ÷ 1500 > 1.
  near(adjust(RULE, SETTLED, 1500, 20).limit, 20.8)
  // long = 1000 + 2000 × 2 ÷ 601; gradient = 1.5 × long ÷ 3000; limit = 16 + (20 g + 4) ÷ 5 = 16.8 + 4 g.
  const longUs = 1000 + 4000 / 601
  const after = adjust(RULE, SETTLED, 3000, 20)
  near(after.longUs, longUs)
  near(after.limit, 16.8 + (4 * 1.5 * longUs) / 3000)
})

test('adjust() takes half of the limit at most as the new one, however slow it got', () => {
  // gradient 0.5: 16 + (10 + 4) ÷ 5
  near(adjust(RULE, SETTLED, 1_000_000, 20).limit, 18.8)
})

test('adjust() learns nothing from less than half of the limit in flight', () => {
  assert.equal(adjust(RULE, SETTLED, 1000, 9).limit, 20)
  assert.equal(adjust(RULE, SETTLED, 100_000, 9).limit, 20)
  near(adjust(RULE, SETTLED, 1000, 10).limit, 20.8)
})

test('adjust() shortens a long average that is more than twice the short one', () => {
  // 1000 − 600 × 2 ÷ 601 = 998.00…, twice 400 is less: × 0.95.
  near(adjust(RULE, SETTLED, 400, 20).longUs, (1000 - 1200 / 601) * 0.95)
  // 1000 − 500 × 2 ÷ 601 = 998.3…, twice 500 is more.
  near(adjust(RULE, SETTLED, 500, 20).longUs, 1000 - 1000 / 601)
})

test('the long average: Netflix, ExpAvgMeasurementTest.testWarmup', () => {
  const rule = { ...RULE, longWindow: 100 }
  let gradient = beginGradient(rule)
  const seen: number[] = []
  for (let i = 0; i < 10; i++) {
    gradient = adjust(rule, gradient, i + 10, 20)
    seen.push(gradient.longUs)
  }
  for (const [i, mean] of [10, 10.5, 11, 11.5, 12, 12.5, 13, 13.5, 14, 14.5].entries()) near(seen[i]!, mean)
  // 14.5 + 85.5 × 2 ÷ 101 = 16.19…; theirs says 16.2 within 0.1.
  assert.ok(Math.abs(adjust(rule, gradient, 100, 20).longUs - 16.2) < 0.1)
})

test('every key decides', () => {
  const at = (rule: Partial<GradientRule>, shortUs: number, inflight = 200): Gradient =>
    adjust({ ...RULE, ...rule }, { limit: 100, longUs: 1000, windows: 10 }, shortUs, inflight)
  near(at({}, 1000).limit, 100.8)
  near(at({ queue: 9 }, 1000).limit, 101.8)
  near(at({ max: 100 }, 1000).limit, 100)
  near(at({ smoothing: 0.5 }, 1000).limit, 102)
  assert.equal(at({ min: 95 }, 100_000).limit, 95)
  assert.ok(at({ tolerance: 3 }, 2500).limit > at({}, 2500).limit)
  assert.ok(at({ longWindow: 10 }, 2000).longUs > at({}, 2000).longUs)
})

const rules: fc.Arbitrary<GradientRule> = fc.record({
  initial: fc.constant(20),
  min: fc.integer({ min: 1, max: 20 }),
  max: fc.integer({ min: 20, max: 500 }),
  queue: fc.nat(20),
  tolerance: fc.double({ min: 1, max: 5, noNaN: true }),
  smoothing: fc.double({ min: 0, max: 1, noNaN: true }),
  longWindow: fc.integer({ min: 1, max: 1000 }),
})
const windows = fc.array(fc.tuple(fc.integer({ min: 1, max: 10_000_000 }), fc.nat(600)), { maxLength: 60 })

test('the limit stays from min to max, and no window moves it further than smoothing allows', () => {
  fc.assert(
    fc.property(rules, windows, (rule, all) => {
      let before = beginGradient(rule)
      for (const [shortUs, inflight] of all) {
        const after = adjust(rule, before, shortUs, inflight)
        assert.ok(after.limit >= rule.min && after.limit <= rule.max)
        const down = before.limit * rule.smoothing * 0.5
        const up = rule.queue * rule.smoothing
        assert.ok(after.limit >= before.limit - down - 1e-9 && after.limit <= before.limit + up + 1e-9)
        if (inflight < before.limit / 2) assert.equal(after.limit, before.limit)
        assert.ok(after.longUs > 0 && Number.isFinite(after.longUs))
        before = after
      }
    }),
  )
})

test('a slower window never gives a higher limit', () => {
  const us = fc.integer({ min: 1, max: 1_000_000 })
  fc.assert(
    fc.property(rules, us, us, us, (rule, longUs, one, other) => {
      const before = { limit: rule.max, longUs, windows: 10 }
      const [fast, slow] = [Math.min(one, other), Math.max(one, other)]
      assert.ok(adjust(rule, before, slow, 1000).limit <= adjust(rule, before, fast, 1000).limit + 1e-9)
    }),
  )
})

test('it finds what an endpoint can bear, from below and from above, without ever asking for idleness', () => {
  // 40 at a time take 10 ms each; more wait in turn. At 60 latency is 1.5 times that of an idle one, which is borne, and
  // beyond it the limit shrinks by what it grows: the queue of 4 then stands at limit × (1 − 60 ÷ limit) = 4, or 64.
  const latencyUs = (inflight: number): number => 10_000 * Math.max(1, inflight / 40)
  for (const limit of [10, 200]) {
    let gradient: Gradient = { limit, longUs: 10_000, windows: 10 }
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < 100; i++) {
      const inflight = Math.floor(gradient.limit)
      gradient = adjust({ ...RULE, longWindow: 100_000 }, gradient, latencyUs(inflight), inflight)
      if (i > 80) least = Math.min(least, gradient.limit)
    }
    assert.ok(Math.abs(gradient.limit - 64) < 2, `from ${limit}: ${gradient.limit}`)
    assert.ok(least > 60, 'no dips')
  }
})
