import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { buildRing } from '../../../engine/policies/tables/ring-hash.ts'
import { ringPosition, tablePosition } from '../../../engine/policies/tables/table-key.ts'
import { xxhash } from '../../../engine/policies/tables/xxhash.ts'
import { equal } from './tiny-members.ts'

before(xxhash)

const HASH_MAX = 2 ** 32 - 1

test('tablePosition() is the hash modulo the size, of the hash as an unsigned number', () => {
  assert.equal(tablePosition(10, 7), 3)
  // 2^32 − 1 = 7 × 613,566,756 + 3; −1 is the same 32 bits.
  assert.equal(tablePosition(HASH_MAX, 7), 3)
  assert.equal(tablePosition(-1, 7), 3)
})

test('tablePosition() looks elsewhere on further attempts: the hash with the bits of −k turned', () => {
  // Envoy: hash ^ (~0 − k + 1). 10 ^ 0xffffffff = 4,294,967,285 = 7 × 613,566,755; 10 ^ 0xfffffffe = 4,294,967,284, one less.
  // (Envoy's BasicWithRetryHostPredicate does it with 64 bits: 10 goes on to 5 and 4.)
  assert.equal(tablePosition(10, 7, 1), 0)
  assert.equal(tablePosition(10, 7, 2), 6)
  const wide = (attempt: bigint) => Number((10n ^ (2n ** 64n - attempt)) % 7n)
  assert.deepEqual([wide(1n), wide(2n)], [5, 4])
})

test('tablePosition() is always within the table', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 5_000_011 }), fc.nat({ max: 100 }), (hash, size, attempt) => {
      const position = tablePosition(hash, size, attempt)
      assert.ok(Number.isInteger(position) && position >= 0 && position < size)
    }),
  )
})

test('ringPosition() is the first point at or after the hash, and past the last the first', () => {
  const points = Uint32Array.of(10, 20, 20, 4_000_000_000)
  const at = (hash: number, attempt?: number) => ringPosition(points, 0, 4, hash, attempt)
  assert.deepEqual([at(0), at(10), at(11), at(20), at(21)], [0, 0, 1, 1, 3])
  assert.deepEqual([at(4_000_000_000), at(4_000_000_001), at(HASH_MAX)], [3, 0, 0])
  // The same 32 bits as 4,000,000,000, signed.
  assert.equal(at(4_000_000_000 | 0), 3)
})

test('ringPosition() goes a point further with each attempt, round and round', () => {
  const points = Uint32Array.of(10, 20, 30)
  assert.deepEqual(
    [0, 1, 2, 3, 7].map(attempt => ringPosition(points, 0, 3, 15, attempt)),
    [1, 2, 0, 1, 2],
  )
})

test('ringPosition() answers −1 for an empty window', () => {
  assert.equal(ringPosition(Uint32Array.of(1, 2, 3), 1, 0, 2), -1)
})

test('ringPosition() looks at its window alone, however uneven the points', () => {
  // Even points, all near one place, all equal, and what lies around the window: none may mislead the search.
  const hash = fc.oneof(
    fc.integer({ min: 0, max: HASH_MAX }),
    fc.integer({ min: 0, max: 40 }),
    fc.constantFrom(0, HASH_MAX),
  )
  const window = fc.array(hash, { minLength: 1, maxLength: 300 }).map(points => points.sort((a, b) => a - b))
  fc.assert(
    fc.property(
      window,
      fc.array(hash, { maxLength: 5 }),
      fc.array(hash, { maxLength: 5 }),
      hash,
      (window, before, after, key) => {
        const points = Uint32Array.from([...before, ...window, ...after])
        const expected = Math.max(
          0,
          window.findIndex(point => point >= key),
        )
        assert.equal(ringPosition(points, before.length, window.length, key), expected)
      },
    ),
    { numRuns: 2000 },
  )
})

test('ringPosition() finds every point of a real ring, and the gap before it', () => {
  const { points } = buildRing(equal(['a', 'b', 'c']), { min: 3000, max: 3000 })
  points.forEach((point, i) => {
    assert.equal(ringPosition(points, 0, points.length, point), points.indexOf(point))
    if (i > 0)
      assert.equal(
        ringPosition(points, 0, points.length, points[i - 1]! + 1),
        points.findIndex(p => p > points[i - 1]!),
      )
  })
})

test('tablePosition() and ringPosition() allocate nothing', () => {
  const { points } = buildRing(equal(['a', 'b', 'c']), { min: 3000, max: 3000 })
  let sum = 0
  const pick = (picks: number): void => {
    for (let i = 0; i < picks; i++) {
      const hash = Math.imul(i, 0x9e3779b1)
      sum += tablePosition(hash, 65_537, i & 1) + ringPosition(points, 0, points.length, hash, i & 1)
    }
  }
  pick(200_000)
  const before = process.memoryUsage().heapUsed
  pick(1_000_000)
  // A number on the heap takes 12 bytes or more: a million picks with one each would show as 12 MB.
  assert.ok(process.memoryUsage().heapUsed - before < 4_000_000)
  assert.ok(sum > 0)
})
