import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Candidates } from '../../engine/memory/candidates.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { leastRequest } from '../../engine/policies/least-request.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const POLICY = { policy: 'least-request' }

/** Puts requests of another thread in flight. */
function busy(world: TinyWorld, inflight: Record<string, number>): void {
  const other = world.another()
  for (const [id, count] of Object.entries(inflight)) for (let i = 0; i < count; i++) other.tally.enter(world.row(id))
}

function equals(count: number): Record<string, object> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, {}]))
}

test('least-request never picks the busy one of two', () => {
  // Two distinct rows are always compared, so the busy one has 0 %. Two draws with replacement would give it a quarter.
  const world = tinyWorld({ a: {}, b: {} }, POLICY)
  busy(world, { a: 1 })
  for (let pick = 0; pick < 1000; pick++) {
    const ticket = world.router.pick()
    assert.equal(world.router.endpoint(ticket).id, 'b')
    world.router.settle(ticket, 'ok', 1)
  }
  world.close()
})

test('least-request sees what other threads have in flight on its very next pick', () => {
  const world = tinyWorld({ a: {}, b: {} }, POLICY)
  busy(world, { a: 3, b: 1 })
  assert.equal(world.pickId(), 'b')
  world.close()
})

test('least-request breaks ties evenly', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  const seen: Record<string, number> = { a: 0, b: 0, c: 0 }
  const picks = 9000
  for (let pick = 0; pick < picks; pick++) {
    const ticket = world.router.pick()
    seen[world.router.endpoint(ticket).id]++
    world.router.settle(ticket, 'ok', 1)
  }
  for (const count of Object.values(seen)) {
    assert.ok(Math.abs(count - picks / 3) <= 5 * Math.sqrt(picks * (1 / 3) * (2 / 3)), JSON.stringify(seen))
  }
  world.close()
})

test('least-request compares what is in flight with the weight (ALG-6)', () => {
  // In flight ÷ weight: a 3 ÷ 1, b 4 ÷ 2, c 5 ÷ 4. The one with the most in flight has the least for its weight.
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 4 } }, POLICY)
  busy(world, { a: 3, b: 4, c: 5 })
  assert.deepEqual([world.pickId(), world.pickId()], ['c', 'c'])
  world.close()
})

test('least-request evens out a burst to one of difference', () => {
  const world = tinyWorld(equals(16), POLICY)
  for (let pick = 0; pick < 16 * 20; pick++) world.router.pick()
  for (const row of world.rows()) assert.equal(world.attachment.tally.inflight(row), 20)
  world.close()
})

test('least-request picks an idle endpoint of 16 whichever it is', () => {
  for (let idle = 0; idle < 16; idle++) {
    const world = tinyWorld(equals(16), POLICY)
    busy(world, Object.fromEntries(Object.keys(equals(16)).flatMap(id => (id === `e${idle}` ? [] : [[id, 1]]))))
    assert.equal(world.pickId(), `e${idle}`)
    world.close()
  }
})

test('least-request compares four distinct rows beyond 16: three busy rows of 17 are never picked', () => {
  const world = tinyWorld(equals(17), POLICY)
  busy(world, { e3: 1, e8: 1, e16: 1 })
  for (let pick = 0; pick < 5000; pick++) {
    const ticket = world.router.pick()
    assert.doesNotMatch(world.router.endpoint(ticket).id, /^e(3|8|16)$/)
    world.router.settle(ticket, 'ok', 1)
  }
  world.close()
})

test('least-request looks at four rows a pick beyond 16', () => {
  let looked = 0
  class Counting extends Candidates {
    override inflight(row: number): number {
      looked++
      return super.inflight(row)
    }
  }
  const world = tinyWorld(equals(50), POLICY)
  const candidates = world.candidates(Counting)
  const { pickRow: pick } = leastRequest.create(createDice(1), {})
  for (let i = 0; i < 100; i++) pick(candidates, 0)
  assert.equal(looked, 4 * 100)
  world.close()
})

test('least-request beyond 16 rows keeps the fullest within a few of the emptiest', () => {
  // Mitzenmacher: with four choices the fullest of n bins is about ln ln n ÷ ln 4 above the mean, 1 for n = 40; with one it would be
  // some 3 × sqrt(50) = 20 above.
  const world = tinyWorld(equals(40), POLICY)
  for (let pick = 0; pick < 40 * 50; pick++) world.router.pick()
  const inflight = world.rows().map(row => world.attachment.tally.inflight(row))
  assert.ok(Math.max(...inflight) <= 50 + 5, `${Math.max(...inflight)} on the fullest`)
  world.close()
})
