import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DRAINING, EJECTED, HELD, ISOLATED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { many, planeWorld } from './plane-world.ts'

test('rule 6: of those that are out three tenths are isolated at most, for panic mode does not bring them back (F14)', t => {
  const { world, plane, counted } = planeWorld(t, many(10), { policy: 'round-robin' })
  const out = (id: string, bar: number): boolean => plane.endpoints.setBar(world.row(id), bar, true)
  assert.deepEqual(
    ['e0', 'e1', 'e2', 'e3'].map(id => out(id, ISOLATED)),
    [true, true, true, false],
  )
  // Three are isolated: two more may be out otherwise, and that is half.
  assert.deepEqual([out('e4', EJECTED), out('e5', HELD), out('e6', EJECTED)], [true, true, false])
  assert.equal(out('e2', ISOLATED), true, 'one that is isolated already isolates nobody')
  assert.deepEqual(counted(), { 'too-many-out': 2 })
  for (const row of world.rows()) plane.endpoints.setBar(row, UNHEALTHY, true)
  const picked = new Set(Array.from({ length: 40 }, () => world.pickId()))
  assert.deepEqual([...picked].sort(), ['e3', 'e4', 'e6', 'e7', 'e8', 'e9'], 'panic lifts opinions, no decisions')
})

test('rule 6: the last endpoint that is picked is not isolated either', t => {
  const { world, plane, counted } = planeWorld(t, many(2))
  world.bar('e1', DRAINING)
  assert.equal(plane.endpoints.setBar(world.row('e0'), ISOLATED, true), false)
  assert.deepEqual([world.pickId(), counted()], ['e0', { 'last-routable': 1 }])
})
