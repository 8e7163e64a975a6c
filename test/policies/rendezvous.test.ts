import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tinyWorld } from '../support/tiny-world.ts'
import { checkKeysOfBarred, KEYS, placed } from './keyed.ts'

const POLICY = { policy: 'rendezvous' }

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
  checkKeysOfBarred(world)
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
