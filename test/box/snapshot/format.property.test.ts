import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { decodeSnapshot, encodeSnapshot } from '../../../engine/box/snapshot/format.ts'
import type { TablesSnapshot } from '../../../engine/box/snapshot/snapshot.ts'
import { ENDPOINT_FACTS, type Facts, SERVICE_FACTS } from '../../../engine/memory/facts.ts'

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const factsOf = (names: readonly string[]): fc.Arbitrary<Facts> =>
  fc.array(word, { minLength: names.length, maxLength: names.length })
const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const endpoint = fc.record({
  id: text,
  url: fc.constant('http://10.0.0.1:80'),
  zone: text,
  metadata: fc.dictionary(text, text, { noNullPrototype: true, maxKeys: 3 }),
  weight: fc.double({ min: 0, max: 65_535, noNaN: true }).map(weight => weight || 0),
  priority: fc.nat(9),
})
const generated: fc.Arbitrary<TablesSnapshot> = fc.record({
  takenAtMs: fc.nat(2 ** 31 - 1),
  services: fc.array(
    fc.record({
      name: text,
      facts: factsOf(SERVICE_FACTS),
      configured: fc.array(endpoint, { maxLength: 2 }),
      endpoints: fc.array(
        fc.tuple(endpoint, factsOf(ENDPOINT_FACTS)).map(([each, facts]) => ({ ...each, facts })),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
  sessions: fc.array(word, { maxLength: 8 }).map(words => Int32Array.from(words)),
})

/** As objects with a prototype, which the generator does not always make. */
const snapshot = generated.map(each => structuredClone(each))

/** What comes of bytes; undefined: they are refused. */
function read(bytes: Buffer): TablesSnapshot | undefined {
  const result = decodeSnapshot(bytes)
  if ('snapshot' in result) return result.snapshot
  assert.ok(result.fault.length > 10, 'it says why')
  return undefined
}

describe('a snapshot as bytes', () => {
  test('is read as it was written', () => {
    fc.assert(fc.property(snapshot, each => isDeepStrictEqual(read(encodeSnapshot(each)), each)))
  })

  test('is refused whole or read as it was written, whatever bit is flipped', () => {
    fc.assert(
      fc.property(snapshot, fc.nat(), fc.nat(7), (each, position, bit) => {
        const bytes = encodeSnapshot(each)
        bytes[position % bytes.length] ^= 1 << bit
        const found = read(bytes)
        return found === undefined || isDeepStrictEqual(found, each)
      }),
      { numRuns: 500 },
    )
  })

  test('is refused at every place where it could be cut, and with anything behind it', () => {
    const [one] = fc.sample(snapshot, { numRuns: 1, seed: 7 })
    const bytes = encodeSnapshot(one!)
    for (let length = 0; length < bytes.length; length++)
      assert.equal(read(bytes.subarray(0, length)), undefined, `${length}`)
    assert.equal(read(Buffer.concat([bytes, Buffer.from('\n')])), undefined)
    assert.equal(read(Buffer.concat([bytes, bytes])), undefined)
    assert.deepEqual(read(bytes), one)
  })

  test('is refused where two halves of two snapshots were put together', () => {
    fc.assert(
      fc.property(snapshot, snapshot, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
        const [first, second] = [encodeSnapshot(a), encodeSnapshot(b)]
        const at = Math.floor(share * Math.min(first.length, second.length))
        const found = read(Buffer.concat([first.subarray(0, at), second.subarray(at)]))
        return found === undefined || isDeepStrictEqual(found, a) || isDeepStrictEqual(found, b)
      }),
    )
  })

  test('of another build, or no snapshot at all, is refused in words that say so', () => {
    const good = encodeSnapshot({ takenAtMs: 1, services: [], sessions: new Int32Array(0) }).toString('latin1')
    const table: [text: string, why: RegExp][] = [
      ['', /no snapshot of tables/],
      ['services: {}\n', /no snapshot of tables/],
      ['x'.repeat(10_000), /no snapshot of tables/],
      [good.replace('format=1', 'format=2'), /format 2, this build reads 1/],
      [good.replace('layout=', 'layout=9'), /layout version 9\d+, this build has \d/],
      [good.replace(/bytes=\d+/, 'bytes=12'), /where 12 were written/],
      [good.replace('"services":[]', '"services":{}'), /checksum/],
    ]
    for (const [each, why] of table) {
      const result = decodeSnapshot(Buffer.from(each, 'latin1'))
      assert.match('fault' in result ? result.fault : 'it was taken', why)
    }
  })
})
