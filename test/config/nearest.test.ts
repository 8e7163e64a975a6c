import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, nearest } from '../../engine/config/nearest.ts'

test('nearest() finds the word a slip of the hand came from', () => {
  const keys = ['policy', 'endpoints', 'healthCheck', 'timeouts', 'retry', 'outlier', 'slowStart', 'panicThreshold']
  assert.equal(nearest('heathCheck', keys), 'healthCheck')
  assert.equal(nearest('health-check', keys), 'healthCheck')
  assert.equal(nearest('ednpoints', keys), 'endpoints')
  assert.equal(nearest('panic_treshold', keys), 'panicThreshold')
  assert.equal(nearest('peek-ewma', ['peak-ewma', 'least-request']), 'peak-ewma')
})

test('nearest() suggests nothing where nothing is near', () => {
  assert.equal(nearest('colour', ['policy', 'endpoints']), undefined)
  assert.equal(nearest('id', ['url', 'zone']), undefined)
  assert.equal(nearest('x'.repeat(10_000), ['x']), undefined)
  assert.equal(nearest('anything', []), undefined)
})

test('editDistance() is a distance that counts a swap as one edit', () => {
  assert.equal(editDistance('abcd', 'abdc'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      assert.equal(distance, editDistance(b, a))
      assert.equal(distance === 0, a === b)
      assert.ok(distance >= Math.abs(a.length - b.length) && distance <= Math.max(a.length, b.length))
    }),
  )
})
