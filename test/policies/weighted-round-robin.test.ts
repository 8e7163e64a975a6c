import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Candidates } from '../../engine/memory/candidates.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { weightedRoundRobin } from '../../engine/policies/weighted-round-robin.ts'
import { type TinyEndpoint, tinyWorld } from '../support/tiny-world.ts'

const POLICY = { policy: 'weighted-round-robin' }

/** How often each row is picked in so many rounds of n turns. */
function countRounds(endpoints: Record<string, TinyEndpoint>, rounds: number): Record<string, number> {
  let turns = 0
  class Counting extends Candidates {
    override nextTurn(): number {
      turns++
      return super.nextTurn()
    }
  }
  const world = tinyWorld(endpoints, POLICY)
  const candidates = world.candidates(Counting)
  const { pickRow: pick } = weightedRoundRobin.create(createDice(1), {})
  const seen: Record<string, number> = Object.fromEntries(Object.keys(endpoints).map(id => [id, 0]))
  const end = rounds * Object.keys(endpoints).length
  for (;;) {
    const { id } = world.attachment.endpoint(pick(candidates, 0))
    // The last pick may reach into the round after the last.
    if (turns > end) break
    seen[id]++
  }
  world.close()
  return seen
}

test('weighted-round-robin takes {1, 2, 3} once, twice and three times in any six picks', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 3 } }, POLICY)
  const ids = Array.from({ length: 600 }, () => world.pickId()!)
  for (let at = 0; at + 6 <= ids.length; at += 6) {
    const six = ids
      .slice(at, at + 6)
      .sort()
      .join('')
    assert.equal(six, 'abbccc', `picks ${at} to ${at + 5}`)
  }
  world.close()
})

test('weighted-round-robin takes each exactly w times in 65,535 rounds, w being its weight scaled to 65,535 at most', () => {
  // m = (w × g + i × 32767) mod 65535 with g = 0 … 65534. Where w and 65535 have no common factor, w × g runs through every
  // residue once; with a common factor d through every d-th one, d times. In both cases exactly w of the 65,535
  // values lie in the upper w, which is where a turn is taken. 65535 × (1/5, 2/5, 5/5) are 13107, 26214 and 65535.
  assert.deepEqual(countRounds({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 5 } }, 65_535), {
    a: 13_107,
    b: 26_214,
    c: 65_535,
  })
})

test('weighted-round-robin takes equal weights in order', () => {
  const world = tinyWorld({ a: { weight: 7 }, b: { weight: 7 }, c: { weight: 7 } }, POLICY)
  const ids = Array.from({ length: 6 }, () => world.pickId())
  assert.deepEqual(ids, ['a', 'b', 'c', 'a', 'b', 'c'])
  world.close()
})

test('weighted-round-robin takes a light endpoint in its turn, never twice running', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 9 } }, POLICY)
  const ids = Array.from({ length: 1000 }, () => world.pickId())
  const gaps = ids.flatMap((id, at) => (id === 'a' ? [at] : [])).map((at, i, all) => at - (all[i - 1] ?? Number.NaN))
  // One in ten picks, evenly spread: ten apart, but for the rounding of 65535 ÷ 9.
  for (const gap of gaps.slice(1)) assert.ok(gap === 10 || gap === 11 || gap === 9, `${gap} apart`)
  assert.equal(gaps.length, 100)
  world.close()
})

test('weighted-round-robin spreads two equal light endpoints over different rounds', () => {
  // Half the weight each: taken every other round. Without a phase both in the same one, and the heavy one twice between.
  const world = tinyWorld({ heavy: { weight: 2 }, a: { weight: 1 }, b: { weight: 1 } }, POLICY)
  const ids = Array.from({ length: 400 }, () => world.pickId())
  const bunches = ids.filter((id, at) => id !== 'heavy' && (ids[at + 1] ?? 'heavy') !== 'heavy').length
  // Half of 65,535 is rounded up, which shifts the phase by a half every round: it may slip once in so few of them.
  assert.ok(bunches <= 1, `${bunches} times two light ones running`)
  world.close()
})

test('weighted-round-robin takes over a new weight from the next turn', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 1 } }, POLICY)
  world.pickId()
  world.setWeight('a', 0)
  assert.deepEqual([world.pickId(), world.pickId(), world.pickId()], ['b', 'b', 'b'])
  world.close()
})
