import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildSmoothSchedule } from '../../../engine/policies/tables/smooth.ts'
import { turnsOf } from '../../../engine/policies/tables/turns.ts'
import { countEntries, lettered, spelled } from './tiny-members.ts'

const schedule = (...weights: number[]) => spelled(buildSmoothSchedule(lettered(weights)))

test('buildSmoothSchedule() takes {5, 1, 1} as nginx does', () => {
  // nginx, the message of commit 52327e0627f4 (src/http/ngx_http_upstream_round_robin.c, 2012).
  assert.equal(schedule(5, 1, 1), 'a a b a c a a')
})

test('buildSmoothSchedule() takes equal members in order', () => {
  // nginx-tests, upstream.t, "balanced": two servers in turn.
  assert.equal(schedule(1, 1), 'a b')
  assert.equal(schedule(7, 7, 7), 'a b c')
})

test('buildSmoothSchedule() takes weights with a common divisor as those without it', () => {
  assert.equal(schedule(50, 10, 10), schedule(5, 1, 1))
  assert.equal(schedule(2.5, 0.5, 0.5), schedule(5, 1, 1))
})

test('buildSmoothSchedule() takes fractions', () => {
  // 2 and 3 turns. currents before each turn, added and taken: (2 3)b (4 1)a (1 4)b (3 2)a (0 5)b.
  assert.equal(schedule(1, 1.5), 'b a b a b')
})

test('buildSmoothSchedule() takes the first of equals, whatever their weights', () => {
  // (1 2 1)b (2 0 2)a (−1 2 3)c (0 4 0)b: in the second turn a and c stand at 2.
  assert.equal(schedule(1, 2, 1), 'b a c b')
})

test('buildSmoothSchedule() makes an empty schedule of no members', () => {
  assert.equal(buildSmoothSchedule([]).length, 0)
})

/** nginx turn by turn: all members are looked at in each. */
function nginx(weights: Float64Array, sum: number, turns = sum): Uint16Array {
  const currents = new Float64Array(weights.length)
  return Uint16Array.from({ length: turns }, () => {
    let best = 0
    weights.forEach((weight, i) => {
      currents[i]! += weight
      if (currents[i]! > currents[best]!) best = i
    })
    currents[best]! -= sum
    return best
  })
}

const weights = fc.array(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 })), {
  minLength: 1,
  maxLength: 60,
})

test('buildSmoothSchedule() takes whom nginx takes, turn by turn', () => {
  fc.assert(
    fc.property(weights, weights => {
      const members = weights.map((weight, i) => ({ key: `e${i}`, weight }))
      const { turns, period } = turnsOf(members)
      assert.deepEqual(buildSmoothSchedule(members), nginx(turns, period))
    }),
  )
})

test('buildSmoothSchedule() takes each as often as its weight says, and nginx repeats it from there', () => {
  fc.assert(
    fc.property(weights, weights => {
      const members = weights.map((weight, i) => ({ key: `e${i}`, weight }))
      const { turns, period } = turnsOf(members)
      const schedule = buildSmoothSchedule(members)
      assert.deepEqual(countEntries(schedule, weights.length), [...turns])
      assert.deepEqual(nginx(turns, period, 2 * period).subarray(period), schedule)
    }),
  )
})

test('buildSmoothSchedule() takes whom nginx takes in the longest period of the most distinct weights', () => {
  // 1 + 2 + … + 361 = 65,341 turns of 361 groups.
  const members = Array.from({ length: 361 }, (_, i) => ({ key: `e${i}`, weight: i + 1 }))
  const { turns, period } = turnsOf(members)
  assert.equal(period, 65_341)
  assert.deepEqual(buildSmoothSchedule(members), nginx(turns, period))
})
