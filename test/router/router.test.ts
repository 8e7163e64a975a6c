import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignalboxError } from '../../engine/errors.ts'
import { DRAINING, UNHEALTHY } from '../../engine/memory/bars.ts'
import { becomeDrainer, drainOutcomes } from '../../engine/memory/outcome-ring.ts'
import type { Outcome } from '../../engine/memory/outcomes.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { PICK, Router } from '../../engine/router/router.ts'
import { tinyWorld } from '../support/tiny-world.ts'

test('pick() gives a ticket of at least 0 and counts the request as in flight', () => {
  const world = tinyWorld({ a: {} })
  const ticket = world.router.pick()
  assert.ok(ticket >= 0)
  assert.equal(world.attachment.tally.inflight(world.row('a')), 1)
  world.close()
})

test('endpoint() tells id, url, zone, metadata and row of a ticket', () => {
  const world = tinyWorld({ a: { zone: 'z1', metadata: { version: 'v2' } } })
  const endpoint = world.router.endpoint(world.router.pick())
  assert.deepEqual(endpoint, {
    id: 'a',
    url: 'http://a.test',
    zone: 'z1',
    metadata: { version: 'v2' },
    row: world.row('a'),
  })
  world.close()
})

test('endpoint() gives the same frozen object for every ticket of an endpoint', () => {
  const world = tinyWorld({ a: {} })
  const first = world.router.endpoint(world.router.pick())
  assert.equal(world.router.endpoint(world.router.pick()), first)
  assert.ok(Object.isFrozen(first))
  world.close()
})

test('endpoint() of what is no ticket, or of one whose endpoint has gone, throws an error of ours', () => {
  const world = tinyWorld({ a: {} }, { capacity: { rows: 2 } })
  const old = world.router.pick()
  world.router.settle(old, 'ok', 1)
  world.remove('a')
  world.catchUp()
  world.add('b')
  for (const wrong of [-1, 0xffff, Number.NaN, old]) {
    assert.throws(
      () => world.router.endpoint(wrong),
      error => error instanceof SignalboxError,
      String(wrong),
    )
  }
  world.close()
})

test('endpoint() of what pick() refused throws an error that says what to look at', () => {
  const world = tinyWorld({})
  assert.throws(
    () => world.router.endpoint(world.router.pick()),
    error => error instanceof SignalboxError && /^Cannot give the endpoint of -1: it is no ticket/.test(error.message),
  )
  world.close()
})

test('settle() ends what pick() began, and counts how', () => {
  const world = tinyWorld({ a: {} })
  const outcomes: Outcome[] = ['ok', 'error', 'timeout', 'abandoned']
  for (const outcome of outcomes) world.router.settle(world.router.pick(), outcome, 10)
  const row = world.row('a')
  assert.equal(world.attachment.tally.inflight(row), 0)
  assert.deepEqual(world.attachment.tally.totals(row), {
    picked: 4,
    ok: 1,
    error: 1,
    timeout: 1,
    abandoned: 1,
    latencyUsSum: 10,
  })
  world.close()
})

test('settle() of a ticket that was settled changes nothing', () => {
  const world = tinyWorld({ a: {} })
  const ticket = world.router.pick()
  world.router.settle(ticket, 'ok', 10)
  world.router.settle(ticket, 'error', 10)
  const row = world.row('a')
  assert.equal(world.attachment.tally.inflight(row), 0)
  assert.equal(world.attachment.tally.totals(row).error, 0)
  world.close()
})

test('settle() takes any number for a latency, and counts what is none as 0', () => {
  const world = tinyWorld({ a: {} })
  for (const latency of [Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 31, 1e300]) {
    world.router.settle(world.router.pick(), 'ok', latency)
  }
  world.router.settle(world.router.pick(), 'ok', 12.9)
  world.router.settle(world.router.pick(), 'ok')
  const totals = world.attachment.tally.totals(world.row('a'))
  assert.equal(totals.ok, 7)
  assert.equal(totals.latencyUsSum, 12)
  world.close()
})

test('settle() of anything that is no ticket changes nothing and does not throw', () => {
  const world = tinyWorld({ a: {} })
  world.router.pick()
  for (const wrong of [PICK.NO_ENDPOINT, Number.NaN, undefined as unknown as number, 1e12, 0.5]) {
    world.router.settle(wrong, 'ok', 1)
  }
  assert.equal(world.attachment.tally.inflight(world.row('a')), 1)
  world.close()
})

test('settle() reports the outcome to who drains, once', () => {
  const world = tinyWorld({ a: {} })
  becomeDrainer(world.region, world.attachment.seat)
  const ticket = world.router.pick()
  world.router.settle(ticket, 'timeout', 77)
  world.router.settle(ticket, 'timeout', 77)
  const heard: number[][] = []
  drainOutcomes(world.region, (...[of, outcome, latencyUs]) => heard.push([of, outcome, latencyUs]), 10)
  assert.deepEqual(heard, [[ticket, 2, 77]])
  world.close()
})

test('a ticket stays good while its endpoint is drained or removed', () => {
  const world = tinyWorld({ a: {}, b: {} }, { policy: 'round-robin' })
  const ticket = world.router.pick()
  world.bar('a', DRAINING)
  const row = world.remove('a')
  world.router.pick()
  assert.equal(world.router.endpoint(ticket).id, 'a')
  world.router.settle(ticket, 'ok', 1)
  assert.equal(world.attachment.tally.inflight(row), 0)
  world.close()
})

test('pick() answers NO_ENDPOINT when there is none, none is open, or all were tried', () => {
  const world = tinyWorld({})
  assert.equal(world.router.pick(), PICK.NO_ENDPOINT)
  const row = world.add('a')
  const tried = new Tried()
  tried.add(row)
  assert.equal(world.router.pick(0, tried), PICK.NO_ENDPOINT)
  world.bar('a', DRAINING)
  assert.equal(world.router.pick(), PICK.NO_ENDPOINT)
  world.close()
})

test('a pick that answered NO_ENDPOINT leaves nothing in flight', () => {
  const world = tinyWorld({ a: { weight: 0 } })
  world.router.pick()
  assert.equal(world.attachment.tally.inflight(world.row('a')), 0)
  world.close()
})

test('pick() takes unhealthy endpoints beside healthy ones as soon as fewer than the threshold are left', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} }, { policy: 'round-robin' })
  for (const id of ['a', 'b']) world.bar(id, UNHEALTHY)
  assert.deepEqual(new Set(Array.from({ length: 4 }, () => world.pickId())), new Set(['c', 'd']))
  world.bar('c', UNHEALTHY)
  assert.deepEqual(new Set(Array.from({ length: 4 }, () => world.pickId())), new Set(['a', 'b', 'c', 'd']))
  world.bar('c', UNHEALTHY, false)
  assert.deepEqual(new Set(Array.from({ length: 4 }, () => world.pickId())), new Set(['c', 'd']))
  world.close()
})

test('pick() follows another policy from its next call', () => {
  const world = tinyWorld({ a: {}, b: { weight: 3 } }, { policy: 'round-robin' })
  const policy = { name: 'weighted-round-robin' }
  world.writer.edit(edit => edit.putService({ name: 'api', policy, panicThreshold: 0.5 }))
  const ids = Array.from({ length: 40 }, () => world.pickId())
  assert.equal(ids.filter(id => id === 'b').length, 30)
  world.close()
})

test('pick() stays with its policy when it is told one that this build does not know', () => {
  const world = tinyWorld({ a: {}, b: {} }, { policy: 'round-robin' })
  world.writer.edit(edit => edit.putService({ name: 'api', policy: { name: 'of-next-year' }, panicThreshold: 0.5 }))
  assert.deepEqual([world.pickId(), world.pickId(), world.pickId()], ['a', 'b', 'a'])
  world.close()
})

test('two routers of one thread share what is in flight', () => {
  const world = tinyWorld({ a: {}, b: {} })
  const second = world.routerOf(world.attachment)
  const ids = new Set<string>()
  ids.add(world.pickId()!)
  ids.add(second.endpoint(second.pick()).id)
  assert.deepEqual(ids, new Set(['a', 'b']))
  world.close()
})

test('a closed attachment answers NO_ENDPOINT, and settles in silence', () => {
  const world = tinyWorld({ a: {} })
  const ticket = world.router.pick()
  world.attachment.close()
  assert.equal(world.router.pick(), PICK.NO_ENDPOINT)
  world.router.settle(ticket, 'ok', 1)
  world.close()
})

test('a router of a service that is not there is refused, naming those that are', () => {
  const world = tinyWorld({ a: {} })
  assert.throws(() => new Router(world.attachment, 'web'), {
    code: 'SBX_SERVICE_UNKNOWN',
    message: 'Cannot route to "web": there is no such service, use one of api',
  })
  world.close()
})

test('Tried remembers sixteen rows, the latest', () => {
  const tried = new Tried()
  for (let row = 0; row < 20; row++) tried.add(row)
  assert.equal(tried.has(3), false)
  for (let row = 4; row < 20; row++) assert.ok(tried.has(row))
})
