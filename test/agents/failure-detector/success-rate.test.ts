import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Rate, successRateOutliers, successRateThreshold } from '../../../agents/failure-detector/success-rate.ts'

const RULE = { successRateStdev: 1.9, successRateMinHosts: 5, successRateVolume: 100 }

/** Endpoints of `total` requests each of which so many went well. */
const rates = (total: number, ...oks: number[]): (Rate & { at: number })[] => oks.map((ok, at) => ({ ok, total, at }))

test('successRateThreshold() of 50, 100, 100, 100, 100 is 52: Envoy, BasicFlowSuccessRateExternalOrigin', () => {
  // mean 90, variance (40² + 4 × 10²) ÷ 5 = 400, σ 20, 90 − 1.9 × 20 = 52
  assert.equal(successRateThreshold([50, 100, 100, 100, 100], 1.9), 52)
})

test('successRateOutliers() finds the one with 200 failures beside 200 successes: Envoy, the same', () => {
  const all = [...rates(200, 200, 200, 200, 200), { ok: 200, total: 400, at: 4 }]
  const { threshold, outliers } = successRateOutliers(RULE, all)
  assert.equal(threshold, 52)
  assert.deepEqual(
    outliers.map(({ at }) => at),
    [4],
  )
})

test('successRateOutliers() with too few requests finds nobody: Envoy, the same, 25 each', () => {
  const all = [...rates(25, 25, 25, 25, 25), { ok: 25, total: 50, at: 4 }]
  assert.deepEqual(successRateOutliers(RULE, all).outliers, [])
})

test('successRateOutliers() takes 100 requests for enough and 99 for too few, and 5 endpoints for enough and 4 for too few', () => {
  const of = (total: number, count: number) => [...rates(100, ...Array(count - 1).fill(100)), { ok: 0, total, at: 9 }]
  assert.equal(successRateOutliers(RULE, of(100, 5)).outliers.length, 1)
  assert.equal(successRateOutliers(RULE, of(99, 5)).outliers.length, 0)
  assert.equal(successRateOutliers(RULE, of(100, 4)).outliers.length, 0)
})

test('successRateOutliers() spares who is just at the threshold: strictly below, as Envoy and gRPC A50', () => {
  // {0, 100} with one σ: mean 50, σ 50, threshold 0.
  const rule = { successRateStdev: 1, successRateMinHosts: 2, successRateVolume: 1 }
  const { threshold, outliers } = successRateOutliers(rule, rates(100, 0, 100))
  assert.equal(threshold, 0)
  assert.deepEqual(outliers, [])
})

test('successRateOutliers() names the worst first', () => {
  const rule = { ...RULE, successRateStdev: 1 }
  const { outliers } = successRateOutliers(rule, rates(100, 100, 40, 100, 10, 100, 100, 100, 100, 100, 100))
  assert.deepEqual(
    outliers.map(({ ok }) => ok),
    [10, 40],
  )
})

test('successRateOutliers() with 0 standard deviations is off', () => {
  assert.deepEqual(
    successRateOutliers({ ...RULE, successRateStdev: 0 }, rates(100, 0, 100, 100, 100, 100)).outliers,
    [],
  )
})

test('successRateOutliers() of no endpoint at all divides by nothing: Envoy, EmptySuccessRate', () => {
  assert.deepEqual(successRateOutliers({ ...RULE, successRateMinHosts: 1 }, []).outliers, [])
})

const someRates = fc.array(
  fc.integer({ min: 1, max: 100_000 }).chain(total => fc.nat(total).map(ok => ({ ok, total }))),
  { minLength: 1, maxLength: 30 },
)
const LENIENT = { successRateMinHosts: 1, successRateVolume: 1 }

test('equal rates are no outliers, whatever rounding makes of their mean and however few deviations are asked for', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.integer({ min: 1000, max: 9999 }), fc.integer({ min: 1, max: 40 }), (ok, total, n) => {
      const equal = Array.from({ length: n }, () => ({ ok, total }))
      assert.deepEqual(successRateOutliers({ ...LENIENT, successRateStdev: 0.001 }, equal).outliers, [])
    }),
  )
})

test('an outlier is below the mean, never the best, and a worse one is an outlier too', () => {
  fc.assert(
    fc.property(someRates, fc.double({ min: 0.01, max: 5, noNaN: true }), (all, successRateStdev) => {
      const { outliers } = successRateOutliers({ ...LENIENT, successRateStdev }, all)
      assert.ok(outliers.length < all.length)
      const share = ({ ok, total }: Rate): number => ok / total
      const mean = all.reduce((sum, rate) => sum + share(rate), 0) / all.length
      for (const outlier of outliers) {
        assert.ok(share(outlier) <= mean + 1e-9)
        const worse = all.filter(rate => share(rate) < share(outlier))
        assert.ok(worse.every(rate => outliers.includes(rate)))
      }
    }),
  )
})

test('of n endpoints with one bad, it is found while the deviations asked for are below √(n − 1)', () => {
  // n − 1 at 100 and one at 0: mean 100 (n−1)/n, σ = 100 √(n−1)/n; 0 < mean − k σ  ⇔  k < √(n − 1).
  for (const n of [5, 10, 17]) {
    const all = rates(100, ...Array(n - 1).fill(100), 0)
    const found = (k: number) => successRateOutliers({ ...RULE, successRateStdev: k }, all).outliers.length
    assert.equal(found(Math.sqrt(n - 1) * 0.999), 1, `${n}`)
    assert.equal(found(Math.sqrt(n - 1) * 1.001), 0, `${n}`)
  }
})
