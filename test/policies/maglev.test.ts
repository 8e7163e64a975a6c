import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNHEALTHY } from '../../engine/memory/bars.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { avalanche } from '../../engine/memory/hash-key.ts'
import { createDice } from '../../engine/policies/dice.ts'
import { maglev } from '../../engine/policies/maglev.ts'
import { completeOptions } from '../../engine/policies/policy-options.ts'
import { rendezvous } from '../../engine/policies/rendezvous.ts'
import { buildMaglev } from '../../engine/policies/tables/maglev.ts'
import { tinyWorld } from '../support/tiny-world.ts'
import { checkKeysOfBarred, KEYS, placed } from './keyed.ts'

const SIZE = 251
const SMALL = { policy: { name: 'maglev', size: SIZE } }

const members = (ids: Record<string, number>) => Object.entries(ids).map(([key, weight]) => ({ key, weight }))

test('maglev takes the endpoint that the table has at hash mod size', () => {
  const weights = { a: 1, b: 3, c: 2 }
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 3 }, c: { weight: 2 } }, SMALL)
  const table = buildMaglev(members(weights), SIZE)
  const ids = Object.keys(weights)
  for (const hash of [...Array(SIZE).keys(), 0x7fffffff, 0x80000000, 0xffffffff]) {
    assert.equal(world.pickId(hash), ids[table[hash % SIZE]], `hash ${hash}`)
  }
  world.close()
})

test('maglev looks up another hash of the key when the endpoint is barred, the same one each time', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} }, SMALL)
  const ids = ['a', 'b', 'c', 'd']
  const table = buildMaglev(members({ a: 1, b: 1, c: 1, d: 1 }), SIZE)
  const entry = (hash: number, k: number): number =>
    table[(k === 0 ? hash : avalanche(hash + Math.imul(k, 0x9e3779b1)) >>> 0) % SIZE]
  world.bar('a', UNHEALTHY)
  world.bar('b', UNHEALTHY)
  for (const hash of [...KEYS.slice(0, 500), 0, 0xffffffff]) {
    let k = 0
    while (entry(hash, k) < 2) k++
    assert.equal(world.pickId(hash), ids[entry(hash, k)], `hash ${hash}, try ${k}`)
  }
  world.close()
})

test('maglev keeps a key at its endpoint, in another world of the same endpoints and in another thread too', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, { policy: 'maglev' })
  const other = tinyWorld({ c: {}, a: {}, b: {} }, { policy: 'maglev' })
  assert.deepEqual(placed(world), placed(other))
  const thread = world.routerOf(world.another())
  for (const key of KEYS.slice(0, 500)) assert.equal(thread.endpoint(thread.pick(key)).id, world.pickId(key))
  world.close()
  other.close()
})

test('maglev moves the keys of an endpoint that is barred and no others, and takes them back', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} }, { policy: 'maglev' })
  checkKeysOfBarred(world)
  world.close()
})

test('maglev shares keys by weight', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 2 }, c: { weight: 5 } }, { policy: 'maglev' })
  const places = placed(world)
  for (const [id, share] of Object.entries({ a: 1 / 8, b: 2 / 8, c: 5 / 8 })) {
    const count = places.filter(place => place === id).length
    const tolerance = 5 * Math.sqrt(KEYS.length * share * (1 - share))
    assert.ok(Math.abs(count - KEYS.length * share) < tolerance, `${id}: ${count} of ${KEYS.length}`)
  }
  world.close()
})

test('maglev keeps nearly all other keys when one of n endpoints leaves', () => {
  const keys = KEYS.slice(0, 4000)
  let moved = 0
  for (let set = 0; set < 30; set++) {
    const ids = Array.from({ length: 3 + set }, (_, i) => `e${set}-${i}`)
    const gone = ids[set % ids.length]
    const world = tinyWorld(Object.fromEntries(ids.map(id => [id, {}])), { policy: 'maglev' })
    const before = placed(world, keys)
    world.remove(gone)
    const after = placed(world, keys)
    world.close()
    assert.ok(!after.includes(gone))
    moved += before.filter((id, i) => id !== gone && after[i] !== id).length
  }
  // The paper's figure 12 and our own count: 0.2 to 0.6 per cent at 65,537 entries, on average. In one set of 200 or so two
  // endpoints prefer entries in nearly the same order, and 12 per cent move: seven called e13-0 … e13-6 are such a set.
  assert.ok(moved < 30 * keys.length * 0.01, `${moved} of ${30 * keys.length} keys moved beside those of who left`)
})

test('maglev works by score where there is no table: as rendezvous, which it then is', () => {
  const world = tinyWorld({ a: { weight: 2 }, b: {}, c: {} }, { policy: 'rendezvous' })
  const candidates = world.candidates(Candidates)
  const { pickRow } = maglev.create(createDice(1), completeOptions(maglev.options, {}))
  const { pickRow: byScore } = rendezvous.create(createDice(1), completeOptions(rendezvous.options, {}))
  for (const key of KEYS.slice(0, 500)) assert.equal(pickRow(candidates, key), byScore(candidates, key))
  world.close()
})

test('maglev finds the one open endpoint among many, whatever the key', () => {
  const ids = Array.from({ length: 50 }, (_, i) => `e${i}`)
  const world = tinyWorld(Object.fromEntries(ids.map(id => [id, {}])), { policy: 'maglev', panicThreshold: 0 })
  for (const id of ids.slice(1)) world.bar(id, UNHEALTHY)
  assert.deepEqual([...new Set(placed(world, KEYS.slice(0, 500)))], ['e0'])
  world.close()
})

test('a key goes to the lower priority only while its own is out, and to one endpoint there', () => {
  const world = tinyWorld(
    { a: {}, b: {}, x: { priority: 1 }, y: { priority: 1 } },
    { policy: 'maglev', panicThreshold: 0 },
  )
  const keys = KEYS.slice(0, 500)
  assert.deepEqual([...new Set(placed(world, keys))].sort(), ['a', 'b'])
  for (const id of ['a', 'b']) world.bar(id, UNHEALTHY)
  const below = placed(world, keys)
  assert.deepEqual([...new Set(below)].sort(), ['x', 'y'])
  assert.deepEqual(placed(world, keys), below)
  world.close()
})
