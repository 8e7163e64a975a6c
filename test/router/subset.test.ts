import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { UNHEALTHY } from '../../engine/memory/bars.ts'
import type { Endpoint } from '../../engine/router/endpoint.ts'
import { PICK, Router } from '../../engine/router/router.ts'
import { subsettingOf } from '../../engine/router/subset.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const ENDPOINTS = {
  a: { metadata: { version: 'v1', stage: 'prod' } },
  b: { metadata: { version: 'v2', stage: 'prod' } },
  c: { metadata: { version: 'v2', stage: 'test' } },
}

function ids(router: Router, picks = 60): Set<string> {
  const seen = new Set<string>()
  for (let i = 0; i < picks; i++) {
    const ticket = router.pick(i)
    if (ticket < 0) continue
    seen.add(router.endpoint(ticket).id)
    router.settle(ticket, 'ok', 1)
  }
  return seen
}

const routerOf = (world: TinyWorld, subset: Record<string, string>, fallback: 'none' | 'any' = 'none'): Router =>
  new Router(world.attachment, 'api', { subset, fallback })

describe('a router with a subset', () => {
  test('keeps to the endpoints that have all of the metadata', () => {
    const world = tinyWorld(ENDPOINTS)
    assert.deepEqual(ids(routerOf(world, { version: 'v2' })), new Set(['b', 'c']))
    assert.deepEqual(ids(routerOf(world, { version: 'v2', stage: 'test' })), new Set(['c']))
    assert.deepEqual(ids(routerOf(world, {})), new Set(['a', 'b', 'c']))
    world.close()
  })

  test('follows endpoints that come and go', () => {
    const world = tinyWorld(ENDPOINTS)
    const router = routerOf(world, { version: 'v1' })
    world.add('d', { metadata: { version: 'v1' } })
    assert.deepEqual(ids(router), new Set(['a', 'd']))
    world.remove('a')
    assert.deepEqual(ids(router), new Set(['d']))
    world.close()
  })

  test('answers NO_ENDPOINT where none has it, or takes any where it is told to', () => {
    const world = tinyWorld(ENDPOINTS)
    assert.equal(routerOf(world, { version: 'v3' }).pick(), PICK.NO_ENDPOINT)
    assert.equal(routerOf(world, { toString: 'x' }).pick(), PICK.NO_ENDPOINT)
    assert.deepEqual(ids(routerOf(world, { version: 'v3' }, 'any')), new Set(['a', 'b', 'c']))
    world.close()
  })

  test('does not fall back because those that have it are ill: within the subset panic decides', () => {
    const world = tinyWorld(ENDPOINTS)
    const router = routerOf(world, { version: 'v2' }, 'any')
    for (const id of ['b', 'c']) world.bar(id, UNHEALTHY)
    assert.deepEqual(ids(router), new Set(['b', 'c']))
    world.close()
  })
})

describe('subsetting', () => {
  const endpointOf = (row: number): Endpoint => ({ id: `e${row}`, url: '', zone: '', metadata: {}, row })
  const take = (rows: number[], node: string, size = 5): number[] => subsettingOf(rows, endpointOf, { size, node })
  const many = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

  test('a node always takes the same endpoints, in their order, and not more than it may', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.string(),
        (count, size, node) => {
          const taken = take(many(count), node, size)
          assert.equal(taken.length, Math.min(count, size))
          assert.deepEqual(taken, take(many(count), node, size))
          assert.deepEqual(
            taken,
            [...taken].sort((a, b) => a - b),
          )
        },
      ),
    )
  })

  test('an endpoint that leaves is replaced by one other, and no choice else changes', () => {
    for (const node of ['n1', 'n2', 'n3']) {
      const before = take(many(40), node)
      const after = take(
        many(40).filter(row => row !== before[2]),
        node,
      )
      assert.equal(after.filter(row => before.includes(row)).length, 4)
    }
  })

  test('over many nodes every endpoint is taken about as often as every other', () => {
    // 5 of 40 each: 1,000 nodes take each endpoint 125 times, with a deviation of √(1000 × 1/8 × 7/8) = 10.5.
    const times = new Int32Array(40)
    for (let node = 0; node < 1000; node++) for (const row of take(many(40), `node-${node}`)) times[row]++
    for (const count of times) assert.ok(Math.abs(count - 125) <= 5 * 10.5, `${count}`)
  })

  test('a router keeps to the endpoints of its node', () => {
    const endpoints = Object.fromEntries(many(20).map(i => [`e${i}`, {}]))
    const world = tinyWorld(endpoints, { text: { subsetting: { size: 3, node: 'n1' } } })
    const other = tinyWorld(endpoints, { text: { subsetting: { size: 3, node: 'n2' } } })
    const [mine, theirs] = [ids(world.router), ids(other.router)]
    assert.equal(mine.size, 3)
    assert.equal(theirs.size, 3)
    assert.notDeepEqual(mine, theirs)
    world.close()
    other.close()
  })
})
