import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegion } from '../../engine/memory/region.ts'
import { ServiceTable } from '../../engine/memory/service-table.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const SMALL = { rows: 4, services: 3, seats: 1, textBytes: 128, outcomes: 64 }

test('a service begins with no panic behind it, nothing shed and no trust in forecasts said', () => {
  const services = new ServiceTable(createRegion(SMALL))
  services.setPanicTold(1, true)
  services.setShedFrom(1, 2)
  services.setTrust(1, 0.5)
  services.countPanic(1)
  services.begin(1)
  assert.equal(services.isPanicTold(1), false)
  assert.equal(services.shedFrom(1), 0)
  assert.equal(services.trust(1), undefined)
  assert.equal(services.panics(1), 0)
  assert.equal(services.pullMax(1), 0)
})

test('each service has words of its own', () => {
  const services = new ServiceTable(createRegion(SMALL))
  for (const service of [0, 1, 2]) services.begin(service)
  services.setShedFrom(1, 3)
  services.countPanic(1)
  assert.deepEqual(
    [0, 1, 2].map(service => services.shedFrom(service)),
    [0, 3, 0],
  )
  assert.deepEqual(
    [0, 1, 2].map(service => services.panics(service)),
    [0, 1, 0],
  )
})

test('refreshPullMax() writes the largest pull of the rows, rounded up and never down', () => {
  const world = tinyWorld({ a: { weight: 1 }, b: { weight: 65_535 }, c: { weight: 0.0001 } })
  const { services, endpoints, service } = world
  assert.equal(services.pullMax(service), endpoints.pull(world.row('b')))
  world.setWeight('b', 0)
  assert.equal(services.pullMax(service), endpoints.pull(world.row('a')))
  world.setWeight('a', 0)
  endpoints.setFactor(world.row('c'), 0.3)
  services.refreshPullMax(service, world.rows(), endpoints)
  assert.ok(endpoints.pull(world.row('c')) > 0)
  assert.ok(services.pullMax(service) >= endpoints.pull(world.row('c')))
  world.close()
})

test('a service of no pull has a largest pull of 0', () => {
  const world = tinyWorld({ a: { weight: 0 } })
  assert.equal(world.services.pullMax(world.service), 0)
  world.close()
})
