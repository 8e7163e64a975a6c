import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tinyWorld } from '../support/tiny-world.ts'

const POLICY = { policy: 'capacity' }

test('capacity picks the endpoint with the most room, and counts what is on its way there', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  for (const [id, used] of Object.entries({ a: 0.9, b: 0.2, c: 0.6 }))
    world.endpoints.setUtilisation(world.row(id), used)
  // Cost is (in flight + 1) ÷ room: b 1 ÷ 0.8, 2 ÷ 0.8; c 1 ÷ 0.4: after two at b, c is as cheap as b's third.
  assert.deepEqual([world.pickId(), world.pickId()], ['b', 'b'])
  assert.equal(world.pickId(), 'c')
  world.close()
})

test('capacity counts an endpoint that reports nothing as half used', () => {
  const world = tinyWorld({ a: {}, b: {} }, POLICY)
  world.endpoints.setUtilisation(world.row('a'), 0.45)
  assert.equal(world.pickId(), 'a')
  world.endpoints.setUtilisation(world.row('b'), 0.3)
  assert.equal(world.pickId(), 'b')
  world.close()
})

test('capacity sends to an endpoint that says it is full when there is no other', () => {
  const world = tinyWorld({ a: {} }, POLICY)
  world.endpoints.setUtilisation(world.row('a'), 1)
  assert.equal(world.pickId(), 'a')
  assert.equal(world.endpoints.utilisation(world.row('a')), 1)
  world.close()
})

test('capacity heeds weights as sizes', () => {
  const world = tinyWorld({ small: { weight: 1 }, large: { weight: 3 } }, POLICY)
  for (const id of ['small', 'large']) world.endpoints.setUtilisation(world.row(id), 0.5)
  const ids = Array.from({ length: 8 }, () => world.pickId())
  assert.equal(ids.filter(id => id === 'large').length, 6)
  world.close()
})
