import assert from 'node:assert/strict'
import { test } from 'node:test'
import { breakerRequested, policyRequested, type RouteGiven, routeRequested } from '../../../agents/signals.ts'
import { createSignalbox, hashKey } from '../../../engine/index.ts'
import { balanced } from './world.ts'

interface Taken {
  readonly policy: string
  readonly before: string
  readonly refused: string
}

const wish = (policy: string) => policyRequested.of({ service: 'api', policy, by: 'test' })

test('a service is picked by another policy from the pick after it was wished, until the config’s is wished again (AC-17)', async t => {
  const world = await balanced(t, ['a', 'b'], {
    policy: 'round-robin',
    endpoints: [
      { id: 'a', url: 'http://127.0.0.1:1' },
      { id: 'b', url: 'http://127.0.0.1:2', weight: 3 },
    ],
  })
  const router = world.box.router('api')
  const shareOfB = (): number => {
    let b = 0
    for (let i = 0; i < 40; i++) {
      const ticket = router.pick()
      if (router.endpoint(ticket).id === 'b') b++
      router.settle(ticket, 'ok', 100)
    }
    return b
  }
  assert.equal(shareOfB(), 20)
  const asked = async (policy: string): Promise<Taken> => {
    const answer = world.ask<Taken>(wish(policy))
    await world.plane.advance(10)
    return answer
  }
  const taken = await asked('wrr')
  assert.deepEqual([taken.before, taken.refused], ['round-robin', ''])
  assert.equal(shareOfB(), 30)
  assert.equal(world.box.explain('api').policy, 'weighted-round-robin')
  assert.equal(world.box.explain('api').policyConfigured, 'round-robin')
  await world.plane.control.kill('load-balancer')
  await world.plane.advance(2_000)
  assert.equal(shareOfB(), 30, 'what was wished outlives who carried it out')
  assert.match((await asked('leest-request')).refused, /is not a policy/)
  assert.match((await asked('maglev')).refused, /reads a table/)
  assert.equal(shareOfB(), 30, 'what is refused changes nothing')
  assert.equal((await asked('')).policy, 'round-robin')
  assert.equal(shareOfB(), 20)
})

test('keys leave their endpoints only where that is wished expressly (AC-17)', async t => {
  const world = await balanced(t, ['a', 'b', 'c'], { policy: 'rendezvous' })
  const router = world.box.router('api')
  const key = hashKey('k')
  const ids = (): number => new Set(Array.from({ length: 6 }, () => router.endpoint(router.pick(key)).id)).size
  const first = world.ask<Taken>(wish('round-robin'))
  await world.plane.advance(10)
  assert.match((await first).refused, /keys would leave/)
  assert.equal(ids(), 1)
  const second = world.ask<Taken>(wish('round-robin!'))
  await world.plane.advance(10)
  assert.deepEqual((await second).refused, '')
  assert.equal(ids(), 3)
})

test('who asks where a request would go is told what the next pick answers, and why, and nothing is picked (AC-16)', async t => {
  const world = await balanced(t, ['a', 'b', 'c'], { policy: 'round-robin', breaker: {} })
  const router = world.box.router('api')
  const routed = async (more: object = {}): Promise<RouteGiven> => {
    const answer = world.ask<RouteGiven>(
      routeRequested.of({ service: 'api', hash: 0, requestClass: 'critical', ...more }),
    )
    await world.plane.advance(10)
    return answer
  }
  for (let i = 0; i < 7; i++) {
    const given = await routed()
    assert.equal(given.outcome, 'route_to')
    assert.equal(given.algorithm, 'round-robin')
    const ticket = router.pick()
    assert.equal(given.routeTo, router.endpoint(ticket).id)
    assert.deepEqual(given.weights[0], { id: given.routeTo, weight: 1, why: given.reason })
    router.settle(ticket, 'ok', 100)
  }
  assert.equal(
    world.box.explain('api').endpoints.reduce((sum, each) => sum + each.totals.picked, 0),
    7,
  )
  assert.equal(world.state.routings.length, 7)
  assert.equal((await routed({ service: 'none' })).reason, 'unknown_service')

  for (const id of ['a', 'b', 'c']) await world.box.service('api').drain(id)
  assert.deepEqual([(await routed()).outcome, (await routed()).reason], ['no_available_nodes', 'all_nodes_unavailable'])
})

test('when what is left has open breakers, that is the answer, with who they are and when the first lets a probe through (AC-16, D6)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin', breaker: { openFor: '4s' } })
  const router = world.box.router('api')
  for (let i = 0; i < 10; i++) router.settle(router.pick(), 'error', 100)
  assert.equal(router.pick(), -3)
  const answer = world.ask<RouteGiven>(routeRequested.of({ service: 'api', hash: 0, requestClass: 'critical' }))
  await world.plane.advance(10)
  const { outcome, failedNodes, retryAfterMs } = await answer
  assert.equal(outcome, 'circuit_breaker_open')
  assert.deepEqual(failedNodes, ['a', 'b'])
  assert.ok(retryAfterMs > 3_900 && retryAfterMs <= 4_000)
})

test('the last thousand decisions that were asked for are kept, and no more (D9)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin' })
  const question = routeRequested.of({ service: 'api', hash: 0, requestClass: 'critical' })
  for (let i = 0; i < 1_100; i++) {
    world.plane.hear(question)
    if (i % 100 === 0) await world.plane.advance(1)
  }
  await world.plane.advance(10)
  assert.equal(world.state.routings.length, 1_000)
})

test('a breaker is opened and closed by hand, goes on by itself, and is refused where too many are out (AC-22)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin', breaker: { openFor: '3s' } })
  const worked = async (id: string, wished: 'open' | 'close'): Promise<{ isOpen: boolean; refused: string }> => {
    const answer = world.ask<{ isOpen: boolean; refused: string }>(
      breakerRequested.of({ service: 'api', id, wish: wished, by: 'test' }),
    )
    await world.plane.advance(10)
    return answer
  }
  const open = (): string[] =>
    world.box.explain('api').endpoints.flatMap(({ id, bars }) => (bars.includes('tripped') ? [id] : []))
  assert.deepEqual(await worked('a', 'open'), { service: 'api', id: 'a', isOpen: true, refused: '' })
  assert.deepEqual(open(), ['a'])
  assert.match((await worked('b', 'open')).refused, /too many are out/)
  assert.deepEqual(open(), ['a'])
  assert.deepEqual((await worked('a', 'close')).isOpen, false)
  assert.deepEqual(open(), [])
  await worked('a', 'open')
  await world.plane.advance(3_100)
  await world.send({ perSecond: 20, forMs: 500 })
  assert.deepEqual(open(), [], 'a probe has passed')
  assert.match((await worked('x', 'open')).refused, /no such endpoint/)
})

test('a breaker of a service that has none in its config is not opened by hand: nothing would close it (AC-22)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin' })
  const answer = world.ask<{ refused: string }>(
    breakerRequested.of({ service: 'api', id: 'a', wish: 'open', by: 'test' }),
  )
  await world.plane.advance(10)
  assert.match((await answer).refused, /no breaker in its config/)
  assert.equal(world.box.explain('api').endpoints[0]!.isPickable, true)
})

test('a box with a load balancer of its own answers as well, outside of virtual time', async t => {
  const { agents } = await import('../../../agents/index.ts')
  const endpoints = [{ id: 'a', url: 'http://127.0.0.1:1' }]
  const box = await createSignalbox({ services: { api: { endpoints } } }, { control: agents })
  t.after(() => box.close())
  const question = routeRequested.of({ service: 'api', hash: 0, requestClass: 'critical' })
  const { data } = await box.control!.ask!(question, { timeoutMs: 20_000 })
  assert.equal((data as RouteGiven).routeTo, 'a')
})
