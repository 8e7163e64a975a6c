import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Traffic, trafficOf } from '../../engine/memory/traffic.ts'
import { tinyWorld } from '../support/tiny-world.ts'

test('trafficOf() sums what all threads carried to and from a row, and times what was timed', t => {
  const world = tinyWorld({ a: {}, b: {} })
  t.after(() => world.close())
  const { region } = world
  const [one, two] = [new Traffic(region, world.attachment.seat), new Traffic(region, world.another().seat)]
  const [a, b] = [world.row('a'), world.row('b')]
  one.carry(a, 10, 1_000, 0)
  one.carry(a, 0, 200_000, 5_000)
  two.carry(a, 5, 3, 0)
  two.carry(b, 1, 2, 0)
  assert.deepEqual(trafficOf(region, a), { sent: 15, received: 201_003, timedBytes: 200_000, timedUs: 5_000 })
  assert.deepEqual(trafficOf(region, b), { sent: 1, received: 2, timedBytes: 0, timedUs: 0 })
})

test('traffic counts modulo 2^32, so that differences hold', t => {
  const world = tinyWorld({ a: {} })
  t.after(() => world.close())
  const traffic = new Traffic(world.region, world.attachment.seat)
  const a = world.row('a')
  traffic.carry(a, 2 ** 32 - 1, 2 ** 33 + 5, 0)
  const before = trafficOf(world.region, a)
  traffic.carry(a, 10, 7, 0)
  const after = trafficOf(world.region, a)
  assert.deepEqual([(after.sent - before.sent) >>> 0, (after.received - before.received) >>> 0], [10, 7])
  assert.deepEqual([after.sent, after.received], [9, 12])
})
