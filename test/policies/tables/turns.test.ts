import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PERIOD_MAX, turnsOf } from '../../../engine/policies/tables/turns.ts'
import { lettered } from './tiny-members.ts'

const turns = (...weights: number[]) => [...turnsOf(lettered(weights)).turns]

test('turnsOf() divides weights by what they have in common', () => {
  assert.deepEqual(turns(5, 1, 1), [5, 1, 1])
  assert.deepEqual(turns(10, 30, 20), [1, 3, 2])
  assert.deepEqual(turns(7), [1])
  assert.deepEqual(turns(), [])
})

test('turnsOf() takes fractions for what they are', () => {
  // 256 and 384 units; 0.25, 0.75 and 2 are 64, 192 and 512.
  assert.deepEqual(turns(1, 1.5), [2, 3])
  assert.deepEqual(turns(0.25, 0.75, 2), [1, 3, 8])
})

test('turnsOf() leaves a period of 65,536 as it is, and makes a longer one fit', () => {
  assert.deepEqual(turns(65_535, 1), [65_535, 1])
  // 65,537 turns. 65,536 × 65,536 ÷ 65,537 = 65,535.00002 and 65,536 ÷ 65,537 = 0.99998: less than one turn, so one.
  assert.deepEqual(turns(65_536, 1), [65_535, 1])
  // 16,776,960 and 259 units: 65,534.99 and 1.01 turns. One is left over, and goes to the larger remainder.
  assert.deepEqual(turns(65_535, 259 / 256), [65_535, 1])
  // 1 unit and twice 8,388,608: 65,535 turns for two. Equal remainders, so the first has the odd one.
  assert.deepEqual(turns(1 / 256, 32_768, 32_768), [1, 32_768, 32_767])
  // 8,388,608 and 8,388,609 units: 32,767.998 and 32,768.002 turns, so 32,768 each, and that is one turn each.
  assert.deepEqual(turns(32_768, 32_768 + 1 / 256), [1, 1])
})

test('turnsOf() gives back the weights as handed in where they fit, and the turns where not', () => {
  assert.deepEqual([...turnsOf(lettered([10, 30])).weights], [2560, 7680])
  assert.deepEqual([...turnsOf(lettered([65_536, 1])).weights], [65_535, 1])
})

test('turnsOf() has a turn for everyone, and shares within one turn of the weights', () => {
  const weights = fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 2 ** 31 }).map(units => units / 256),
  )
  fc.assert(
    fc.property(fc.array(weights, { minLength: 1, maxLength: 200 }), weights => {
      const members = weights.map((weight, i) => ({ key: `e${i}`, weight }))
      const { turns, period } = turnsOf(members)
      assert.equal(
        turns.reduce((sum, turn) => sum + turn, 0),
        period,
      )
      assert.ok(period <= PERIOD_MAX)
      assert.ok(turns.every(turn => turn >= 1))
      // Those lifted to one turn have less than one of 65,536; the others share what is left.
      const units = weights.map(weight => Math.max(1, Math.round(weight * 256)))
      const sum = units.reduce((sum, unit) => sum + unit, 0)
      const gcd = units.reduce(function gcd(a: number, b: number): number {
        return b === 0 ? a : gcd(b, a % b)
      })
      if (sum / gcd <= PERIOD_MAX) {
        assert.deepEqual(
          [...turns],
          units.map(unit => unit / gcd),
        )
        return
      }
      let left = PERIOD_MAX
      let rest = sum
      const light = new Set<number>()
      for (const i of units.map((_, i) => i).sort((a, b) => units[a]! - units[b]!)) {
        if ((units[i]! * left) / rest >= 1) break
        light.add(i)
        left--
        rest -= units[i]!
      }
      const scale = PERIOD_MAX / period
      units.forEach((unit, i) => {
        if (light.has(i)) assert.equal(turns[i]! * scale, 1)
        else assert.ok(Math.abs(turns[i]! * scale - (unit * left) / rest) < 1, `${turns[i]} for ${unit} of ${rest}`)
      })
    }),
  )
})

test('turnsOf() has a turn for each of 65,535 members of any weight', () => {
  const members = Array.from({ length: 65_535 }, (_, i) => ({ key: `e${i}`, weight: 1 + ((i * 7919) % 4096) / 256 }))
  const { turns, period } = turnsOf(members)
  // 65,536 turns: one each, and one more for the member of the largest share. 4,096 weights come 16 times, the last 15 times;
  // the largest is 1 + 4,095 ÷ 256, first where 7,919 × i = 4,095 modulo 4,096.
  assert.equal(period, 65_536)
  const twice = [...turns.keys()].filter(i => turns[i] !== 1)
  assert.equal(twice.length, 1)
  assert.equal((twice[0]! * 7919) % 4096, 4095)
})
