import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { type AtomicsSeam, realAtomics, useAtomics } from '../../engine/memory/atomics.ts'
import { DRAINING, EJECTED, TRIPPED, UNHEALTHY } from '../../engine/memory/bars.ts'
import {
  BARS,
  BREAKER_PROBE,
  CLOCK_MS_AT,
  ROW_WORDS,
  WINDOW_FAILED,
  WINDOW_SETTLED,
} from '../../engine/memory/layout.ts'
import { freeSeatOf } from '../../engine/memory/seats.ts'
import type { BreakerText } from '../../engine/memory/service-text.ts'
import { PROBE_TICKET } from '../../engine/memory/ticket.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import { PICK } from '../../engine/router/router.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const BREAKER: BreakerText = {
  consecutiveFailures: 3,
  errorRate: 0,
  errorRateVolume: 10,
  windowMs: 1000,
  openForMs: 100,
  maxOpenForMs: 350,
  probes: 1,
}

function worldOf(breaker: Partial<BreakerText> = {}, ids = ['a'], policy = 'round-robin'): TinyWorld {
  const endpoints = Object.fromEntries(ids.map(id => [id, {}]))
  const world = tinyWorld(endpoints, { policy, panicThreshold: 0, text: { breaker: { ...BREAKER, ...breaker } } })
  setClock(world, 1000)
  return world
}

function setClock(world: TinyWorld, ms: number): void {
  world.region.words[CLOCK_MS_AT] = ms
}

/** A request that ends so. False when none was picked. */
function request(world: TinyWorld, outcome: 'ok' | 'error' | 'timeout' | 'abandoned'): boolean {
  const ticket = world.router.pick()
  if (ticket >= 0) world.router.settle(ticket, outcome, 10)
  return ticket >= 0
}

const isOpen = (world: TinyWorld, id = 'a'): boolean => (world.endpoints.bars(world.row(id)) & TRIPPED) !== 0

function trip(world: TinyWorld): void {
  for (let i = 0; i < 3; i++) request(world, 'error')
  assert.ok(isOpen(world))
}

/** Does something between the steps of a settle, each time before this operation on these words of the row. */
function before(world: TinyWorld, operation: 'or' | 'store' | 'compareExchange', on: number[], act: () => void): void {
  const words = on.map(word => world.region.layout.endpointsAt + world.row('a') * ROW_WORDS + word)
  const { load, store, add, sub, and, or, exchange, compareExchange, notify, wait } = realAtomics
  const seam: AtomicsSeam = { load, store, add, sub, and, or, exchange, compareExchange, notify, wait }
  const real = realAtomics[operation] as (words: Int32Array, index: number, ...values: number[]) => number
  seam[operation] = (memory: Int32Array, index: number, ...values: number[]): number => {
    if (words.includes(index)) {
      useAtomics(realAtomics)
      act()
      useAtomics(seam)
    }
    return real(memory, index, ...values)
  }
  useAtomics(seam)
}

describe('breaker', () => {
  afterEach(() => useAtomics(realAtomics))

  test('opens with the failures in a row that it allows, errors and timeouts alike, and a success between begins anew', () => {
    const world = worldOf()
    for (const outcome of ['error', 'timeout', 'ok', 'error', 'abandoned', 'error'] as const) request(world, outcome)
    assert.equal(isOpen(world), false)
    request(world, 'timeout')
    assert.equal(isOpen(world), true)
    assert.equal(world.router.pick(), PICK.BREAKER_OPEN)
    world.close()
  })

  test('failures of all threads count together, and all threads obey at once', () => {
    const world = worldOf({}, ['a', 'b'])
    const other = world.routerOf(world.another())
    world.bar('b', DRAINING)
    for (let i = 0; i < 3; i++) {
      const router = i === 1 ? other : world.router
      router.settle(router.pick(), 'error', 1)
    }
    assert.equal(other.pick(), PICK.BREAKER_OPEN)
    world.close()
  })

  test('opens with too large a share of failures in a window that has enough requests (ALG-9)', () => {
    const world = worldOf({ consecutiveFailures: 0, errorRate: 0.5 })
    const outcomes = ['ok', 'error'] as const
    for (let i = 0; i < 9; i++) request(world, outcomes[i & 1])
    assert.equal(isOpen(world), false, '9 requests are too few')
    request(world, 'error')
    assert.equal(isOpen(world), true, '5 of 10 failed')
    world.close()
  })

  test('forgets the window when it is over', () => {
    const world = worldOf({ consecutiveFailures: 0, errorRate: 0.5 })
    for (let i = 0; i < 9; i++) request(world, 'error')
    setClock(world, 2001)
    for (let i = 0; i < 9; i++) request(world, 'error')
    assert.equal(isOpen(world), false)
    request(world, 'error')
    assert.equal(isOpen(world), true)
    world.close()
  })

  test('forgets a window that began more than half the circle of the clock ago, too', () => {
    const world = worldOf({ consecutiveFailures: 0, errorRate: 0.5 })
    // 25 days after the region began, for a row that never had a window.
    setClock(world, (25 * 24 * 3_600_000) | 0)
    for (let i = 0; i < 9; i++) request(world, 'error')
    setClock(world, (25 * 24 * 3_600_000 + 2000) | 0)
    request(world, 'error')
    assert.equal(isOpen(world), false, 'the tenth in a row is the first of its window')
    world.close()
  })

  test('a thread that dies while it begins a window leaves no failures of the one before', () => {
    const world = worldOf({ consecutiveFailures: 0, errorRate: 0.5 })
    const second = world.another()
    const other = world.routerOf(second)
    for (let i = 0; i < 9; i++) request(world, 'error')
    setClock(world, 2001)
    const ticket = other.pick()
    let stores = 0
    before(world, 'store', [WINDOW_SETTLED, WINDOW_FAILED], () => {
      if (++stores === 2) throw new Error('dies')
    })
    assert.throws(() => other.settle(ticket, 'ok', 1), /dies/)
    freeSeatOf(world.region, second.seat, 0)
    // 10 in this window, of which one failed; with the nine of the last it would be all.
    for (let i = 0; i < 9; i++) request(world, 'ok')
    request(world, 'error')
    assert.equal(isOpen(world), false)
    world.close()
  })

  for (const { name } of POLICIES) {
    test(`lets one probe through when its time is up, under ${name}, and closes when it passes`, () => {
      const world = worldOf({}, ['a'], name)
      trip(world)
      setClock(world, 1099)
      assert.equal(world.router.pick(), PICK.BREAKER_OPEN)
      setClock(world, 1100)
      const probe = world.router.pick()
      assert.ok(probe & PROBE_TICKET)
      assert.equal(world.router.endpoint(probe).id, 'a')
      assert.equal(world.router.pick(), PICK.BREAKER_OPEN, 'one at a time')
      world.router.settle(probe, 'ok', 10)
      assert.equal(isOpen(world), false)
      assert.ok(request(world, 'error'), 'failures are counted anew')
      assert.equal(isOpen(world), false)
      world.close()
    })
  }

  test('stays open twice as long each time a probe fails, up to the longest (ALG-9)', () => {
    const world = worldOf()
    trip(world)
    let now = 1000
    for (const openFor of [100, 200, 350, 350]) {
      setClock(world, now + openFor - 1)
      assert.equal(world.router.pick(), PICK.BREAKER_OPEN)
      now += openFor
      setClock(world, now)
      assert.ok(request(world, 'error'), `after ${openFor} ms`)
    }
    setClock(world, now + 350)
    request(world, 'ok')
    trip(world)
    setClock(world, now + 450)
    assert.ok(request(world, 'ok'), 'once closed it begins with the shortest again')
    world.close()
  })

  test('closes after as many probes as it asks for, one after the other (ALG-9, D5)', () => {
    const world = worldOf({ probes: 2 })
    trip(world)
    setClock(world, 1100)
    request(world, 'ok')
    assert.equal(isOpen(world), true)
    request(world, 'ok')
    assert.equal(isOpen(world), false)
    world.close()
  })

  test('a probe that was withdrawn proves nothing, and the next may be sent at once', () => {
    const world = worldOf()
    trip(world)
    setClock(world, 1100)
    request(world, 'abandoned')
    assert.equal(isOpen(world), true)
    assert.ok(request(world, 'ok'))
    assert.equal(isOpen(world), false)
    world.close()
  })

  test('what was sent before it opened neither closes it nor counts', () => {
    const world = worldOf()
    const early = [world.router.pick(), world.router.pick(), world.router.pick(), world.router.pick()]
    trip(world)
    setClock(world, 1100)
    const probe = world.router.pick()
    world.router.settle(early[0], 'ok', 10)
    world.router.settle(early[1], 'error', 10)
    assert.equal(isOpen(world), true)
    assert.equal(world.endpoints.breakerTrips(world.row('a')), 1)
    world.router.settle(probe, 'ok', 10)
    assert.equal(isOpen(world), false)
    world.close()
  })

  test('the probe of a thread that died is free again', () => {
    const world = worldOf()
    const second = world.another()
    const other = world.routerOf(second)
    trip(world)
    setClock(world, 1100)
    assert.ok(other.pick() >= 0)
    assert.equal(world.router.pick(), PICK.BREAKER_OPEN)
    freeSeatOf(world.region, second.seat, 0)
    assert.ok(world.router.pick() & PROBE_TICKET)
    world.close()
  })

  test('panic does not open it', () => {
    const world = tinyWorld({ a: {}, b: {} }, { policy: 'round-robin', text: { breaker: BREAKER } })
    setClock(world, 1000)
    for (let i = 0; i < 6; i++) request(world, 'error')
    assert.ok(isOpen(world, 'a') && isOpen(world, 'b'))
    assert.equal(world.router.pick(), PICK.BREAKER_OPEN)
    world.close()
  })

  test('requests go to the others meanwhile, and the probe is the first request that would have gone there', () => {
    const world = worldOf({}, ['a', 'b'])
    world.bar('b', DRAINING)
    trip(world)
    world.bar('b', DRAINING, false)
    for (let i = 0; i < 5; i++) assert.equal(world.pickId(), 'b')
    setClock(world, 1100)
    const ids = [world.pickId(), world.pickId(), world.pickId(), world.pickId()]
    assert.equal(ids.filter(id => id === 'a').length, 1)
    world.close()
  })

  test('two failures at one moment open it once, for the time of the first', () => {
    const world = worldOf({ consecutiveFailures: 1 })
    const other = world.routerOf(world.another())
    const [mine, theirs] = [world.router.pick(), other.pick()]
    let isMet = false
    before(world, 'or', [BARS], () => {
      isMet = true
      other.settle(theirs, 'error', 1)
    })
    world.router.settle(mine, 'error', 1)
    assert.ok(isMet && isOpen(world))
    assert.equal(world.endpoints.breakerTrips(world.row('a')), 1)
    assert.equal(world.endpoints.breakerUntilMs(world.row('a')), 1100)
    world.close()
  })

  test('a failure that was counted before it closed does not open it again', () => {
    const world = worldOf({ consecutiveFailures: 1 })
    const other = world.routerOf(world.another())
    const [mine, theirs] = [world.router.pick(), other.pick()]
    // Between counting and opening: the other opens it, its time passes, a probe closes it.
    before(world, 'compareExchange', [BREAKER_PROBE], () => {
      other.settle(theirs, 'error', 1)
      setClock(world, 1100)
      other.settle(other.pick(), 'ok', 1)
    })
    world.router.settle(mine, 'error', 1)
    assert.equal(isOpen(world), false)
    assert.equal(world.endpoints.breakerTrips(world.row('a')), 0)
    world.close()
  })

  test('a thread that dies while it opens it leaves the reason: the next failure does', () => {
    const world = worldOf({ consecutiveFailures: 2 })
    const second = world.another()
    const other = world.routerOf(second)
    const tickets = [world.router.pick(), other.pick(), world.router.pick()]
    world.router.settle(tickets[0], 'error', 1)
    before(world, 'or', [BARS], () => {
      throw new Error('dies')
    })
    assert.throws(() => other.settle(tickets[1], 'error', 1), /dies/)
    assert.equal(isOpen(world), false)
    freeSeatOf(world.region, second.seat, 0)
    world.router.settle(tickets[2], 'error', 1)
    assert.equal(isOpen(world), true)
    world.close()
  })

  test('a new tenant of the row begins with a closed one', () => {
    const world = worldOf({}, ['a', 'b'])
    world.bar('b', DRAINING)
    trip(world)
    world.remove('a')
    world.catchUp()
    world.add('c')
    assert.equal(isOpen(world, 'c'), false)
    assert.equal(world.pickId(), 'c')
    world.close()
  })
})

test('a breaker that is due is probed also where another priority takes all requests', () => {
  const world = tinyWorld({ a: {}, b: { priority: 1 } }, { policy: 'round-robin', text: { breaker: BREAKER } })
  setClock(world, 1000)
  for (let i = 0; i < 3; i++) request(world, 'error')
  assert.ok(isOpen(world, 'a'))
  for (let i = 0; i < 5; i++) {
    const ticket = world.router.pick()
    assert.equal(world.router.endpoint(ticket).id, 'b')
    world.router.settle(ticket, 'ok', 1)
  }
  setClock(world, 1100)
  const probe = world.router.pick()
  assert.equal(world.router.endpoint(probe).id, 'a')
  assert.equal(world.pickId(), 'b')
  world.router.settle(probe, 'ok', 1)
  assert.equal(world.pickId(), 'a')
  world.close()
})

test('a breaker that is due is not probed while something else speaks against its endpoint', () => {
  const world = tinyWorld({ a: {}, b: {} }, { policy: 'round-robin', panicThreshold: 0, text: { breaker: BREAKER } })
  setClock(world, 1000)
  world.bar('b', DRAINING)
  for (let i = 0; i < 3; i++) request(world, 'error')
  world.bar('b', DRAINING, false)
  setClock(world, 2000)
  for (const bar of [DRAINING, UNHEALTHY, EJECTED]) {
    world.bar('a', bar)
    for (let i = 0; i < 4; i++) assert.equal(world.pickId(), 'b')
    world.bar('a', bar, false)
  }
  world.setWeight('a', 0)
  assert.equal(world.pickId(), 'b')
  world.setWeight('a', 1)
  setClock(world, 2001)
  assert.equal(world.pickId(), 'a')
  world.close()
})
