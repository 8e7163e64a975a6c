import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { printDuration, printRatio, printSize, readDuration, readRatio, readSize } from '../../engine/config/units.ts'

const durations: [string, number | RegExp][] = [
  ['0', 0],
  ['0s', 0],
  ['500ms', 500],
  ['10s', 10_000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['1h', 3_600_000],
  // 1.005 × 1000 is 1004.9999999999999 in binary; a person wrote 1005 ms.
  ['1.005s', 1005],
  ['1000', /^1000 has no unit; write 1000ms or 1000s$/],
  ['0.5ms', /^"0.5ms" is finer than 1ms; write whole milliseconds$/],
  ['597h', /^"597h" is longer than a timer can wait; write at most 596h$/],
  ['1m30s', /^"1m30s" is not a duration; write a number with ms, s, m or h/],
  ['-1s', /is not a duration/],
  ['1S', /is not a duration/],
  ['10 s', /is not a duration/],
  ['', /^"" is not a duration/],
]

const sizes: [string, number | RegExp][] = [
  ['0', 0],
  ['512', 512],
  ['512B', 512],
  ['32KiB', 32_768],
  ['1.5MiB', 1_572_864],
  ['1GiB', 1_073_741_824],
  ['32KB', /^"32KB" is not a size; did you mean "32KiB"\?$/],
  ['32k', /did you mean "32KiB"/],
  ['0.3B', /is not a whole number of bytes/],
  ['99999999GiB', /is too large/],
  ['much', /^"much" is not a size; write a number with B, KiB, MiB or GiB, such as 32KiB$/],
]

const ratios: [string, number | RegExp][] = [
  ['0', 0],
  ['0%', 0],
  ['7%', 0.07],
  ['12.5%', 0.125],
  ['100%', 1],
  ['100.1%', /^"100.1%" is more than all; write 0% to 100%$/],
  ['0.2', /^0.2 has no unit; write a percentage such as 20%$/],
  ['20', /^20 has no unit; write a percentage such as 20%$/],
  ['half', /^"half" is not a ratio; write a percentage such as 20%$/],
]

const tables = { readDuration, readSize, readRatio }
const cases = { readDuration: durations, readSize: sizes, readRatio: ratios }

for (const name of ['readDuration', 'readSize', 'readRatio'] as const) {
  test(`${name}() reads what has its unit and says what is missing otherwise`, () => {
    for (const [text, expected] of cases[name]) {
      const reading = tables[name](text)
      if (expected instanceof RegExp) {
        assert.match('fault' in reading ? reading.fault : `read as ${reading.value}`, expected, text)
      } else {
        assert.deepEqual(reading, { value: expected }, text)
      }
    }
  })
}

test('printing a duration, a size or a ratio gives a text that reads as the same value', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), ms => {
      assert.deepEqual(readDuration(printDuration(ms)), { value: ms })
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 53 - 1 }), bytes => {
      assert.deepEqual(readSize(printSize(bytes)), { value: bytes })
    }),
  )
  // Six decimals of a percent: every ratio that can be written.
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000_000 }), millionths => {
      const reading = readRatio(`${(millionths / 1e6).toFixed(6)}%`)
      assert.ok('value' in reading)
      assert.deepEqual(readRatio(printRatio(reading.value)), reading)
    }),
  )
})

test('printing takes the largest unit that is exact', () => {
  assert.equal(printDuration(90_000), '90s')
  assert.equal(printDuration(1500), '1500ms')
  assert.equal(printDuration(0), '0s')
  assert.equal(printSize(32_768), '32KiB')
  assert.equal(printSize(1000), '1000B')
  assert.equal(printRatio(0.07), '7%')
})
