import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evenOut } from '../../../agents/load-balancer/easing.ts'
import { smooth } from '../../../agents/load-balancer/latency.ts'
import { sinceOfShare, slowStartShare } from '../../../agents/load-balancer/slow-start.ts'

test('slowStartShare() grows from minWeight to 1 over the window', () => {
  const linear = { window: 10_000, aggression: 1, minWeight: 0.1 }
  assert.equal(slowStartShare(linear, 0), 0.1)
  assert.equal(slowStartShare(linear, 500), 0.1) // 0.05 is below minWeight
  assert.equal(slowStartShare(linear, 5_000), 0.5)
  assert.equal(slowStartShare(linear, 10_000), 1)
  assert.equal(slowStartShare({ ...linear, window: 0 }, 0), 1)
})

test('slowStartShare() with an aggression above 1 is faster at first, below 1 slower', () => {
  const at = (aggression: number): number => slowStartShare({ window: 10_000, aggression, minWeight: 0.01 }, 2_500)
  assert.equal(at(2), 0.5) // √0.25
  assert.equal(at(1), 0.25)
  assert.equal(at(0.5), 0.0625) // 0.25²
})

test('sinceOfShare() says when it came that has this share, to the ms while it is above minWeight', () => {
  for (const aggression of [0.5, 1, 2]) {
    const rule = { window: 10_000, aggression, minWeight: 0.1 }
    for (const sinceMs of [3_500, 5_000, 9_999])
      assert.equal(sinceOfShare(rule, slowStartShare(rule, sinceMs)), sinceMs)
    assert.equal(sinceOfShare(rule, 0.1), 0)
    assert.equal(sinceOfShare(rule, 1), 10_000)
  }
})

test('evenOut() measures shares by the largest that can be picked', () => {
  assert.deepEqual(evenOut([0.1, 0.1], [true, true]), [1, 1])
  assert.deepEqual(evenOut([0.5, 0.25], [true, true]), [1, 0.5])
  assert.deepEqual(evenOut([1, 0.25], [true, true]), [1, 0.25])
  assert.deepEqual(evenOut([1, 0.25, 0.5], [false, true, true]), [1, 0.5, 1], 'one that is out carries nothing')
  assert.deepEqual(evenOut([0.5, 0.25], [false, false]), [0.5, 0.25])
})

test('smooth() takes the first mean as it is, then moves by 1 − e^(−Δt) of the way in a time constant of 1 s', () => {
  assert.equal(smooth(0, 400, 0), 400)
  assert.ok(Math.abs(smooth(400, 1400, 1_000) - (400 + 1000 * (1 - Math.exp(-1)))) < 1e-9)
  assert.equal(smooth(400, 1400, 0), 400)
  assert.ok(
    Math.abs(smooth(400, 1400, 60_000) - 1400) < 1e-9,
    'after a long pause the last answers are all that counts',
  )
})

test('smooth() does not depend on how a steady stream is cut into batches', () => {
  let fine = 400
  for (let i = 0; i < 10; i++) fine = smooth(fine, 1400, 100)
  assert.ok(Math.abs(fine - smooth(400, 1400, 1_000)) < 1e-9)
})
