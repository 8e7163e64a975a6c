import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { QUARANTINED } from '../../engine/memory/bars.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { weightedRoundRobin } from '../../engine/policies/weighted-round-robin.ts'
import type { TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

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

describe('weighted-round-robin by a schedule', () => {
  const by = (schedule: string) => ({ policy: { name: 'weighted-round-robin', schedule }, panicThreshold: 0 })

  const ids = (world: TinyWorld, picks: number): string =>
    Array.from({ length: picks }, () => world.pickId() ?? '-').join('')

  test('smooth is a a b a c a a for {5, 1, 1}, over and over', () => {
    const world = tinyWorld({ a: { weight: 5 }, b: { weight: 1 }, c: { weight: 1 } }, by('smooth'))
    assert.equal(ids(world, 21), 'aabacaa'.repeat(3))
    world.close()
  })

  test('smooth is one sequence for all threads together', () => {
    const world = tinyWorld({ a: { weight: 5 }, b: { weight: 1 }, c: { weight: 1 } }, by('smooth'))
    const routers = [world.router, world.routerOf(world.another()), world.routerOf(world.another())]
    const picked = Array.from({ length: 21 }, (_, i) => {
      const router = routers[(i * i) % 3]
      return router.endpoint(router.pick()).id
    })
    assert.equal(picked.join(''), 'aabacaa'.repeat(3))
    world.close()
  })

  test('edf is b a b for {1, 2}, over and over', () => {
    const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2 } }, by('edf'))
    assert.equal(ids(world, 9), 'babbabbab')
    world.close()
  })

  for (const schedule of ['smooth', 'edf']) {
    test(`${schedule} goes on to the next turn when an endpoint is barred, and the others keep their shares`, () => {
      const world = tinyWorld({ a: {}, b: {}, c: {} }, by(schedule))
      world.bar('a', QUARANTINED)
      // Turns: a b c a b c …, and those of a are nobody's.
      assert.equal(ids(world, 8), 'bcbcbcbc')
      world.bar('a', QUARANTINED, false)
      assert.equal(ids(world, 3), 'abc')
      world.close()
    })

    test(`${schedule} follows a weight that became smaller before there is a new schedule`, () => {
      const world = tinyWorld({ a: { weight: 4 }, b: { weight: 4 } }, by(schedule))
      world.stopBuilding()
      world.setWeight('a', 1)
      const seen = [...ids(world, 10_000)].filter(id => id === 'a').length
      // Of turns of a one in four counts: 1 ÷ 5 of the picks, within five standard deviations.
      assert.ok(Math.abs(seen - 2000) < 5 * Math.sqrt(10_000 * 0.2 * 0.8), `${seen}`)
      world.close()
    })

    test(`${schedule} keeps to the order of each tier while only a lower priority is open`, () => {
      const world = tinyWorld({ a: {}, x: { priority: 1, weight: 2 }, y: { priority: 1 } }, by(schedule))
      world.bar('a', QUARANTINED)
      const six = ids(world, 6)
      assert.equal([...six].sort().join(''), 'xxxxyy')
      world.close()
    })
  }

  test('turns are worked out by stride while there is no schedule', () => {
    const world = tinyWorld({ a: { weight: 1 }, b: { weight: 3 } }, POLICY)
    const candidates = world.candidates(Candidates)
    const { pickRow } = weightedRoundRobin.create(createDice(1), { schedule: 'smooth' })
    const rows = Array.from({ length: 400 }, () => pickRow(candidates, 0))
    assert.equal(rows.filter(row => row === world.row('b')).length, 300)
    world.close()
  })
})
