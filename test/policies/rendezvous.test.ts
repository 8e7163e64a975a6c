import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNHEALTHY } from '../../engine/memory/bars.ts'
import { hashKey } from '../../engine/memory/hash-key.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const POLICY = { policy: 'rendezvous' }
const KEYS = Array.from({ length: 20_000 }, (_, i) => `user-${i}`)

/** Where each key goes, the requests settled at once. */
function placed(world: TinyWorld): string[] {
  return KEYS.map(key => {
    const ticket = world.router.pick(hashKey(key))
    const { id } = world.router.endpoint(ticket)
    world.router.settle(ticket, 'ok')
    return id
  })
}

test('rendezvous keeps a key at its endpoint, in another world of the same endpoints too', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  // The order in which endpoints came, and so their rows, does not matter: their ids do.
  const other = tinyWorld({ c: {}, a: {}, b: {} }, POLICY)
  assert.deepEqual(placed(world), placed(other))
  world.close()
  other.close()
})

test('rendezvous shares keys by weight', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 5 } }, POLICY)
  const places = placed(world)
  for (const [id, share] of [
    ['a', 1 / 8],
    ['b', 2 / 8],
    ['c', 5 / 8],
  ] as const) {
    const count = places.filter(place => place === id).length
    const tolerance = 5 * Math.sqrt(KEYS.length * share * (1 - share))
    assert.ok(Math.abs(count - KEYS.length * share) < tolerance, `${id}: ${count} of ${KEYS.length}`)
  }
  world.close()
})

test('rendezvous moves the keys of an endpoint that is barred and no others, and takes them back', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} }, POLICY)
  const before = placed(world)
  world.bar('b', UNHEALTHY)
  const without = placed(world)
  without.forEach((place, i) => {
    if (before[i] === 'b') assert.notEqual(place, 'b')
    else assert.equal(place, before[i])
  })
  // Its keys are spread over the three others: 5 standard deviations of a third.
  const moved = without.filter((_, i) => before[i] === 'b')
  for (const id of ['a', 'c', 'd']) {
    const count = moved.filter(place => place === id).length
    assert.ok(Math.abs(count - moved.length / 3) < 5 * Math.sqrt((moved.length * 2) / 9), `${id}: ${count}`)
  }
  world.endpoints.setBar(world.row('b'), UNHEALTHY, false)
  assert.deepEqual(placed(world), before)
  world.close()
})

test('rendezvous gives a newcomer its share and moves no other key', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, POLICY)
  const before = placed(world)
  world.add('d')
  const after = placed(world)
  after.forEach((place, i) => {
    if (place !== 'd') assert.equal(place, before[i])
  })
  const count = after.filter(place => place === 'd').length
  assert.ok(Math.abs(count - KEYS.length / 4) < 5 * Math.sqrt((KEYS.length * 3) / 16), `${count}`)
  world.close()
})
