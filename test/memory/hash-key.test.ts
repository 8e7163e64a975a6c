import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashKey } from '../../engine/memory/hash-key.ts'

/** MurmurHash3_x86_32 as Appleby wrote it, over bytes, in BigInt: slow, and nothing like ours. */
function murmur3(bytes: Uint8Array, seed: number): number {
  const word = (value: bigint): bigint => value & 0xffffffffn
  const rotate = (value: bigint, by: bigint): bigint => word((value << by) | (value >> (32n - by)))
  const mixed = (k: bigint): bigint => word(rotate(word(k * 0xcc9e2d51n), 15n) * 0x1b873593n)
  let hash = word(BigInt(seed))
  const blocks = bytes.length >> 2
  for (let block = 0; block < blocks; block++) {
    let k = 0n
    for (let i = 0; i < 4; i++) k |= BigInt(bytes[block * 4 + i]) << BigInt(8 * i)
    hash = word(rotate(hash ^ mixed(k), 13n) * 5n + 0xe6546b64n)
  }
  let tail = 0n
  for (let i = bytes.length & 3; i > 0; i--) tail = (tail << 8n) | BigInt(bytes[blocks * 4 + i - 1])
  if ((bytes.length & 3) !== 0) hash ^= mixed(tail)
  hash ^= BigInt(bytes.length)
  hash = word((hash ^ (hash >> 16n)) * 0x85ebca6bn)
  hash = word((hash ^ (hash >> 13n)) * 0xc2b2ae35n)
  return Number(hash ^ (hash >> 16n))
}

test('the reference agrees with the published vectors of murmur3-32', () => {
  const ascii = (text: string) => new TextEncoder().encode(text)
  assert.equal(murmur3(ascii(''), 0), 0)
  assert.equal(murmur3(ascii(''), 1), 0x514e28b7)
  assert.equal(murmur3(ascii('test'), 0), 0xba6bd213)
  assert.equal(murmur3(ascii('Hello, world!'), 0), 0xc0363e43)
  assert.equal(murmur3(ascii('The quick brown fox jumps over the lazy dog'), 0), 0x2e4ff723)
})

test('hashKey() is murmur3-32 over the UTF-16LE bytes of the key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (key, seed) => {
      assert.equal(hashKey(key, seed), murmur3(Buffer.from(key, 'utf16le'), seed))
    }),
    { numRuns: 500, seed: 0x5eed },
  )
})

test('hashKey() stays what it was: these numbers are in use across processes and versions', () => {
  for (const key of ['', 'a', 'session-42', 'grüße', '😀']) {
    assert.equal(hashKey(key), murmur3(Buffer.from(key, 'utf16le'), 0), key)
  }
  assert.equal(hashKey(''), 0)
})

test('hashKey() answers a whole number of 32 bits', () => {
  for (let i = 0; i < 1000; i++) {
    const hash = hashKey(`key ${i}`)
    assert.ok(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32)
  }
})

test('hashKey() spreads near keys evenly over a small table', () => {
  const keys = 70_000
  const seen = new Array(7).fill(0)
  for (let i = 0; i < keys; i++) seen[hashKey(`user-${i}`) % 7]++
  for (const count of seen) assert.ok(Math.abs(count - 10_000) <= 5 * Math.sqrt(keys * (1 / 7) * (6 / 7)), String(seen))
})
