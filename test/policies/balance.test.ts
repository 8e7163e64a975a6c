import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DRAINING } from '../../engine/memory/bars.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { GAUGE_INFLIGHT, Gauges } from '../../engine/memory/gauges.ts'
import { avalanche } from '../../engine/memory/hash-key.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { POLICIES } from '../../engine/policies/registry.ts'
import type { TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

/** Every policy that has a balance, each in a small table where it has one. */
const POLICY: Record<string, Record<string, number>> = {
  maglev: { size: 1009 },
  'ring-hash': { minimum: 256 },
  rendezvous: {},
}

/** So many requests in flight on an endpoint, as if picked by this thread. */
function hold(world: TinyWorld, id: string, requests: number): void {
  const gauges = new Gauges(world.region, world.attachment.seat, world.service)
  for (let i = 0; i < requests; i++) {
    world.attachment.tally.enter(world.row(id))
    gauges.enter(GAUGE_INFLIGHT)
  }
}

const worldOf = (name: string, endpoints: Record<string, TinyEndpoint>, balance: number): TinyWorld =>
  tinyWorld(endpoints, { policy: { name, balance, ...POLICY[name] }, panicThreshold: 0 })

const key = (i: number): number => avalanche(i) >>> 0

test('every policy with a balance is tested here', () => {
  const names = POLICIES.filter(policy => 'balance' in policy.options).map(policy => policy.name)
  assert.deepEqual(names.sort(), Object.keys(POLICY).sort())
})

describe('slots are max(1, ⌈⌊((in flight + 1) × balance + 99) ÷ 100⌋ × share⌉)', () => {
  const cases: { balance: number; inflight: number; weights: number[]; slots: number[]; why: string }[] = [
    {
      balance: 125,
      inflight: 39,
      weights: [1, 1, 1, 1],
      slots: [13, 13, 13, 13],
      why: '⌊5099 ÷ 100⌋ = 50, ÷ 4 = 12.5',
    },
    { balance: 100, inflight: 3, weights: [1, 1, 1, 1], slots: [1, 1, 1, 1], why: '⌊499 ÷ 100⌋ = 4, ÷ 4 = 1' },
    {
      balance: 100,
      inflight: 0,
      weights: [1, 1, 1, 1],
      slots: [1, 1, 1, 1],
      why: '⌊199 ÷ 100⌋ = 1, ÷ 4: one at least',
    },
    { balance: 120, inflight: 0, weights: [1, 1], slots: [1, 1], why: '⌊219 ÷ 100⌋ = 2, ÷ 2 = 1' },
    { balance: 150, inflight: 9, weights: [1, 3], slots: [4, 12], why: '⌊1599 ÷ 100⌋ = 15: 3.75 and 11.25' },
    { balance: 200, inflight: 99, weights: [0.5, 1, 2.5], slots: [25, 50, 125], why: '⌊20099 ÷ 100⌋ = 200' },
  ]
  for (const { balance, inflight, weights, slots, why } of cases) {
    test(`balance ${balance}, ${inflight} in flight, weights ${weights}: ${why}`, () => {
      const world = tinyWorld(Object.fromEntries(weights.map((weight, i) => [`e${i}`, { weight }])))
      hold(world, 'e0', inflight)
      const candidates = world.candidates(Candidates)
      assert.deepEqual(
        world.rows().map(row => candidates.slotsOf(row, balance)),
        slots,
      )
      world.close()
    })
  }

  test('shares are those of the open ones, from the moment a bar is set', () => {
    const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} })
    hold(world, 'a', 39)
    const candidates = world.candidates(Candidates)
    assert.equal(candidates.slotsOf(world.row('b'), 125), 13)
    world.bar('d', DRAINING)
    // 50 ÷ 3 = 16.7
    assert.equal(candidates.slotsOf(world.row('b'), 125), 17)
    world.bar('d', DRAINING, false)
    assert.equal(candidates.slotsOf(world.row('b'), 125), 13)
    world.endpoints.setWeight(world.row('d'), 2)
    // 50 × 1 ÷ 5 = 10
    assert.equal(candidates.slotsOf(world.row('b'), 125), 10)
    world.close()
  })

  test('shares are those within the window a pick is aimed at', () => {
    const world = tinyWorld({ a: {}, b: {}, c: {}, d: {} })
    hold(world, 'a', 39)
    const candidates = world.candidates(Candidates)
    const list = Int32Array.from(world.rows())
    for (const [start, count, slots] of [
      [0, 4, 13],
      [0, 2, 25],
      [2, 2, 25],
      [1, 1, 50],
      [0, 4, 13],
    ]) {
      candidates.bind(start, count, list)
      assert.equal(candidates.slotsOf(list[start], 125), slots, `${count} from ${start}`)
    }
    world.close()
  })
})

for (const name of Object.keys(POLICY)) {
  describe(`${name} with a balance`, () => {
    const endpoints = { a: {}, b: {}, c: {}, d: {} }

    test('sends a key on when its endpoint is full, to the same other one each time, and back when it is not', () => {
      for (let i = 0; i < 20; i++) {
        const world = worldOf(name, endpoints, 125)
        const pick = (): string => {
          const ticket = world.router.pick(key(i))
          const { id } = world.router.endpoint(ticket)
          world.router.settle(ticket, 'ok')
          return id
        }
        const home = pick()
        // ⌊(21 × 125 + 99) ÷ 100⌋ = 27, a quarter is 7: twenty are too many.
        const tickets = Array.from({ length: 20 }, () => world.attachment.tally.enter(world.row(home)))
        const gauges = new Gauges(world.region, world.attachment.seat, world.service)
        for (const _ of tickets) gauges.enter(GAUGE_INFLIGHT)
        const others = new Set(Array.from({ length: 5 }, pick))
        assert.equal(others.size, 1)
        assert.ok(!others.has(home))
        for (const ticket of tickets) world.router.settle(ticket, 'ok')
        assert.equal(pick(), home)
        world.close()
      }
    })

    test('spreads the keys of a full endpoint over all others', () => {
      const world = worldOf(name, endpoints, 125)
      hold(world, 'a', 400)
      const seen = new Map<string, number>()
      for (let i = 0; i < 3000; i++) {
        const ticket = world.router.pick(key(i))
        const { id } = world.router.endpoint(ticket)
        seen.set(id, (seen.get(id) ?? 0) + 1)
        world.router.settle(ticket, 'ok')
      }
      assert.deepEqual([...seen.keys()].sort(), ['b', 'c', 'd'])
      // A third each, within what a ring of 256 points and 3,000 keys vary by: never below half of that.
      for (const count of seen.values()) assert.ok(count > 500, `${[...seen]}`)
      world.close()
    })

    test('never gives an endpoint more than its slots, whatever keys come and requests settle', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 100, max: 200 }),
          fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 8 }),
          fc.array(fc.tuple(fc.nat(5), fc.nat(3)), { minLength: 1, maxLength: 200 }),
          (balance, weights, steps) => {
            const world = worldOf(name, Object.fromEntries(weights.map((weight, i) => [`e${i}`, { weight }])), balance)
            const candidates = world.candidates(Candidates)
            const held: number[] = []
            for (const [hot, settled] of steps) {
              const slots = new Map(world.rows().map(row => [row, candidates.slotsOf(row, balance)]))
              // Six keys in all: most requests want the same endpoint.
              const ticket = world.router.pick(key(hot))
              const { row } = world.router.endpoint(ticket)
              assert.ok(candidates.inflight(row) <= slots.get(row)!, `${candidates.inflight(row)} of ${slots.get(row)}`)
              held.push(ticket)
              if (settled === 0) world.router.settle(held.shift()!, 'ok')
            }
            world.close()
          },
        ),
        { numRuns: 60 },
      )
    })

    test('counts the request itself once, in a service with limits as in one without', () => {
      for (const limits of [undefined, { requests: 1000, connections: 0, retries: 0, endpointRequests: 0 }]) {
        const world = worldOf(name, { a: {}, b: {} }, 100)
        const policy = { name, balance: 100, ...POLICY[name] }
        world.writer.edit(edit => edit.putService({ name: 'api', policy, panicThreshold: 0, limits }))
        // One in flight and one that comes: ⌊299 ÷ 100⌋ = 2 and one slot each. Counted twice it would be 3, and two slots.
        const ids = [world.pickId(key(1)), world.pickId(key(1))]
        assert.deepEqual(ids.sort(), ['a', 'b'], limits === undefined ? 'without limits' : 'with limits')
        world.close()
      }
    })

    test('without a balance the same key would have drowned its endpoint: the test has eyes', () => {
      const world = worldOf(name, endpoints, 0)
      const rows = new Set(Array.from({ length: 100 }, () => world.router.endpoint(world.router.pick(key(1))).row))
      assert.equal(rows.size, 1)
      world.close()
    })

    test('takes the emptiest by its slots when all that may be tried are full', () => {
      const world = worldOf(name, { a: { weight: 2 }, b: {}, c: {} }, 100)
      // 31 + 1 = 32: a has 16 slots, b and c 8 each. c was tried; 19 ÷ 16 = 1.19 is fuller than 9 ÷ 8 = 1.13.
      hold(world, 'a', 19)
      hold(world, 'b', 9)
      hold(world, 'c', 3)
      const tried = new Tried()
      tried.add(world.row('c'))
      for (let i = 0; i < 20; i++) {
        const ticket = world.router.pick(key(i), tried)
        assert.equal(world.router.endpoint(ticket).id, 'b')
        world.router.settle(ticket, 'ok')
      }
      world.close()
    })

    test('counts what other threads have in flight, too', () => {
      const world = worldOf(name, endpoints, 125)
      const other = world.routerOf(world.another())
      const home = other.endpoint(other.pick(key(7))).id
      for (let i = 0; i < 20; i++) other.pick(key(7))
      // The other thread's picks went on when the endpoint was full; this one's do at once.
      const here = world.router.endpoint(world.router.pick(key(7))).id
      const candidates = world.candidates(Candidates)
      assert.ok(candidates.inflight(world.row(home)) <= candidates.slotsOf(world.row(home), 125))
      assert.notEqual(here, home)
      world.close()
    })
  })
}
