import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEGRADED, DRAINING, EJECTED, TRIPPED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { Candidates } from '../../engine/memory/candidates.ts'
import { CLOCK_MS_AT } from '../../engine/memory/layout.ts'
import type { ServiceText } from '../../engine/memory/service-text.ts'
import { Tried } from '../../engine/memory/tried.ts'
import { findPolicy } from '../../engine/policies/registry.ts'
import { PICK, Router } from '../../engine/router/router.ts'
import type { TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyWorld, tinyWorld, TinyWorld as World } from '../support/tiny-world.ts'

const TTL_MS = 60_000
const POLICY = { name: 'sticky', ttl: TTL_MS }

const sticky = (endpoints: Record<string, TinyEndpoint>, more: Partial<ServiceText> = {}): TinyWorld => {
  const world = tinyWorld(endpoints, { policy: POLICY, capacity: { affinity: 4096 } })
  world.writer.edit(edit => edit.putService({ name: World.SERVICE, policy: POLICY, panicThreshold: 0.5, ...more }))
  return world
}

/** Where a request of this key goes; it is over at once. */
function send(world: TinyWorld, hash: number, router = world.router, tried?: Tried): string | undefined {
  const ticket = router.pick(hash, tried)
  if (ticket < 0) return undefined
  const { id } = router.endpoint(ticket)
  router.settle(ticket, 'ok', 100)
  return id
}

const KEYS = Array.from({ length: 60 }, (_, i) => i + 1)
const placesOf = (world: TinyWorld): (string | undefined)[] => KEYS.map(key => send(world, key))

test('sticky keeps each session where it was sent first, in every thread', () => {
  const world = sticky({ a: {}, b: {}, c: {} })
  const first = placesOf(world)
  assert.equal(new Set(first).size, 3)
  const elsewhere = world.routerOf(world.another())
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(placesOf(world), first)
    assert.deepEqual(
      KEYS.map(key => send(world, key, elsewhere)),
      first,
    )
  }
  world.close()
})

test('sticky places new sessions where there is most room, by least request', () => {
  const world = sticky({ a: {}, b: {}, c: {} })
  // Nothing is settled: 60 sessions at three equal endpoints are 20 at each.
  const counts = new Map<string, number>()
  for (const key of KEYS) {
    const id = world.pickId(key) as string
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  assert.deepEqual([...counts.values()], [20, 20, 20])
  world.close()
})

test('sticky places new sessions by the policy that is named within', () => {
  const world = tinyWorld({ a: {}, b: {}, c: {} }, { policy: { ...POLICY, within: 'round-robin' } })
  const turns = ['a', 'b', 'c', 'a', 'b', 'c']
  assert.deepEqual(
    KEYS.slice(0, 6).map(key => send(world, key)),
    turns,
  )
  assert.deepEqual(
    KEYS.slice(0, 6).map(key => send(world, key)),
    turns,
    'turns are taken for new sessions alone',
  )
  assert.equal(send(world, 7), 'a')
  world.close()
})

test('sticky places sessions by any policy that needs no key, least request unless another is named', () => {
  const within = findPolicy('sticky')?.options.within
  assert.equal(within?.kind, 'word')
  assert.equal(within.default, 'least-request')
  assert.ok(within.words.includes('round-robin') && within.words.includes('peak-ewma'))
  for (const word of within.words) assert.notEqual(findPolicy(word)?.isKeyed, true, word)
})

test('sticky learns what the policy within learns', () => {
  const world = tinyWorld({ a: {} }, { policy: { ...POLICY, within: 'peak-ewma' } })
  world.router.settle(world.router.pick(1), 'ok', 5000)
  assert.ok(world.candidates(Candidates).peakUs(world.row('a')) > 0)
  world.close()
})

test('an endpoint that joins moves no session', () => {
  const world = sticky({ a: {}, b: {} })
  const first = placesOf(world)
  world.add('c')
  assert.deepEqual(placesOf(world), first)
  world.close()
})

for (const [what, leave, comeBack] of [
  ['is drained', (w: TinyWorld) => w.bar('a', DRAINING), (w: TinyWorld) => w.bar('a', DRAINING, false)],
  ['is ejected', (w: TinyWorld) => w.bar('a', EJECTED), (w: TinyWorld) => w.bar('a', EJECTED, false)],
  ['is given weight 0', (w: TinyWorld) => w.setWeight('a', 0), (w: TinyWorld) => w.setWeight('a', 1)],
  ['is removed', (w: TinyWorld) => w.remove('a'), (w: TinyWorld) => w.add('a')],
] as const) {
  test(`when an endpoint ${what} its sessions alone move, and stay there when it is back`, () => {
    const world = sticky({ a: {}, b: {}, c: {} })
    const first = placesOf(world)
    leave(world)
    const second = placesOf(world)
    for (const [i, id] of first.entries()) {
      if (id === 'a') assert.notEqual(second[i], 'a')
      else assert.equal(second[i], id)
    }
    comeBack(world)
    assert.deepEqual(placesOf(world), second)
    world.close()
  })
}

test('a session goes where there is room while its endpoint is full, and back when that has room', () => {
  const world = sticky({ a: {}, b: {} }, { limits: { requests: 0, connections: 0, retries: 0, endpointRequests: 1 } })
  const { router } = world
  const first = router.pick(1)
  const home = router.endpoint(first).id
  const second = router.pick(1)
  assert.notEqual(router.endpoint(second).id, home)
  assert.equal(router.pick(1), PICK.OVERLOADED)
  for (const ticket of [first, second]) router.settle(ticket, 'ok')
  assert.equal(send(world, 1), home)
  world.close()
})

test('a second try goes elsewhere, and moves the session only when it is said to have gone well', () => {
  const world = sticky({ a: {}, b: {}, c: {} })
  const { router } = world
  const home = send(world, 1)
  const tried = new Tried()
  tried.add(world.row(home as string))
  const ticket = router.pick(1, tried)
  const { id } = router.endpoint(ticket)
  assert.notEqual(id, home)
  router.settle(ticket, 'error')
  assert.equal(send(world, 1), home, 'it has failed there too')
  const again = router.pick(1, tried)
  const { id: other } = router.endpoint(again)
  router.keep(1, again)
  router.settle(again, 'ok')
  assert.equal(send(world, 1), other)
  world.close()
})

test('keep() does nothing for a request without a key, for what is no ticket, and for other policies', () => {
  const world = sticky({ a: {}, b: {} })
  world.router.keep(0, world.router.pick())
  for (const ticket of [-1, 0, 7]) world.router.keep(1, ticket)
  assert.equal(world.candidates(Candidates).affinity.count(), 0)
  const plain = tinyWorld({ a: {} }, { policy: 'rendezvous' })
  plain.router.keep(1, plain.router.pick(1))
  assert.equal(plain.candidates(Candidates).affinity.count(), 0)
  world.close()
  plain.close()
})

test('a request without a key is just balanced, and not remembered', () => {
  const world = sticky({ a: {}, b: {} })
  const seen = new Set(Array.from({ length: 100 }, () => send(world, 0)))
  assert.equal(seen.size, 2)
  assert.equal(world.candidates(Candidates).affinity.count(), 0)
  world.close()
})

test('requests without a key are spread over priorities by their loads', () => {
  // One of two is left in priority 0, which counts for 70 in 100; 30 go to priority 1. Five standard deviations of 2,000.
  const world = sticky({ a: {}, b: {}, spare: { priority: 1 } })
  world.bar('b', UNHEALTHY)
  const spare = Array.from({ length: 2000 }, () => send(world, 0)).filter(id => id === 'spare').length
  assert.ok(Math.abs(spare - 600) <= 5 * Math.sqrt(2000 * 0.3 * 0.7), `${spare} of 2000`)
  world.close()
})

test('a session whose endpoint is open stays there when load moves to another priority, and when it comes back', () => {
  const world = sticky({ a: {}, b: {}, spare: { priority: 1 } })
  const first = placesOf(world)
  world.bar('b', UNHEALTHY)
  const second = placesOf(world)
  for (const [i, id] of first.entries()) if (id === 'a') assert.equal(second[i], 'a')
  assert.ok(second.includes('spare'), 'some sessions of b went to the other priority')
  world.bar('b', UNHEALTHY, false)
  assert.deepEqual(placesOf(world), second, 'and stay there')
  world.close()
})

test('a session stays at an endpoint that is degraded, and that is in another zone', () => {
  const locality = { mode: 'zone-aware', zone: 'z1', minEndpoints: 1 } as const
  const world = sticky({ a: { zone: 'z1' }, b: { zone: 'z2' }, c: { zone: 'z2' } }, { locality })
  const first = placesOf(world)
  assert.equal(new Set(first).size, 3)
  assert.deepEqual(placesOf(world), first)
  world.bar('a', DEGRADED)
  assert.deepEqual(placesOf(world), first)
  world.close()
})

test('in panic a session stays at its soft-barred endpoint', () => {
  const world = sticky({ a: {}, b: {}, c: {}, d: {} })
  const first = placesOf(world)
  for (const id of ['a', 'b', 'c']) world.bar(id, EJECTED)
  assert.deepEqual(placesOf(world), first)
  world.close()
})

test('a session is moved by an open breaker, and stays where it moved to', () => {
  const world = sticky({ a: {}, b: {} })
  assert.ok(placesOf(world).includes('a'))
  world.bar('a', TRIPPED)
  const moved = placesOf(world)
  assert.deepEqual(new Set(moved), new Set(['b']))
  world.bar('a', TRIPPED, false)
  assert.deepEqual(placesOf(world), moved)
  world.close()
})

test('routers of different subsets keep a session each, whatever order the subset is written in', () => {
  const metadata = (version: string) => ({ metadata: { version, tier: 'web' } })
  const world = sticky({ a: metadata('1'), b: metadata('2'), c: metadata('2') })
  const all = placesOf(world)
  const second = new Router(world.attachment, World.SERVICE, { subset: { version: '2', tier: 'web' } })
  const inSecond = KEYS.map(key => send(world, key, second))
  assert.deepEqual([...new Set(inSecond)].sort(), ['b', 'c'])
  const same = new Router(world.another(), World.SERVICE, { subset: { tier: 'web', version: '2' } })
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(placesOf(world), all)
    for (const router of [second, same]) {
      assert.deepEqual(
        KEYS.map(key => send(world, key, router)),
        inSecond,
      )
    }
  }
  world.close()
})

test('a session is forgotten when it was not used for ttl', () => {
  const world = tinyWorld({ a: {}, b: {} }, { policy: { ...POLICY, within: 'round-robin' } })
  assert.equal(send(world, 1), 'a')
  world.region.words[CLOCK_MS_AT] += TTL_MS - 1
  assert.equal(send(world, 1), 'a')
  world.region.words[CLOCK_MS_AT] += TTL_MS
  assert.equal(send(world, 1), 'b', 'the next turn')
  world.close()
})
