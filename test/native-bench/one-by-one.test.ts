import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesPerCall } from '../../native-bench/allocated.ts'
import { timeOneByOne } from '../../native-bench/harness.ts'
import { percentilesOf } from '../../native-bench/percentiles.ts'
import { rowTable } from '../../native-bench/report/tables.ts'

test('percentiles are those of all readings together, three digits of them right', () => {
  // 1 … 1,000 and 1,001 … 2,000: half are up to 1,000, a hundredth is beyond 1,980, a thousandth beyond 1,998.
  const parts = [0, 1000].map(from => Float64Array.from({ length: 1000 }, (_, i) => from + i + 1))
  const { p50, p99, p999 } = percentilesOf(parts)
  for (const [is, shouldBe] of [
    [p50, 1000],
    [p99, 1980],
    [p999, 1998],
  ] as const) {
    assert.ok(Math.abs(is - shouldBe) <= shouldBe / 1000, `${is}, not ${shouldBe}`)
  }
})

test('one slow call among hundred is beyond p99, and each is told another number', () => {
  let sum = 0
  const numbers = new Set<number>()
  const { p50, p999 } = timeOneByOne(i => {
    numbers.add(i)
    // Two of a hundred: a loop of some microseconds.
    if (i % 50 === 0) for (let j = 0; j < 5000; j++) sum += j
  })
  assert.equal(numbers.size, 50_000)
  assert.ok(sum > 0)
  assert.ok(p999 > 2 * p50, `${p50} and ${p999} ns`)
})

test('a call that makes an object leaves its bytes, one that makes none leaves none', () => {
  const kept: object[] = []
  const allocating = (times: number): void => {
    for (let i = 0; i < times; i++) kept[i & 15] = { i }
  }
  let sum = 0
  const adding = (times: number): void => {
    for (let i = 0; i < times; i++) sum = (sum + i) | 0
  }
  allocating(100_000)
  adding(100_000)
  // A header of three words of four bytes, or of eight, and its one field.
  const bytes = bytesPerCall(allocating)
  assert.ok(bytes >= 12 && bytes <= 64, `${bytes} bytes`)
  assert.ok(bytesPerCall(adding) < 0.5, `${bytesPerCall(adding)} bytes`)
  assert.ok(sum !== 0 && kept.length > 0)
})

test('rows tell single calls and bytes where there are any', () => {
  const row = { name: 'a', nsMedian: 20, nsP99: 30, spreadPercent: 1, samples: 200 }
  assert.doesNotMatch(rowTable([row]), /single/)
  const single = { p50: 60, p99: 80, p999: 12_000 }
  const [head, first, second] = rowTable([{ ...row, single, bytes: 0 }, row]).split('\n')
  assert.match(head!, /single p50 +p99 +p99\.9 +bytes$/)
  assert.match(first!, /60\.0 ns +80\.0 ns +12\.0 µs +0\.0$/)
  assert.match(second!, /– +– +– +–$/)
})
