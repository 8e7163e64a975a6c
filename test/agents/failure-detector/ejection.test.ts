import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ejectionMs,
  ejectionsMax,
  healthyIntervals,
  mayEject,
  type Outlier,
} from '../../../agents/failure-detector/ejection.ts'

const OUTLIER: Outlier = {
  consecutive5xx: 5,
  interval: 10_000,
  baseEjection: 30_000,
  maxEjection: 300_000,
  maxEjected: 0.1,
}

test('ejectionMs() grows by the base with each ejection up to the most, and by up to a tenth at random', () => {
  assert.equal(ejectionMs(OUTLIER, 1, 0), 30_000)
  assert.equal(ejectionMs(OUTLIER, 1, 1), 33_000)
  assert.equal(ejectionMs(OUTLIER, 3, 0.5), 94_500) // 90 s and half of its tenth
  assert.equal(ejectionMs(OUTLIER, 10, 0), 300_000)
  assert.equal(ejectionMs(OUTLIER, 50, 0), 300_000)
})

test('ejectionMs() stays below the wrap of the clock whatever the config says', () => {
  assert.ok(ejectionMs({ ...OUTLIER, baseEjection: 1e12, maxEjection: 1e12 }, 1, 1) < 2 ** 31)
})

test('ejectionsMax() is where the time is longest', () => {
  assert.equal(ejectionsMax(OUTLIER), 10) // 300 s ÷ 30 s
  assert.equal(ejectionsMax({ ...OUTLIER, baseEjection: 40_000 }), 8) // 7 × 40 s is still short of 300 s
  assert.equal(ejectionsMax({ ...OUTLIER, baseEjection: 0 }), 1)
})

const SHARES: [ejected: number, of: number, openOthers: number, may: boolean, why: string][] = [
  [0, 2, 1, true, 'the first one always'],
  [1, 10, 8, false, 'a second of 10 would be 20 %'],
  [1, 20, 18, true, 'a second of 20 is 10 %'],
  [2, 20, 17, false, 'a third of 20 would be 15 %'],
  [0, 1, 0, false, 'the last one never'],
  [0, 3, 0, false, 'nor the last that is open, if others are barred for other reasons'],
]

for (const [ejected, of, openOthers, may, why] of SHARES) {
  test(`mayEject() with ${ejected} of ${of} ejected and ${openOthers} others open: ${why}`, () => {
    assert.equal(mayEject(OUTLIER, ejected, of, openOthers), may)
  })
}

test('healthyIntervals() counts whole ones across the wrap of the clock', () => {
  const since = 0x7fffffff - 1_000
  const now = (since + 25_000) | 0
  assert.deepEqual(healthyIntervals(OUTLIER, since, now), { passed: 2, sinceMs: (since + 20_000) | 0 })
})
