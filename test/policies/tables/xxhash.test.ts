import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash64, xxhash } from '../../../engine/policies/tables/xxhash.ts'

function hashOf(text: string, seed = 0n): bigint {
  const hash = { high: 0, low: 0 }
  hash64(new TextEncoder().encode(text), seed, hash)
  return (BigInt(hash.high) << 32n) | BigInt(hash.low)
}

test('hash64() says what to do when the hash is not loaded yet', () => {
  assert.throws(() => hashOf('a'), { code: 'SBX_TABLE_INVALID', message: /await xxhash\(\) first/ })
})

test('xxhash() may be awaited many times, at once too', async () => {
  await Promise.all([xxhash(), xxhash()])
  await xxhash()
})

test('hash64() is xxHash64 as Envoy has it', async () => {
  await xxhash()
  // Envoy, test/common/common/hash_test.cc, Hash.xxHash.
  assert.equal(hashOf('foo'), 3728699739546630719n)
  assert.equal(hashOf('bar'), 5234164152756840025n)
  assert.equal(hashOf('foo\nbar'), 8917841378505826757n)
  assert.equal(hashOf('lyft'), 4400747396090729504n)
  assert.equal(hashOf(''), 17241709254077376921n)
})

test('hash64() gives another hash for another seed', async () => {
  await xxhash()
  assert.notEqual(hashOf('foo', 1n), hashOf('foo', 0n))
})
