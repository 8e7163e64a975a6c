import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Candidates } from '../../engine/memory/candidates.ts'
import { ERROR, OK } from '../../engine/memory/outcomes.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { prequal } from '../../engine/policies/prequal.ts'
import { tinyWorld } from '../support/tiny-world.ts'

function bench(ids: readonly string[]) {
  const world = tinyWorld(Object.fromEntries(ids.map(id => [id, {}])), { policy: 'prequal' })
  const candidates = world.candidates(Candidates)
  const { pickRow, learn } = prequal.create(createDice(3), {})
  assert.ok(learn)
  return {
    world,
    hold: (id: string, times: number) => {
      for (let i = 0; i < times; i++) world.attachment.tally.enter(world.row(id))
    },
    pick: () => world.attachment.endpoint(pickRow(candidates, 0)).id,
    learn: (id: string, outcome: number, us: number) => learn(candidates, world.row(id), outcome, us),
    candidates,
  }
}

test('prequal picks the cold endpoint with the lowest latency', () => {
  // In flight 1, 1, 5: the 0.84-quantile of three is the highest, so nobody is above it; with a fourth at 1 it is 5 still.
  const { world, pick, learn } = bench(['a', 'b', 'c'])
  learn('a', OK, 3000)
  learn('b', OK, 1000)
  learn('c', OK, 2000)
  for (let i = 0; i < 20; i++) assert.equal(pick(), 'b')
  world.close()
})

test('prequal leaves a hot endpoint alone, however fast it is', () => {
  // Ten endpoints: index ⌊10 × 0.84⌋ = 8 of the sorted in flight is θ. Nine at 0 and one at 3: θ = 0, the one is hot.
  const ids = Array.from({ length: 10 }, (_, i) => `e${i}`)
  const { world, pick, learn, hold, candidates } = bench(ids)
  for (const id of ids) learn(id, OK, 5000)
  hold('e0', 3)
  candidates.setLevelUs(world.row('e0'), 3, 10)
  for (let i = 0; i < 100; i++) assert.notEqual(pick(), 'e0')
  world.close()
})

test('prequal learns latency by level of in flight', () => {
  const { world, learn, hold, candidates } = bench(['a'])
  learn('a', OK, 1000)
  hold('a', 7)
  learn('a', OK, 9000)
  const row = world.row('a')
  assert.equal(candidates.levelUs(row, 1), 1000)
  assert.equal(candidates.levelUs(row, 8), 9000)
  assert.equal(candidates.levelUs(row, 6), 9000, '5 to 8 are one level')
  // The next sample of a level counts a tenth.
  learn('a', OK, 19_000)
  assert.equal(candidates.levelUs(row, 8), 10_000)
  world.close()
})

test('prequal does not take failing fast for being fast', () => {
  const { world, pick, learn } = bench(['broken', 'well'])
  learn('well', OK, 20_000)
  learn('broken', ERROR, 50)
  for (let i = 0; i < 20; i++) assert.equal(pick(), 'well')
  world.close()
})
