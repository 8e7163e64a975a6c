import assert from 'node:assert/strict'
import { test } from 'node:test'
import { twoZones } from './two-zones.ts'

/** One look of the agent, see `sync`. */
const SYNC_S = 15

test('50 ms more to one of two zones: within two looks more than nine tenths of the requests stay near (AG-9, AC-13)', async t => {
  const world = await twoZones(t)
  await world.advance(4 * SYNC_S)
  // Both are as near as each other.
  assert.deepEqual(world.preferred(), ['near 1.00 far 1.00'])
  assert.ok(Math.abs(world.nearShare() - 0.5) < 0.06)
  world.connectMs.far = 51
  await world.advance(2 * SYNC_S)
  assert.equal(world.preferred().length, 2)
  assert.ok(world.nearShare() > 0.9, `${world.nearShare()}`)
  // And back, as soon as that is sure.
  world.connectMs.far = 1
  await world.advance(2 * SYNC_S)
  assert.deepEqual(world.preferred().slice(2), ['near 1.00 far 1.00'])
  assert.ok(Math.abs(world.nearShare() - 0.5) < 0.06)
})

test('a preference does not flap, however noisy the measures are', async t => {
  const world = await twoZones(t)
  world.connectMs.far = 51
  world.noise = 0.3
  await world.advance(3 * SYNC_S)
  const before = world.preferred().length
  // An hour; who folds is told again each minute, in the same words.
  await world.advance(3_600)
  const said = world.preferred().slice(before - 1)
  assert.equal(new Set(said).size, 1, [...new Set(said)].join(' · '))
  assert.ok(said.length <= 62)
})

test('zones that change sides all the time are changed once in two looks at most', async t => {
  const world = await twoZones(t)
  await world.advance(2 * SYNC_S)
  const before = world.preferred().length
  for (let look = 0; look < 40; look++) {
    // Every third look the other one is far.
    world.connectMs = Math.floor(look / 3) % 2 === 0 ? { near: 1, far: 51 } : { near: 51, far: 1 }
    await world.advance(SYNC_S)
  }
  const changes = world.preferred().length - before
  assert.ok(changes > 5 && changes <= 20, `${changes}`)
})

test('a change that made requests slower in two looks is taken back, and it rests for a while', async t => {
  const world = await twoZones(t)
  world.noise = 0
  world.p95Us = 20_000
  await world.advance(2 * SYNC_S)
  world.connectMs.far = 51
  await world.advance(2 * SYNC_S)
  assert.match(world.preferred().at(-1)!, /^near 1.00 far 0.0/)
  // The near zone alone cannot carry all.
  world.p95Us = 90_000
  await world.advance(SYNC_S)
  assert.match(world.preferred().at(-1)!, /^near 1.00 far 0.0/, 'once is chance')
  await world.advance(SYNC_S)
  assert.equal(world.preferred().at(-1), 'near 1.00 far 1.00')
  world.p95Us = 20_000
  await world.advance(4 * SYNC_S)
  assert.equal(world.preferred().at(-1), 'near 1.00 far 1.00')
  await world.advance(3 * SYNC_S)
  assert.match(world.preferred().at(-1)!, /^near 1.00 far 0.0/)
})

test('where nothing is measured, distance says which zone is near (SK-9)', async t => {
  // Frankfurt and Sydney: 16,500 km, and light takes 165 ms for both ways.
  const zones = { near: { latitude: 50.1, longitude: 8.7 }, far: { latitude: -33.9, longitude: 151.2 } }
  const world = await twoZones(t, { knobs: { zones } })
  await world.plane.advance(3 * SYNC_S * 1_000)
  assert.match(world.preferred().at(-1)!, /^near 1.00 far 0.0/)
})

test('a service whose operator has arranged its zones is left alone', async t => {
  for (const service of [{ locality: {} }, { policy: 'zone' }]) {
    const world = await twoZones(t, { service })
    world.connectMs.far = 51
    await world.advance(6 * SYNC_S)
    assert.deepEqual(world.preferred(), [])
  }
})

test('what would fill the near zone beyond its headroom goes to the next (ALG-8c)', async t => {
  const world = await twoZones(t)
  world.noise = 0
  world.connectMs.far = 51
  await world.advance(3 * SYNC_S)
  // Near carries nearly all, and is full by it; far is idle.
  for (const { row, zone } of world.box.explain('api').endpoints) {
    world.tables.endpoints.setUtilisation(row, zone === 'near' ? 1 : 0)
  }
  await world.advance(SYNC_S)
  // One of two is used: near keeps 0.8 of it, and far has the rest.
  assert.equal(world.preferred().at(-1), 'near 1.00 far 0.25')
  assert.ok(Math.abs(world.nearShare() - 0.8) < 0.05)
})

test('another incarnation says what holds after its second look', async t => {
  const world = await twoZones(t)
  world.noise = 0
  world.connectMs.far = 51
  await world.advance(3 * SYNC_S)
  const before = world.preferred().length
  await world.plane.control.kill('topology-optimizer')
  world.connectMs.far = 1
  await world.advance(3 * SYNC_S)
  assert.deepEqual(world.preferred().slice(before), ['near 1.00 far 1.00'])
})
