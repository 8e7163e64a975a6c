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

test('least-request looks at sixteen neighbours beyond 16: fifteen busy rows of 17 are never picked', () => {
  const world = tinyWorld(equals(17), POLICY)
  const idle = ['e3', 'e16']
  busy(world, Object.fromEntries(Object.keys(equals(17)).flatMap(id => (idle.includes(id) ? [] : [[id, 1]]))))
  for (let pick = 0; pick < 5000; pick++) {
    const ticket = world.router.pick()
    assert.match(world.router.endpoint(ticket).id, /^e(3|16)$/)
    world.router.settle(ticket, 'ok', 1)
  }
  world.close()
})

for (const [what, inflight, looks] of [
  ['one row a pick beyond 16 where it is idle', 0, 1],
  ['that and its window where it is not', 1, 17],
] as const) {
  test(`least-request looks at ${what}`, () => {
    let looked = 0
    class Counting extends Candidates {
      override inflight(row: number): number {
        looked++
        return super.inflight(row)
      }
    }
    const world = tinyWorld(equals(50), POLICY)
    busy(world, Object.fromEntries(Object.keys(equals(50)).map(id => [id, inflight])))
    const candidates = world.candidates(Counting)
    const { pickRow: pick } = leastRequest.create(createDice(1), {})
    for (let i = 0; i < 100; i++) pick(candidates, 0)
    assert.equal(looked, looks * 100)
    world.close()
  })
}

test('least-request beyond 16 rows keeps to weights in any order, idle and where a third are busy with as many as they weigh', () => {
  const shares = (rows: Record<string, { weight: number }>, isBusy: (i: number) => boolean): number => {
    const world = tinyWorld(rows, POLICY)
    const weights = Object.values(rows).map(({ weight }) => weight)
    busy(world, Object.fromEntries(Object.keys(rows).map((id, i) => [id, isBusy(i) ? weights[i]! : 0])))
    let heavy = 0
    const picks = 20_000
    for (let pick = 0; pick < picks; pick++) {
      const ticket = world.router.pick()
      if (rows[world.router.endpoint(ticket).id]!.weight === 4) heavy++
      world.router.settle(ticket, 'ok', 1)
    }
    world.close()
    return heavy / picks
  }
  const sorted = Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`e${i}`, { weight: i < 24 ? 1 : 4 }]))
  const mixed = Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`e${i}`, { weight: i % 2 === 0 ? 1 : 4 }]))
  // 24 × 4 of 24 × 4 + 24 × 1, and as much of those that are idle. Sorted, at the two seams windows hold both kinds: a few per cent.
  for (const [rows, most] of [
    [sorted, 0.03],
    [mixed, 0.015],
  ] as const) {
    for (const isBusy of [() => false, (i: number) => i % 3 === 0]) {
      const share = shares(rows, isBusy)
      assert.ok(Math.abs(share - 0.8) <= most, `${share}`)
    }
  }
})

test('least-request beyond 16 rows keeps the fullest within a few of the emptiest', () => {
  // Mitzenmacher: with d choices the fullest of n bins is about ln ln n ÷ ln d above the mean, 1 for n = 40 and d = 16; with one it would
  // be some 3 × sqrt(50) = 20 above.
  const world = tinyWorld(equals(40), POLICY)
  for (let pick = 0; pick < 40 * 50; pick++) world.router.pick()
  const inflight = world.rows().map(row => world.attachment.tally.inflight(row))
  assert.ok(Math.max(...inflight) <= 50 + 5, `${Math.max(...inflight)} on the fullest`)
  world.close()
})
