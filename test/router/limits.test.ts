import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CLASS } from '../../engine/memory/classes.ts'
import { GAUGE_CONNECTIONS, GAUGE_INFLIGHT, GAUGE_RETRIES, Gauges } from '../../engine/memory/gauges.ts'
import { freeSeatOf } from '../../engine/memory/seats.ts'
import type { LimitsText } from '../../engine/memory/service-text.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { PICK } from '../../engine/router/router.ts'
import { tinyWorld } from '../support/tiny-world.ts'

const NONE: LimitsText = { requests: 0, connections: 0, retries: 0, endpointRequests: 0 }

describe('limits', () => {
  for (const { name } of POLICIES) {
    test(`an endpoint never has more in flight than it may, under ${name}`, () => {
      const text = { limits: { ...NONE, endpointRequests: 2 } }
      const world = tinyWorld({ a: {}, b: { weight: 5 }, c: {} }, { policy: name, text })
      const held = Array.from({ length: 6 }, (_, i) => world.router.pick(i))
      assert.ok(held.every(ticket => ticket >= 0))
      for (const row of world.rows()) assert.equal(world.attachment.tally.inflight(row), 2)
      assert.equal(world.router.pick(7), PICK.OVERLOADED)
      world.router.settle(held[0], 'ok', 1)
      const again = world.router.pick(8)
      assert.equal(again & 0xffff, held[0] & 0xffff, 'the one place that is free')
      world.close()
    })
  }

  test('the limit holds over all threads', () => {
    const world = tinyWorld({ a: {} }, { text: { limits: { ...NONE, endpointRequests: 3 } } })
    const other = world.routerOf(world.another())
    assert.ok(world.router.pick() >= 0)
    assert.ok(other.pick() >= 0)
    assert.ok(other.pick() >= 0)
    assert.equal(world.router.pick(), PICK.OVERLOADED)
    assert.equal(other.pick(), PICK.OVERLOADED)
    world.close()
  })

  test('a learned limit counts where it is stricter, and from the next pick', () => {
    const world = tinyWorld({ a: {} }, { text: { limits: { ...NONE, endpointRequests: 3 }, isAdaptive: true } })
    world.endpoints.setAdaptiveLimit(world.row('a'), 2)
    assert.ok(world.router.pick() >= 0)
    assert.ok(world.router.pick() >= 0)
    assert.equal(world.router.pick(), PICK.OVERLOADED)
    world.endpoints.setAdaptiveLimit(world.row('a'), 9)
    assert.ok(world.router.pick() >= 0)
    assert.equal(world.router.pick(), PICK.OVERLOADED)
    world.close()
  })

  test('a service never has more in flight than it may, and what died with its thread is given back', () => {
    const world = tinyWorld({ a: {}, b: {} }, { text: { limits: { ...NONE, requests: 3 } } })
    const second = world.another()
    const other = world.routerOf(second)
    const held = [world.router.pick(), other.pick(), other.pick()]
    assert.ok(held.every(ticket => ticket >= 0))
    assert.equal(world.router.pick(), PICK.OVERLOADED)
    freeSeatOf(world.region, second.seat, 0)
    assert.ok(world.router.pick() >= 0)
    assert.ok(world.router.pick() >= 0)
    assert.equal(world.router.pick(), PICK.OVERLOADED)
    world.router.settle(held[0], 'ok', 1)
    assert.ok(world.router.pick() >= 0)
    world.close()
  })

  test('a pick that finds no endpoint gives back the place it took in the service', () => {
    const world = tinyWorld({ a: {} }, { text: { limits: { ...NONE, requests: 1 } } })
    const tried = new Tried()
    tried.add(world.row('a'))
    for (let i = 0; i < 3; i++) assert.equal(world.router.pick(0, tried), PICK.NO_ENDPOINT)
    assert.ok(world.router.pick() >= 0)
    world.close()
  })

  test('what ends after its thread has left changes nothing of whoever has the seat now', () => {
    const text = { limits: { ...NONE, connections: 2, retries: 2 } }
    const world = tinyWorld({ a: {} }, { text })
    const first = world.another()
    const gone = world.routerOf(first)
    assert.ok(gone.tryConnect() && gone.tryRetry())
    first.close()
    const second = world.another()
    assert.equal(second.seat, first.seat)
    const router = world.routerOf(second)
    assert.ok(router.tryConnect() && router.tryRetry())
    gone.endConnection()
    gone.endRetry()
    assert.equal(gone.tryConnect() || gone.tryRetry(), false)
    const gauges = new Gauges(world.region, world.attachment.seat, world.service)
    assert.deepEqual([gauges.sum(GAUGE_CONNECTIONS), gauges.sum(GAUGE_RETRIES)], [1, 1])
    world.close()
  })

  test('sheddable requests leave room for the dearer ones', () => {
    const world = tinyWorld({ a: {} }, { text: { limits: { ...NONE, requests: 10 } } })
    const pick = (requestClass: number): number => world.router.pick(0, undefined, requestClass)
    for (let i = 0; i < 8; i++) assert.ok(pick(CLASS.SHEDDABLE) >= 0)
    assert.equal(pick(CLASS.SHEDDABLE), PICK.OVERLOADED)
    assert.ok(pick(CLASS.SHEDDABLE_PLUS) >= 0)
    assert.equal(pick(CLASS.SHEDDABLE_PLUS), PICK.OVERLOADED)
    assert.ok(pick(CLASS.CRITICAL) >= 0)
    assert.equal(pick(CLASS.CRITICAL), PICK.OVERLOADED)
    world.close()
  })
})

test('a class that is shed is turned away, and every cheaper one, until it is not', () => {
  const world = tinyWorld({ a: {} })
  const answers = (): boolean[] => [0, 1, 2, 3].map(requestClass => world.router.pick(0, undefined, requestClass) >= 0)
  world.services.setShedFrom(world.service, CLASS.SHEDDABLE_PLUS)
  assert.deepEqual(answers(), [true, true, false, false])
  assert.equal(world.router.pick(0, undefined, CLASS.SHEDDABLE), PICK.SHED)
  world.services.setShedFrom(world.service, CLASS.CRITICAL)
  assert.deepEqual(answers(), [true, false, false, false])
  world.services.setShedFrom(world.service, 0)
  assert.deepEqual(answers(), [true, true, true, true])
  world.close()
})

test("of the operator's word and the agent's on what is shed the stricter counts, and each takes back its own alone", () => {
  const world = tinyWorld({ a: {} })
  const { services, service } = world
  const shed = (): number => services.shedFrom(service)
  services.setShedFrom(service, CLASS.SHEDDABLE)
  services.setShedByAgent(service, CLASS.CRITICAL)
  assert.equal(shed(), CLASS.CRITICAL)
  assert.equal(world.router.pick(0, undefined, CLASS.CRITICAL), PICK.SHED)
  services.setShedByAgent(service, 0)
  assert.equal(shed(), CLASS.SHEDDABLE)
  services.setShedFrom(service, 0)
  assert.equal(shed(), 0)
  services.setShedByAgent(service, CLASS.SHEDDABLE_PLUS)
  assert.equal(shed(), CLASS.SHEDDABLE_PLUS)
  world.close()
})

test('no more requests are let in than an agent says this process can bear, also where the service has no limits', () => {
  const world = tinyWorld({ a: {}, b: {} })
  const tickets = Array.from({ length: 10 }, () => world.router.pick())
  world.services.setAdmitted(world.service, 10)
  assert.equal(world.router.pick(), PICK.OVERLOADED)
  world.router.settle(tickets[0]!, 'ok', 1)
  assert.ok(world.router.pick() >= 0)
  assert.equal(world.router.pick(), PICK.OVERLOADED)
  world.services.setAdmitted(world.service, 0)
  assert.ok(world.router.pick() >= 0)
  world.close()
})

test('of the limit of a service and what an agent lets in the stricter counts', () => {
  const world = tinyWorld({ a: {} }, { text: { limits: { ...NONE, requests: 3 } } })
  const room = (): number => {
    const tickets = Array.from({ length: 9 }, () => world.router.pick()).filter(ticket => ticket >= 0)
    for (const ticket of tickets) world.router.settle(ticket, 'ok', 1)
    return tickets.length
  }
  assert.equal(room(), 3)
  world.services.setAdmitted(world.service, 2)
  assert.equal(room(), 2)
  world.services.setAdmitted(world.service, 5)
  assert.equal(room(), 3)
  world.close()
})

describe('retry budget', () => {
  test('so many second tries may be under way as the least, or the share of what is in flight', () => {
    const world = tinyWorld({ a: {} }, { text: { retryBudget: { share: 0.2, min: 3 } } })
    const { router } = world
    const granted = (): number => {
      let times = 0
      while (router.tryRetry()) times++
      return times
    }
    assert.equal(granted(), 3)
    router.endRetry()
    assert.equal(granted(), 1)
    for (let i = 0; i < 25; i++) router.pick()
    assert.equal(granted(), 2, '20 % of 25 are 5')
    world.close()
  })

  test('counts over all threads, and the dead give theirs back', () => {
    const world = tinyWorld({ a: {} }, { text: { retryBudget: { share: 0, min: 2 } } })
    const second = world.another()
    const other = world.routerOf(second)
    assert.ok(other.tryRetry())
    assert.ok(world.router.tryRetry())
    assert.equal(world.router.tryRetry(), false)
    freeSeatOf(world.region, second.seat, 0)
    assert.ok(world.router.tryRetry())
    world.close()
  })

  test('without a budget the fixed limit counts, without either none', () => {
    const fixed = tinyWorld({ a: {} }, { text: { limits: { ...NONE, retries: 1 } } })
    assert.deepEqual([fixed.router.tryRetry(), fixed.router.tryRetry()], [true, false])
    fixed.close()
    const free = tinyWorld({ a: {} })
    for (let i = 0; i < 50; i++) assert.ok(free.router.tryRetry())
    free.close()
  })
})

describe('gauges', () => {
  test('tryEnter() never lets the sum of all threads pass the limit, leave() never goes below none', () => {
    const world = tinyWorld({ a: {} })
    const gauges = [0, 1, 2].map(() => new Gauges(world.region, world.another().seat, world.service))
    let entered = 0
    for (let i = 0; i < 30; i++) if (gauges[i % 3].tryEnter(GAUGE_RETRIES, 7)) entered++
    assert.equal(entered, 7)
    for (const gauge of gauges) assert.equal(gauge.sum(GAUGE_RETRIES), 7)
    for (let i = 0; i < 30; i++) gauges[i % 3].leave(GAUGE_RETRIES)
    assert.equal(gauges[0].sum(GAUGE_RETRIES), 0)
    assert.equal(gauges[0].sum(GAUGE_INFLIGHT), 0)
    world.close()
  })
})
