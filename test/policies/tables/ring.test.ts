import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sortRing } from '../../../engine/policies/tables/ring.ts'

const words = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
const points = fc.array(fc.record({ high: words, low: words }), { maxLength: 60 })

test('sortRing() sorts as 64-bit numbers, and equal ones in the order of the list', () => {
  fc.assert(
    fc.property(points, points => {
      const highs = Uint32Array.from(points, ({ high }) => high)
      const lows = Uint32Array.from(points, ({ low }) => low)
      const ring = sortRing(
        highs,
        Uint16Array.from(points, (_, i) => i),
        lows,
      )
      // Array.prototype.sort is stable.
      const expected = points
        .map(({ high, low }, i) => ({ high, low, i }))
        .sort((a, b) => a.high - b.high || a.low - b.low)
      assert.deepEqual(
        [...ring.members],
        expected.map(({ i }) => i),
      )
      assert.deepEqual(
        [...ring.points],
        expected.map(({ high }) => high),
      )
    }),
    { numRuns: 500 },
  )
})

test('sortRing() leaves equal points of 32 bits in the order of the list', () => {
  const ring = sortRing(Uint32Array.of(7, 2 ** 32 - 1, 7, 0, 7), Uint16Array.of(3, 4, 1, 0, 2))
  assert.deepEqual([...ring.points], [0, 7, 7, 7, 2 ** 32 - 1])
  assert.deepEqual([...ring.members], [0, 3, 1, 2, 4])
})

test('sortRing() makes an empty ring of no points', () => {
  assert.equal(sortRing(new Uint32Array(0), new Uint16Array(0), new Uint32Array(0)).points.length, 0)
})
