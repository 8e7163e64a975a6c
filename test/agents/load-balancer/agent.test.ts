import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadBalancer } from '../../../agents/load-balancer/agent.ts'
import { endpointEjected, endpointReturned, settledBatch } from '../../../agents/signals.ts'
import { DEGRADED, DRAINING, EJECTED, HEALTH_DEGRADED, UNHEALTHY } from '../../../engine/writer.ts'
import { Stage } from '../stage.ts'

const stage = (ids: string[], service: object = {}): Stage => new Stage(loadBalancer, service, ids).start()

const SLOW_START = { slowStart: { window: '10s', aggression: 1, minWeight: '10%' } }

test('load balancer at rest writes nothing', async () => {
  const world = stage(['a', 'b'])
  await world.advance(2_000, 10)
  assert.equal(world.writes.length, 0)
})

test('load balancer leaves the weight of a degraded endpoint alone: that it comes second is the business of picks', async () => {
  const world = stage(['a', 'b'])
  world.row('a').health = HEALTH_DEGRADED
  world.row('a').bars = DEGRADED
  await world.advance(100)
  assert.equal(world.row('a').factor, 1)
  assert.deepEqual(world.writes, [])
})

test('load balancer mends the largest pull of the service with a factor', async () => {
  const world = stage(['a', 'b'])
  world.row('a').factor = 0.5
  await world.advance(100)
  assert.deepEqual(
    world.writes.map(({ column }) => column),
    ['factor', 'pullMax'],
  )
  await world.advance(200)
  assert.equal(world.row('a').factor, 1)
})

test('load balancer mends a largest pull that somebody else left wrong', async () => {
  const world = stage(['a', 'b'])
  world.service.isPullMaxRight = false
  await world.advance(100)
  assert.deepEqual(
    world.writes.map(({ column }) => column),
    ['pullMax'],
  )
})

test('load balancer eases a newcomer in, and nobody who is there from the start', async () => {
  const world = stage(['a', 'b'], SLOW_START)
  await world.advance(1_000, 10)
  const newcomer = world.add('c')
  await world.advance(100)
  assert.equal(newcomer.factor, 0.1)
  await world.advance(4_900, 100)
  assert.equal(newcomer.factor, 0.5)
  await world.advance(5_000, 100)
  assert.equal(newcomer.factor, 1)
  assert.deepEqual([world.row('a').factor, world.row('b').factor], [1, 1])
})

test('load balancer does not ease in the first endpoint of an empty service: nobody else is there', async () => {
  const world = stage([], SLOW_START)
  await world.advance(1_000, 10)
  const first = world.add('a')
  await world.advance(100)
  assert.equal(first.factor, 1)
})

test('load balancer eases in an endpoint that active checks let back', async () => {
  const world = stage(['a', 'b'], SLOW_START)
  await world.advance(60_000, 100)
  world.row('a').healthySinceMs = world.clock.now()
  await world.advance(3_000, 100)
  assert.ok(Math.abs(world.row('a').factor - 0.3) < 1e-9, `${world.row('a').factor}`)
})

test('load balancer restarted goes on easing in where it was', async () => {
  const world = stage(['a', 'b'], SLOW_START)
  await world.advance(1_000, 10)
  world.add('c')
  await world.advance(5_000, 100)
  world.start()
  await world.advance(1_000, 100)
  assert.ok(Math.abs(world.row('c').factor - 0.6) < 1e-9, `${world.row('c').factor}`)
})

test('load balancer calls panic when less than the threshold is left, and ends it a tick after that is over', async () => {
  const world = stage([...'abcd'], { panicThreshold: '50%' })
  for (const id of 'ab') world.row(id).bars = UNHEALTHY
  await world.advance(500, 100)
  assert.equal(world.service.isPanicTold, false, '2 of 4 is not less than half')
  world.row('c').bars = EJECTED
  world.hear(
    endpointEjected.of({
      ...{ row: 2, generation: 3, service: 'api', id: 'c', ejections: 1, forMs: 1 },
      ...{ because: 'consecutive-5xx', failures: 5, found: 5, limit: 5 },
    }),
  )
  await world.advance(5)
  assert.equal(world.service.isPanicTold, true, 'some ms after it is told, not only at its next tick')
  assert.deepEqual(world.said, ['service.panicked api'])
  assert.equal(world.writes.filter(({ column }) => column === 'panics').length, 1)
  world.row('c').bars = 0
  await world.advance(95)
  assert.equal(world.service.isPanicTold, true, 'one look is a flicker')
  await world.advance(100)
  assert.equal(world.service.isPanicTold, false)
  assert.deepEqual(world.said, ['service.panicked api', 'service.calmed api'])
})

test('load balancer counts neither drained endpoints nor those of weight 0 for panic', async () => {
  const world = stage([...'abcd'], { panicThreshold: '50%' })
  world.row('a').bars = DRAINING
  world.row('b').weight = 0
  world.row('c').bars = UNHEALTHY
  await world.advance(200)
  assert.equal(world.service.isPanicTold, false, '1 of 2 is open')
  world.row('d').bars = UNHEALTHY | DRAINING
  await world.advance(200)
  assert.equal(world.service.isPanicTold, true, '0 of 1 is open')
})

test('load balancer with panicThreshold 0 % never calls panic', async () => {
  const world = stage(['a', 'b'], { panicThreshold: '0%' })
  for (const id of 'ab') world.row(id).bars = UNHEALTHY
  await world.advance(500, 100)
  assert.equal(world.service.isPanicTold, false)
})

test('load balancer restarted in panic ends it when it is over', async () => {
  const world = stage(['a', 'b'])
  for (const id of 'ab') world.row(id).bars = UNHEALTHY
  await world.advance(100)
  world.start()
  assert.equal(world.writes.filter(({ column }) => column === 'panics').length, 1, 'it is the same panic')
  for (const id of 'ab') world.row(id).bars = 0
  await world.advance(300)
  assert.equal(world.service.isPanicTold, false)
})

test('load balancer looks once for facts that change together', async () => {
  const world = stage([...'abcd'])
  await world.advance(10)
  let looks = 0
  const get = (): boolean => {
    looks++
    return false
  }
  Object.defineProperty(world.service, 'isPanicTold', { get, enumerable: true })
  for (let i = 0; i < 100; i++)
    world.hear(endpointReturned.of({ row: 0, generation: 1, service: 'api', id: 'a', because: 'time' }))
  await world.advance(50)
  assert.equal(looks, 1)
})

test('load balancer smooths the latency of settled requests, and knows it after a restart', async () => {
  const world = stage(['a', 'b'])
  const { row, generation } = world.row('a')
  const settled = (ok: number, latencyUsSum: number) =>
    settledBatch.of({
      rows: [{ row, generation, ok, error: 0, timeout: 0, abandoned: 0, latencyUsSum, latencyUsMax: latencyUsSum }],
    })
  world.hear(settled(4, 8_000))
  assert.equal(world.row('a').latencyUs, 2_000)
  world.start()
  await world.advance(1_000, 100)
  world.hear(settled(1, 4_000))
  // 2,000 + (1 − 1/e) × 2,000
  assert.equal(world.row('a').latencyUs, 3_264)
  assert.equal(world.row('b').latencyUs, 0)
})
