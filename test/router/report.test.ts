import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_BARS, DRAINING, EJECTED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { HEALTH_DEGRADED } from '../../engine/memory/endpoint-table.ts'
import { CLOCK_MS_AT } from '../../engine/memory/layout.ts'
import { type EndpointReport, reportService, reportServices } from '../../engine/router/report.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

function report(world: TinyWorld, id: string): EndpointReport {
  const found = reportService(world.attachment, 'api').endpoints.find(endpoint => endpoint.id === id)
  assert.ok(found)
  return found
}

test('an open endpoint is reported with all that is known of it', () => {
  const world = tinyWorld({ a: { weight: 2, zone: 'z1', priority: 1, metadata: { version: 'v1' } } })
  world.endpoints.setHealth(world.row('a'), HEALTH_DEGRADED)
  world.endpoints.setLatencyUs(world.row('a'), 1500)
  world.router.settle(world.router.pick(), 'ok', 900)
  world.router.pick()
  assert.deepEqual(report(world, 'a'), {
    id: 'a',
    url: 'http://a.test',
    zone: 'z1',
    metadata: { version: 'v1' },
    row: world.row('a'),
    priority: 1,
    weight: 2,
    factor: 1,
    effectiveWeight: 2,
    isPickable: true,
    health: 'degraded',
    bars: ['degraded'],
    ignored: [],
    ejectedForMs: 0,
    breakerOpenForMs: 0,
    inflight: 1,
    elsewhere: 0,
    limit: 0,
    latencyUs: 1500,
    totals: { picked: 2, ok: 1, error: 0, timeout: 0, abandoned: 0, latencyUsSum: 900 },
    why: 'picked with weight 2',
  })
  world.close()
})

test('a report survives JSON', () => {
  const world = tinyWorld({ a: { metadata: { k: 'v' } } })
  const reports = reportServices(world.attachment)
  assert.deepEqual(JSON.parse(JSON.stringify(reports)), reports)
  world.close()
})

test('the sentence says why an endpoint is not picked', () => {
  const world = tinyWorld({ a: {}, b: {} })
  const because = (act: () => void): string => {
    act()
    const { why, isPickable, effectiveWeight } = report(world, 'a')
    assert.deepEqual([isPickable, effectiveWeight], [false, 0])
    return why
  }
  assert.equal(
    because(() => world.bar('a', DRAINING)),
    'not picked: draining',
  )
  assert.equal(
    because(() => world.bar('a', EJECTED)),
    'not picked: draining and ejected',
  )
  world.bar('a', ALL_BARS, false)
  assert.equal(
    because(() => world.setWeight('a', 0)),
    'not picked: its weight is 0',
  )
  world.setWeight('a', 1)
  assert.equal(
    because(() => world.endpoints.setFactor(world.row('a'), 0)),
    'not picked: the load balancer gives it nothing',
  )
  world.close()
})

test('the sentence says with what weight an endpoint is picked', () => {
  const world = tinyWorld({ a: { weight: 4 } })
  world.endpoints.setFactor(world.row('a'), 0.25)
  const { why, effectiveWeight, factor } = report(world, 'a')
  assert.equal(why, 'picked with weight 4 × 0.25')
  assert.deepEqual([effectiveWeight, factor], [1, 0.25])
  world.close()
})

test('in panic an unhealthy endpoint is reported as picked, and why', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} })
  for (const id of ['a', 'b']) world.bar(id, UNHEALTHY)
  world.services.countPanic(world.service)
  const service = reportService(world.attachment, 'api')
  assert.deepEqual([service.hasPanic, service.panics], [true, 1])
  assert.equal(report(world, 'a').why, 'picked with weight 1 although unhealthy: panic mode ignores health')
  world.close()
})

test('the report agrees with pick() when every endpoint is held back by opinion', () => {
  for (const [panicThreshold, isPicked] of [
    [0.5, true],
    [0, false],
  ] as const) {
    const world = tinyWorld({ a: {}, b: {} }, { panicThreshold })
    for (const id of ['a', 'b']) world.bar(id, UNHEALTHY)
    assert.equal(world.router.pick() >= 0, isPicked)
    assert.deepEqual([report(world, 'a').isPickable, report(world, 'b').isPickable], [isPicked, isPicked])
    world.close()
  }
})

test('a service without endpoints, or with none that may ever be picked, is in no panic', () => {
  const world = tinyWorld({})
  const hasPanic = () => reportService(world.attachment, 'api').hasPanic
  assert.equal(hasPanic(), false)
  world.add('a')
  world.bar('a', DRAINING)
  assert.equal(hasPanic(), false)
  world.add('b', { weight: 0 })
  assert.equal(hasPanic(), false)
  world.close()
})

test('an ejection is reported with the time that is left', () => {
  const world = tinyWorld({ a: {} })
  const { words } = world.region
  words[CLOCK_MS_AT] = 10_000
  world.endpoints.setEjectedUntil(world.row('a'), 14_000)
  assert.equal(report(world, 'a').ejectedForMs, 0, 'it is over: the bar is gone')
  world.bar('a', EJECTED)
  assert.equal(report(world, 'a').ejectedForMs, 4000)
  words[CLOCK_MS_AT] = 20_000
  assert.equal(report(world, 'a').ejectedForMs, 0)
  world.close()
})

test('a policy is reported by its own name, whatever alias the config used', () => {
  const world = tinyWorld({ a: {} }, { policy: 'leastconn' })
  assert.equal(reportService(world.attachment, 'api').policy, 'least-request')
  world.close()
})

test('an unknown service is refused, naming those there are', () => {
  const world = tinyWorld({})
  assert.throws(() => reportService(world.attachment, 'web'), {
    code: 'SBX_SERVICE_UNKNOWN',
    message: /use one of api$/,
  })
  world.close()
})
