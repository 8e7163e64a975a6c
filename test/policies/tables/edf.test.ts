import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildEdfSchedule } from '../../../engine/policies/tables/edf.ts'
import { turnsOf } from '../../../engine/policies/tables/turns.ts'
import { countEntries, lettered, spelled } from './tiny-members.ts'

/**
 * "Weighted" and "WeightedSeed" are tests of Envoy's round_robin_lb_test.cc
 * (test/extensions/load_balancing_policies/round_robin), the others of test/common/upstream/edf_scheduler_test.cc.
 */
const schedule = (...weights: number[]) => spelled(buildEdfSchedule(lettered(weights)))

test('buildEdfSchedule() takes 1 and 2 as Envoy does', () => {
  // Envoy: Weighted, "initial weights respected": b a b b a b.
  assert.equal(schedule(1, 2), 'b a b')
})

test('buildEdfSchedule() takes 1 and 4 as Envoy does', () => {
  // Envoy: Weighted, the last part: b b b a b, twice.
  assert.equal(schedule(1, 4), 'b b b a b')
})

test('buildEdfSchedule() takes 2, 1 and 3 as Envoy does', () => {
  // Envoy: Weighted, "add a host": c a c b a c, twice. All three meet at 1, and come in the order in which they were put in.
  assert.equal(schedule(2, 1, 3), 'c a c b a c')
})

test('buildEdfSchedule() can be begun anywhere, as Envoy does with a seed', () => {
  // Envoy: WeightedSeed; one pick ahead, a b b a b b.
  const period = buildEdfSchedule(lettered([1, 2]))
  const ahead = Uint16Array.from({ length: 6 }, (_, turn) => period[(1 + turn) % period.length]!)
  assert.equal(spelled(ahead), 'a b b a b b')
})

test('buildEdfSchedule() takes equal members in order', () => {
  // Envoy: Unweighted, 128 entries of weight 1.
  const members = Array.from({ length: 128 }, (_, i) => ({ key: `e${i}`, weight: 1 }))
  assert.deepEqual(
    [...buildEdfSchedule(members)],
    members.map((_, i) => i),
  )
})

test('buildEdfSchedule() takes each of 128 as often as its weight, 1 to 128', () => {
  // Envoy: Weighted; 128 × 129 ÷ 2 picks.
  const members = Array.from({ length: 128 }, (_, i) => ({ key: `e${i}`, weight: i + 1 }))
  const schedule = buildEdfSchedule(members)
  assert.equal(schedule.length, 8_256)
  assert.deepEqual(
    countEntries(schedule, 128),
    members.map(({ weight }) => weight),
  )
})

test('buildEdfSchedule() takes 6, 3 and 1 of ten', () => {
  // Envoy: WeightedInitializationPicksAllHosts; each of ten starts, one pick.
  assert.deepEqual(countEntries(buildEdfSchedule(lettered([6, 3, 1])), 3), [6, 3, 1])
})

test('buildEdfSchedule() makes an empty schedule of no members', () => {
  // Envoy: Empty.
  assert.equal(buildEdfSchedule([]).length, 0)
})

test('buildEdfSchedule() sums deadlines as doubles, as Envoy does, of the weights as handed in', () => {
  // 1 and 10 meet at 1, where a, put in first, would come first in whole fractions. But ten times 0.1 is 0.9999999999999999.
  assert.equal(schedule(1, 10), 'b b b b b b b b b b a')
  // 3 and 30 meet at a third, and ten times 1/30 is what 1/3 is: now a is first.
  assert.equal(schedule(3, 30), 'b b b b b b b b b a b')
})

/** Envoy's rule turn by turn: all deadlines are looked at in each. */
function envoy(weights: Float64Array, period: number): Uint16Array {
  const entries = Array.from(weights, (weight, i) => ({ deadline: 1 / weight, arrival: i, i }))
  let arrivals = weights.length
  return Uint16Array.from({ length: period }, () => {
    const first = entries.reduce((a, b) =>
      b.deadline < a.deadline || (b.deadline === a.deadline && b.arrival < a.arrival) ? b : a,
    )
    first.deadline += 1 / weights[first.i]!
    first.arrival = arrivals++
    return first.i
  })
}

test('buildEdfSchedule() takes whom Envoy takes, turn by turn, and each as often as its weight says', () => {
  const weight = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 40 }))
  fc.assert(
    fc.property(
      fc.array(weight, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (weights, factor) => {
        const members = weights.map((weight, i) => ({ key: `e${i}`, weight: weight * factor }))
        const { turns, period } = turnsOf(members)
        const schedule = buildEdfSchedule(members)
        assert.deepEqual(
          schedule,
          envoy(
            Float64Array.from(members, ({ weight }) => weight),
            period,
          ),
        )
        assert.deepEqual(countEntries(schedule, weights.length), [...turns])
      },
    ),
  )
})

test('buildEdfSchedule() takes each as often as its turns, in periods that were made to fit', () => {
  const weight = fc.integer({ min: 1, max: 2 ** 24 }).map(units => units / 256)
  fc.assert(
    fc.property(fc.array(weight, { minLength: 2, maxLength: 40 }), weights => {
      const members = weights.map((weight, i) => ({ key: `e${i}`, weight }))
      assert.deepEqual(countEntries(buildEdfSchedule(members), weights.length), [...turnsOf(members).turns])
    }),
    { numRuns: 30 },
  )
})
