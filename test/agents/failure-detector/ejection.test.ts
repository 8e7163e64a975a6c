import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ejectionMs,
  ejectionsAfter,
  healthyIntervals,
  mayEject,
  type Outlier,
} from '../../../agents/failure-detector/ejection.ts'
import { validateConfig } from '../../../engine/config/load.ts'

const OUTLIER: Outlier = validateConfig({ services: { api: {} } }).services.api!.outlier

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

test('ejectionMs() adds at random as much as ejectionJitter says', () => {
  assert.equal(ejectionMs({ ...OUTLIER, ejectionJitter: 0 }, 2, 1), 60_000)
  assert.equal(ejectionMs({ ...OUTLIER, ejectionJitter: 1 }, 2, 0.25), 75_000)
})

test('ejectionsAfter() counts one beyond where the time is longest, as Envoy does', () => {
  const counts = (outlier: Outlier): number[] => {
    const seen = [0]
    for (let i = 0; i < 14; i++) seen.push(ejectionsAfter(outlier, seen.at(-1)!))
    return seen
  }
  // n × 30 s < 330 s holds up to n = 10, which is then counted up to 11; 11 × 30 s = 330 s is not below it.
  assert.deepEqual(counts(OUTLIER), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11, 11])
  // n × 40 s < 340 s holds up to n = 8.
  assert.equal(counts({ ...OUTLIER, baseEjection: 40_000 }).at(-1), 9)
  assert.equal(counts({ ...OUTLIER, maxEjection: 30_000 }).at(-1), 2)
  assert.equal(counts({ ...OUTLIER, baseEjection: 0 }).at(-1), 1)
})

test('times of one endpoint over its ejections: Envoy, EjectTimeBackoff of outlier_detection_impl_test.cc', () => {
  // Base 10 s: 10, 20, 30 s; after two healthy intervals 20 s again; after a long healthy time 10 s.
  const outlier = { ...OUTLIER, baseEjection: 10_000, ejectionJitter: 0 }
  const times: number[] = []
  let n = 0
  const eject = (): void => {
    n = ejectionsAfter(outlier, n)
    times.push(ejectionMs(outlier, n, 0.5) / 1000)
  }
  const behave = (ms: number): void => {
    n = Math.max(0, n - healthyIntervals(outlier, 0, ms).passed)
  }
  eject()
  eject()
  eject()
  behave(20_000)
  eject()
  behave(1_000_000)
  eject()
  assert.deepEqual(times, [10, 20, 30, 20, 10])
})

const SHARES: [ejected: number, of: number, openOthers: number, may: boolean, why: string][] = [
  [0, 2, 1, true, 'the first one always'],
  [1, 10, 8, false, 'a second of 10 would be 20 %'],
  [1, 20, 18, true, 'a second of 20 is 10 %'],
  [2, 20, 17, false, 'a third of 20 would be 15 %'],
  [0, 1, 0, false, 'the last one never'],
  [0, 3, 0, false, 'nor the last that is open, if others are barred for other reasons'],
]

test('mayEject() counts shares exactly', () => {
  // 0.29 × 100 is 28.999999999999996 in doubles.
  assert.equal(mayEject({ ...OUTLIER, maxEjected: 0.29 }, 28, 100, 60), true)
  assert.equal(mayEject({ ...OUTLIER, maxEjected: 0.29 }, 29, 100, 60), false)
})

test('mayEject() leaves half, whatever maxEjected says', () => {
  assert.equal(mayEject({ ...OUTLIER, maxEjected: 1 }, 4, 10, 5), true)
  assert.equal(mayEject({ ...OUTLIER, maxEjected: 1 }, 5, 10, 4), false)
})

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
