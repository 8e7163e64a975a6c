import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failurePercentageOutliers } from '../../../agents/failure-detector/failure-percentage.ts'
import { isAtLeast, isAtMost, partsOf, rankOf } from '../../../agents/kit/run/parts.ts'
import { readRatio } from '../../../engine/config/units.ts'

const RULE = { failurePercentage: 0.85, failurePercentageMinHosts: 5, failurePercentageVolume: 50 }
const GOOD = [1, 2, 3].map(at => ({ ok: 50, total: 50, at }))

test('failurePercentageOutliers() finds 300 failures of 350, not 250 of 300: Envoy, BasicFlowFailurePercentage…', () => {
  // 250 ÷ 300 = 83.3 %, 300 ÷ 350 = 85.7 %
  const all = [...GOOD, { ok: 50, total: 300, at: 4 }, { ok: 50, total: 350, at: 5 }]
  assert.deepEqual(
    failurePercentageOutliers(RULE, all).map(({ at }) => at),
    [5],
  )
})

test('failurePercentageOutliers() takes just 85 % for too much, as Envoy; gRPC A50 would not', () => {
  const all = [...GOOD, { ok: 15, total: 100, at: 4 }, { ok: 16, total: 100, at: 5 }]
  assert.deepEqual(
    failurePercentageOutliers(RULE, all).map(({ at }) => at),
    [4],
  )
})

test('failurePercentageOutliers() asks for volume and for endpoints that have it', () => {
  const bad = (total: number) => [...GOOD, { ok: 50, total: 50, at: 4 }, { ok: 0, total, at: 5 }]
  assert.equal(failurePercentageOutliers(RULE, bad(50)).length, 1)
  assert.equal(failurePercentageOutliers(RULE, bad(49)).length, 0)
  assert.equal(failurePercentageOutliers(RULE, bad(50).slice(1)).length, 0)
})

test('failurePercentageOutliers() names the worst first, and with 0 % is off', () => {
  const all = [...GOOD, { ok: 10, total: 100, at: 4 }, { ok: 5, total: 100, at: 5 }]
  const found = (failurePercentage: number) =>
    failurePercentageOutliers({ ...RULE, failurePercentage }, all).map(({ at }) => at)
  assert.deepEqual(found(0.85), [5, 4])
  assert.deepEqual(found(0), [])
})

/** What a person can write: percent with up to six decimals. */
const written = fc.integer({ min: 0, max: 100_000_000 }).map(millionths => ({
  millionths,
  share: (readRatio(`${(millionths / 1e6).toFixed(6)}%`) as { value: number }).value,
}))

test('shares are compared as exactly as whole numbers can be', () => {
  fc.assert(
    fc.property(
      written,
      fc.nat(1_000_000),
      fc.integer({ min: 1, max: 1_000_000 }),
      ({ millionths, share }, count, total) => {
        const left = BigInt(count) * 100_000_000n
        const right = BigInt(millionths) * BigInt(total)
        assert.equal(partsOf(share), millionths)
        assert.equal(isAtLeast(count, total, share), left >= right)
        assert.equal(isAtMost(count, total, share), left <= right)
      },
    ),
  )
})

test('rankOf() is the least rank that covers the share', () => {
  fc.assert(
    fc.property(written, fc.integer({ min: 1, max: 1_000_000 }), ({ share }, total) => {
      const rank = rankOf(share, total)
      assert.ok(rank >= 1 && rank <= total)
      assert.ok(isAtLeast(rank, total, share))
      assert.ok(rank === 1 || !isAtLeast(rank - 1, total, share))
    }),
  )
})
