import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOCK_MS_AT } from '../../engine/memory/layout.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

/** Three endpoints that were measured at 10, 20 and 30 ms a moment ago. */
function measured(policy = 'adaptive'): TinyWorld {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, { policy })
  world.region.words[CLOCK_MS_AT] = 1000
  const held = [0, 1, 2].map(() => world.router.pick())
  for (const ticket of held) {
    const { id } = world.router.endpoint(ticket)
    world.router.settle(ticket, 'ok', { a: 10_000, b: 20_000, c: 30_000 }[id])
  }
  return world
}

const next = (world: TinyWorld): string => {
  const ticket = world.router.pick()
  const { id } = world.router.endpoint(ticket)
  world.router.settle(ticket, 'abandoned')
  return id
}

test('adaptive without forecasts picks what peak-ewma picks, dice for dice', () => {
  const runs = ['adaptive', 'peak-ewma'].map(policy => {
    const world = measured(policy)
    const ids = Array.from({ length: 300 }, (_, i) => {
      world.region.words[CLOCK_MS_AT] = 1000 + i
      const ticket = world.router.pick()
      if (i % 3 === 0) world.router.settle(ticket, 'ok', 5000 + 37 * i)
      return world.router.endpoint(ticket).id
    })
    world.close()
    return ids
  })
  assert.deepEqual(runs[0], runs[1])
})

test('adaptive leaves an endpoint before it is slow, when that is forecast', () => {
  const world = measured()
  assert.equal(next(world), 'a')
  // Half of 10 ms and half of 50 ms are 30 ms: b at 20 ms is sooner.
  world.endpoints.setForecast(world.row('a'), 50_000, 1000)
  assert.equal(next(world), 'b')
  world.close()
})

test('adaptive believes a forecast as far as it is told to', () => {
  const world = measured()
  world.endpoints.setForecast(world.row('a'), 50_000, 1000)
  // 10 + 0.1 × 40 = 14 ms; 10 + 0.3 × 40 = 22 ms.
  world.services.setTrust(world.service, 0.1)
  assert.equal(next(world), 'a')
  world.services.setTrust(world.service, 0.3)
  assert.equal(next(world), 'b')
  world.services.setTrust(world.service, 0)
  assert.equal(next(world), 'a', 'trust 0 is what was measured')
  world.close()
})

test('adaptive forgets a forecast after five seconds, and one of the future does not count', () => {
  const world = measured()
  world.endpoints.setForecast(world.row('a'), 50_000, 1000)
  world.endpoints.setForecast(world.row('b'), 1, 9000)
  world.region.words[CLOCK_MS_AT] = 6000
  assert.equal(next(world), 'b', 'five seconds old')
  world.region.words[CLOCK_MS_AT] = 6001
  assert.equal(next(world), 'a')
  world.close()
})
