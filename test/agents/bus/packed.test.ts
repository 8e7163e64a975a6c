import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Packer, Unpacker } from '../../../agents/bus/packed.ts'

const LONGEST = 65_536

/** Packs, copies to shared memory at some offset, unpacks. */
function carry(value: unknown, bytesMax = LONGEST): unknown {
  const packer = new Packer(bytesMax)
  const bytes = packer.pack(value)
  assert.ok(bytes > 0, `${bytes}`)
  const shared = new SharedArrayBuffer(bytes + 3)
  new Uint8Array(shared).set(packer.bytes.subarray(0, bytes), 3)
  return new Unpacker(shared).unpack(3)
}

const packed = (value: unknown, bytesMax = LONGEST): number => new Packer(bytesMax).pack(value)

test('what is plain comes out as it went in', () => {
  const scalar = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0, '\ud800', 'ÿ', 'Ā'),
  )
  const plain = { noNullPrototype: true }
  const row = fc.record({ a: fc.double(), b: fc.double(), c: fc.integer() }, plain)
  const { value } = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(row, { maxLength: 5 }),
      fc.array(fc.oneof(row, fc.record({ a: fc.double(), b: scalar, c: fc.integer() }, plain)), { maxLength: 5 }),
      fc.dictionary(
        fc.string().filter(name => name !== '__proto__'),
        tie('value'),
        { maxKeys: 4, noNullPrototype: true },
      ),
    ),
  }))
  fc.assert(
    fc.property(value, each => {
      assert.deepStrictEqual(carry(each), each)
    }),
    { numRuns: 500 },
  )
})

test('an array that is nearly a table comes out as it went in', () => {
  for (const rows of [
    [{ a: 1 }, { b: 1 }],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: 1 }, { a: 'x' }],
    [{ a: 1 }, null],
    [{ a: 1 }, [1]],
    [{ 'a,b': 1 }],
    [{}],
    [{ a: 1 }, undefined],
  ]) {
    const out = carry(rows) as object[]
    assert.deepStrictEqual(out, rows)
    assert.deepEqual(JSON.stringify(out), JSON.stringify(rows), 'names keep their order')
  }
})

test('a table costs eight bytes for each number', () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ row: i, generation: 7, latencyUsSum: i / 3 }))
  assert.ok(packed(rows) < 100 * 3 * 8 + 64, `${packed(rows)}`)
})

test('what is not plain, too deep or too long is refused, and the next is not', () => {
  const packer = new Packer(1_024)
  class Strange {}
  let deep: unknown = 1
  for (let i = 0; i < 17; i++) deep = [deep]
  const own = Object.defineProperty({}, '__proto__', { value: 1, enumerable: true })
  for (const value of [
    new Map(),
    new Date(0),
    5n,
    () => 1,
    Symbol('x'),
    new Strange(),
    new Uint8Array(1),
    { a: [{ b: 5n }] },
    own,
    [own],
    deep,
    'x'.repeat(1_020),
    'Ā'.repeat(510),
    Array(120).fill(1),
    Array(130).fill({ a: 1 }),
    Array(1_020).fill(null),
  ]) {
    assert.equal(packer.pack(value), -1)
    assert.equal(packer.pack([1, 'a']), 5 + 9 + 6)
  }
  assert.equal(packer.pack('x'.repeat(1_019)), 1_024)
})
