import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadBalancer } from '../../../agents/load-balancer/agent.ts'
import { endpointReturned } from '../../../agents/signals.ts'
import { EJECTED, UNHEALTHY } from '../../../engine/writer.ts'
import { Stage } from '../stage.ts'

const SLOW_START = { slowStart: { window: '10s', aggression: 1, minWeight: '10%' } }
const stage = (ids: string[], service: object = SLOW_START): Stage => new Stage(loadBalancer, service, ids).start()
const factors = (world: Stage, ids: string): number[] =>
  [...ids].map(id => Math.round(world.row(id).factor * 100) / 100)

/** An ejection of this endpoint ends now. */
function giveBack(world: Stage, id: string): void {
  const { row, generation } = world.row(id)
  world.row(id).bars &= ~EJECTED
  world.hear(endpointReturned.of({ row, generation, service: 'api', id, because: 'time' }))
}

test('an endpoint whose ejection ended is eased in, within 5 ms', async () => {
  const world = stage([...'abc'])
  world.row('a').bars = EJECTED
  await world.advance(30_000, 100)
  assert.deepEqual(factors(world, 'abc'), [1, 1, 1])
  giveBack(world, 'a')
  await world.advance(5)
  assert.deepEqual(factors(world, 'abc'), [0.1, 1, 1])
  await world.advance(5_000, 100)
  assert.deepEqual(factors(world, 'abc'), [0.5, 1, 1])
  await world.advance(5_000, 100)
  assert.deepEqual(factors(world, 'abc'), [1, 1, 1])
})

test('an endpoint that is ejected again while it is eased in begins anew', async () => {
  const world = stage([...'abc'])
  await world.advance(100)
  giveBack(world, 'a')
  await world.advance(8_000, 100)
  world.row('a').bars = EJECTED
  await world.advance(1_000, 100)
  giveBack(world, 'a')
  await world.advance(100)
  assert.deepEqual(factors(world, 'a'), [0.1])
})

test('the return of a former tenant of the row eases nobody in', async () => {
  const world = stage([...'ab'])
  await world.advance(100)
  const { row, generation } = world.row('a')
  world.hear(endpointReturned.of({ row, generation: generation + 1, service: 'api', id: 'z', because: 'time' }))
  await world.advance(100)
  assert.deepEqual(factors(world, 'ab'), [1, 1])
})

test('the load balancer restarted goes on easing in an endpoint that returned: its factor tells since when', async () => {
  const world = stage([...'abc'])
  await world.advance(100)
  giveBack(world, 'a')
  await world.advance(5_000, 100)
  world.start()
  await world.advance(2_000, 100)
  assert.deepEqual(factors(world, 'abc'), [0.7, 1, 1])
  await world.advance(3_100, 100)
  assert.deepEqual(factors(world, 'abc'), [1, 1, 1])
})

test('when a panic ends, who was doubtful in it and is open again is eased in, and nobody else', async () => {
  const world = stage([...'abcd'], { ...SLOW_START, panicThreshold: '50%' })
  await world.advance(100)
  for (const id of 'abc') world.row(id).bars = UNHEALTHY
  await world.advance(200, 100)
  assert.equal(world.service.isPanicTold, true)
  assert.deepEqual(factors(world, 'abcd'), [1, 1, 1, 1], 'in panic all carry the load')
  for (const id of 'ab') world.row(id).bars = 0
  await world.advance(100, 100)
  assert.deepEqual(factors(world, 'abcd'), [1, 1, 1, 1], 'it is panic still')
  await world.advance(100, 100)
  assert.equal(world.service.isPanicTold, false)
  // c is out still: it is eased in when checks let it back.
  assert.deepEqual(factors(world, 'abcd'), [0.1, 0.1, 1, 1])
  await world.advance(5_000, 100)
  assert.deepEqual(factors(world, 'abcd'), [0.5, 0.5, 1, 1])
})

test('in panic nobody is eased in: who has just recovered gets as much as those that are not known to work', async () => {
  const world = stage([...'abcd'], { ...SLOW_START, panicThreshold: '75%' })
  for (const id of 'abc') world.row(id).bars = UNHEALTHY
  await world.advance(1_000, 100)
  world.row('a').bars = 0
  world.row('a').healthySinceMs = world.clock.now()
  await world.advance(200, 100)
  assert.equal(world.service.isPanicTold, true)
  assert.deepEqual(factors(world, 'abcd'), [1, 1, 1, 1])
})

test('a panic in which all were doubtful leaves all equal', async () => {
  const world = stage([...'ab'])
  for (const id of 'ab') world.row(id).bars = UNHEALTHY
  await world.advance(200, 100)
  for (const id of 'ab') world.row(id).bars = 0
  await world.advance(200, 100)
  assert.equal(world.service.isPanicTold, false)
  assert.deepEqual(factors(world, 'ab'), [1, 1])
})

test('a service that comes back from zero shares evenly among those that come together, and eases in who comes later', async () => {
  const world = stage([])
  await world.advance(1_000, 100)
  world.add('a')
  await world.advance(200, 100)
  assert.deepEqual(factors(world, 'a'), [1], 'alone it carries all')
  world.add('b')
  await world.advance(100, 100)
  assert.deepEqual(factors(world, 'ab'), [1, 1], '200 ms apart are together: both are at their minimum')
  await world.advance(4_700, 100)
  // a came 5 s ago, b 4.8 s: 0.5 and 0.48.
  assert.deepEqual(factors(world, 'ab'), [1, 0.96])
  world.add('c')
  await world.advance(100, 100)
  // 0.1 of the 0.51 that the first has.
  assert.deepEqual(factors(world, 'abc'), [1, 0.96, 0.2])
  await world.advance(10_000, 100)
  assert.deepEqual(factors(world, 'abc'), [1, 1, 1])
})

test('newcomers are eased in beside one that is there from the start, and carry all when that goes out', async () => {
  const world = stage(['a'])
  await world.advance(1_000, 100)
  for (const id of 'bc') world.add(id)
  await world.advance(100, 100)
  assert.deepEqual(factors(world, 'abc'), [1, 0.1, 0.1])
  world.row('a').bars = UNHEALTHY
  await world.advance(100, 100)
  assert.deepEqual(factors(world, 'bc'), [1, 1])
})

test('window, aggression and minWeight each decide how an endpoint is eased in', async () => {
  const after = async (slowStart: object): Promise<number[]> => {
    const world = stage([...'ab'], { slowStart })
    await world.advance(100)
    giveBack(world, 'a')
    const seen: number[] = []
    for (let i = 0; i < 2; i++) {
      await world.advance(2_500, 100)
      seen.push(...factors(world, 'a'))
    }
    return seen
  }
  assert.deepEqual(await after({ window: '10s' }), [0.25, 0.5])
  assert.deepEqual(await after({ window: '5s' }), [0.5, 1])
  assert.deepEqual(await after({ window: '10s', aggression: 2 }), [0.5, 0.71])
  assert.deepEqual(await after({ window: '10s', minWeight: '40%' }), [0.4, 0.5])
  assert.deepEqual(await after({ window: '0s' }), [1, 1])
})
