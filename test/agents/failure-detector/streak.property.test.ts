import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fail, follow, NO_STREAK, succeed } from '../../../agents/failure-detector/streak.ts'

/** The plain way: one outcome after another. */
function count(before: number, outcomes: readonly boolean[]): { after: number; most: number } {
  let after = before
  let most = before
  for (const isFailure of outcomes) {
    after = isFailure ? after + 1 : 0
    most = Math.max(most, after)
  }
  return { after, most }
}

test('a streak says of any outcomes what counting them one by one says', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.array(fc.boolean(), { maxLength: 60 }), (before, outcomes) => {
      const streak = outcomes.reduce((sum, isFailure) => (isFailure ? fail(sum) : succeed(sum)), NO_STREAK)
      assert.deepEqual(follow(before, streak), count(before, outcomes))
    }),
  )
})

test('streaks of two stretches, one after the other, say what the streak of both together says', () => {
  const outcomes = fc.array(fc.boolean(), { maxLength: 30 })
  fc.assert(
    fc.property(outcomes, outcomes, (first, second) => {
      const streakOf = (stretch: readonly boolean[]) =>
        stretch.reduce((sum, isFailure) => (isFailure ? fail(sum) : succeed(sum)), NO_STREAK)
      const joined = follow(follow(0, streakOf(first)).after, streakOf(second))
      assert.equal(joined.after, follow(0, streakOf([...first, ...second])).after)
    }),
  )
})
