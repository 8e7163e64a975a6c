import assert from 'node:assert/strict'
import { test } from 'node:test'
import { below, createDice } from '../../engine/policies/dice.ts'

test('createDice() rolls the same for the same seed, other things for another', () => {
  const rolls = (seed: number) => {
    const dice = createDice(seed)
    return Array.from({ length: 10 }, () => dice())
  }
  assert.deepEqual(rolls(5), rolls(5))
  assert.notDeepEqual(rolls(5), rolls(6))
})

test('createDice() takes any seed, 0 too', () => {
  for (const seed of [0, -1, 2 ** 31, 2 ** 32]) {
    const dice = createDice(seed)
    assert.equal(new Set(Array.from({ length: 100 }, () => dice())).size, 100)
  }
})

test('a roll is a whole number of 31 bits', () => {
  const dice = createDice(1)
  for (let i = 0; i < 1000; i++) {
    const roll = dice()
    assert.ok(Number.isInteger(roll) && roll >= 0 && roll < 2 ** 31)
  }
})

test('below() stays below n at the ends of the range', () => {
  for (const n of [1, 2, 3, 1000, 65_535, 65_536]) {
    assert.equal(below(0, n), 0)
    assert.equal(below(2 ** 31 - 1, n), n - 1)
  }
})

test('below() is even: each of n values comes as often as chance allows', () => {
  const dice = createDice(42)
  const rolls = 70_000
  const seen = new Array(7).fill(0)
  for (let i = 0; i < rolls; i++) seen[below(dice(), 7)]++
  for (const count of seen)
    assert.ok(Math.abs(count - 10_000) <= 5 * Math.sqrt(rolls * (1 / 7) * (6 / 7)), String(seen))
})
