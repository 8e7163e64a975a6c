import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DRAINING } from '../../engine/memory/bars.ts'
import { SEQUENCE, SERVICE_WORDS } from '../../engine/memory/layout.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const POLICY = { policy: 'round-robin' }

test('round-robin goes through the endpoints in order', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  const ids = Array.from({ length: 7 }, () => world.pickId())
  assert.deepEqual(ids, ['a', 'b', 'c', 'a', 'b', 'c', 'a'])
  world.close()
})

test('round-robin is even to one pick, however many picks there are (ALG-4)', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  const seen: Record<string, number> = { a: 0, b: 0, c: 0 }
  for (let pick = 0; pick < 1000; pick++) {
    seen[world.pickId()!]++
    assert.ok(Math.max(...Object.values(seen)) - Math.min(...Object.values(seen)) <= 1)
  }
  world.close()
})

test('round-robin is even over all threads together, not each for itself', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  const other = world.routerOf(world.another())
  const ids: string[] = []
  for (let pick = 0; pick < 3; pick++) {
    ids.push(world.pickId()!)
    ids.push(other.endpoint(other.pick()).id)
  }
  assert.deepEqual(ids, ['a', 'b', 'c', 'a', 'b', 'c'])
  world.close()
})

test('round-robin does not look at weights', () => {
  const world = tinyWorld({ a: { weight: 0.01 }, b: { weight: 1000 } }, POLICY)
  assert.deepEqual([world.pickId(), world.pickId(), world.pickId()], ['a', 'b', 'a'])
  world.close()
})

test('round-robin gives the turn of a barred endpoint to the one after it', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  world.bar('b', DRAINING)
  const ids = Array.from({ length: 6 }, () => world.pickId())
  assert.deepEqual(ids, ['a', 'c', 'c', 'a', 'c', 'c'])
  world.close()
})

test('round-robin goes on when its sequence wraps at 2^32', () => {
  const world = tinyWorld({ a: {}, b: {} }, POLICY)
  world.region.words[world.region.layout.servicesAt + world.service * SERVICE_WORDS + SEQUENCE] = -2
  // Turns 2^32 − 2, 2^32 − 1, 0, 1: two is a divisor of 2^32, so even the order goes on.
  assert.deepEqual(
    Array.from({ length: 4 }, () => world.pickId()),
    ['a', 'b', 'a', 'b'],
  )
  world.close()
})
