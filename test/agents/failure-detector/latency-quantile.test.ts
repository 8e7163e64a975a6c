import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { latencyOutliers, medianWithout } from '../../../agents/failure-detector/latency-quantile.ts'
import {
  BUCKETS,
  bucketOf,
  newHistogram,
  quantileOf,
  topOf,
  volumeOf,
} from '../../../agents/kit/run/latency-buckets.ts'

const US_MAX = 0x7fffffff
const someUs = fc.oneof(
  fc.nat(US_MAX),
  fc.nat(5000),
  fc.nat(30).map(bit => 2 ** bit),
  fc.nat(30).map(bit => 2 ** bit - 1),
)

function histogramOf(latenciesUs: readonly number[]): Uint32Array {
  const histogram = newHistogram()
  for (const us of latenciesUs) histogram[bucketOf(us)]!++
  return histogram
}

test('bucketOf() is exact below 16 µs and then has eight steps an octave', () => {
  const buckets = [0, 7, 8, 15, 16, 17, 18, 31, 32, 35, 36, US_MAX].map(bucketOf)
  assert.deepEqual(buckets, [0, 7, 8, 15, 16, 16, 17, 23, 24, 24, 25, BUCKETS - 1])
  assert.deepEqual([0, 7, 15, 16, 23, 24, BUCKETS - 1].map(topOf), [0, 7, 15, 17, 31, 35, US_MAX])
})

test('every latency falls into the bucket whose top is the next at or above it, an eighth away at most', () => {
  fc.assert(
    fc.property(someUs, us => {
      const bucket = bucketOf(us)
      assert.ok(bucket >= 0 && bucket < BUCKETS)
      assert.ok(topOf(bucket) >= us && topOf(bucket) - us <= us / 8)
      if (bucket > 0) assert.ok(topOf(bucket - 1) < us)
    }),
  )
})

test('quantileOf() is the top of the bucket of the sample that has this rank', () => {
  const percent = fc.integer({ min: 1, max: 100 })
  fc.assert(
    fc.property(fc.array(someUs, { minLength: 1, maxLength: 200 }), percent, (latencies, q) => {
      const sorted = [...latencies].sort((a, b) => a - b)
      // The rank in whole numbers: ⌈q × n ÷ 100⌉.
      const sample = sorted[Math.floor((q * sorted.length + 99) / 100) - 1]!
      assert.equal(quantileOf(histogramOf(latencies), q / 100), topOf(bucketOf(sample)))
    }),
  )
})

test('histograms are merged by adding: that of both is the sum of the two', () => {
  const some = fc.array(someUs, { maxLength: 50 })
  fc.assert(
    fc.property(some, some, (one, other) => {
      const [a, b] = [histogramOf(one), histogramOf(other)]
      assert.deepEqual(
        a.map((count, bucket) => count + b[bucket]!),
        histogramOf([...one, ...other]),
      )
    }),
  )
})

test('quantileOf() nothing is 0', () => {
  assert.equal(quantileOf(newHistogram(), 0.5), 0)
  assert.equal(volumeOf(newHistogram()), 0)
})

test('medianWithout() is the median of the others', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 2, maxLength: 12 }), fc.nat(100), (numbers, seed) => {
      const sorted = numbers.sort((a, b) => a - b)
      const place = seed % sorted.length
      const others = sorted.filter((_, i) => i !== place)
      const half = Math.floor(others.length / 2)
      const median = others.length % 2 === 1 ? others[half]! : (others[half - 1]! + others[half]!) / 2
      assert.equal(medianWithout(sorted, place), median)
    }),
  )
})

const RULE = { latencyQuantile: 0.95, latencyFactor: 3, latencyVolume: 100 }
/** An endpoint all of whose requests took this long. */
const steady = (us: number, volume = 100) => ({ us, latencies: histogramOf(Array(volume).fill(us)) })
const found = (rule: typeof RULE, all: { us: number; latencies: Uint32Array | undefined }[]): number[] =>
  latencyOutliers(rule, all).map(({ endpoint }) => endpoint.us)

test('latencyOutliers() finds who is above three times the median of the others, the slowest first', () => {
  // Exact values of buckets: 15 µs each; three times their median is 45 µs, 47 is the top of the bucket of 44 to 47.
  const all = [steady(15), steady(15), steady(15), steady(47), steady(95)]
  assert.deepEqual(found(RULE, all), [95, 47])
  const [slowest] = latencyOutliers(RULE, all)
  // The others of the slowest are 15, 15, 15, 47: between the middle two, 15.
  assert.deepEqual([slowest!.latencyUs, slowest!.limitUs], [95, 45])
})

test('latencyOutliers() spares who is just at the limit', () => {
  // 5 × 3 = 15, both exact.
  assert.deepEqual(found(RULE, [steady(5), steady(5), steady(15)]), [])
  assert.deepEqual(found(RULE, [steady(5), steady(5), steady(17)]), [17])
})

test('latencyOutliers() looks at the quantile alone: one slow request in twenty is the 95 %, not above it', () => {
  const slowIn = (slow: number) => ({
    us: slow,
    latencies: histogramOf([...Array(slow).fill(9000), ...Array(100 - slow).fill(10)]),
  })
  assert.deepEqual(found(RULE, [steady(10), steady(10), slowIn(5)]), [])
  assert.deepEqual(found(RULE, [steady(10), steady(10), slowIn(6)]), [6])
  assert.deepEqual(found({ ...RULE, latencyQuantile: 0.99 }, [steady(10), steady(10), slowIn(2)]), [2])
})

test('latencyOutliers() of two finds the slow one, and one alone has nobody to be compared with', () => {
  assert.deepEqual(found(RULE, [steady(10), steady(100)]), [100])
  assert.deepEqual(found(RULE, [steady(100)]), [])
})

test('latencyOutliers() asks for volume, of those that are compared with too', () => {
  assert.deepEqual(found(RULE, [steady(10), steady(100, 99)]), [])
  assert.deepEqual(found(RULE, [steady(10, 99), steady(100)]), [])
  assert.deepEqual(found(RULE, [{ us: 0, latencies: undefined }, steady(10), steady(100)]), [100])
})

test('latencyOutliers() with quantile 0 is off', () => {
  assert.deepEqual(found({ ...RULE, latencyQuantile: 0 }, [steady(10), steady(100)]), [])
})

test('fewer than half are found, and none where all are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 2, maxLength: 12 }), latencies => {
      const all = latencies.map(us => steady(us, 1))
      const slow = found({ ...RULE, latencyVolume: 1 }, all)
      // Who is above the median of the others is in the upper half.
      assert.ok(slow.length <= all.length / 2)
      assert.deepEqual(
        found(
          { ...RULE, latencyVolume: 1 },
          all.map(() => steady(latencies[0]!, 1)),
        ),
        [],
      )
    }),
  )
})
