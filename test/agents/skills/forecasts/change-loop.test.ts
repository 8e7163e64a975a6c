import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeTo, LOOP_RULE, measured, restingLoop } from '../../../../agents/skills/forecasts/change-loop.ts'

test('a change that helps stays, one that makes it worse by more than 5 % is taken back (SK-3)', () => {
  const tried = changeTo(restingLoop('a'), 'b', 100)
  assert.equal(tried.inForce, 'b')
  const first = measured(LOOP_RULE, tried, 104)
  assert.deepEqual([first.verdict, first.loop.inForce], ['none', 'b'], 'one window is not enough')
  const kept = measured(LOOP_RULE, first.loop, 105)
  assert.deepEqual([kept.verdict, kept.loop.inForce, kept.loop.trial], ['kept', 'b', undefined])
  const back = measured(LOOP_RULE, first.loop, 120)
  assert.deepEqual([back.verdict, back.loop.inForce, back.loop.trial], ['rolled-back', 'a', undefined])
})

test('while one change is on trial no other is made', () => {
  const tried = changeTo(restingLoop(1), 2, 100)
  assert.equal(changeTo(tried, 3, 100), tried)
  assert.deepEqual(measured(LOOP_RULE, restingLoop(1), 5), { loop: restingLoop(1), verdict: 'none' })
})
