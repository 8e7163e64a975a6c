import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ISOLATED, TRIPPED, UNHEALTHY } from '../../engine/memory/bars.ts'
import { HEALTH_DEGRADED } from '../../engine/memory/endpoint-table.ts'
import { CLOCK_MS_AT } from '../../engine/memory/layout.ts'
import type { ServiceText } from '../../engine/memory/service-text.ts'
import { reportService } from '../../engine/router/report.ts'
import { reportText } from '../../engine/router/report-text.ts'
import type { TinyEndpoint } from '../support/tiny-endpoint.ts'
import { type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

const BREAKER = {
  consecutiveFailures: 1,
  errorRate: 0,
  errorRateVolume: 1,
  windowMs: 1000,
  openForMs: 500,
  maxOpenForMs: 500,
  probes: 1,
}

function world(endpoints: Record<string, TinyEndpoint>, text: Partial<ServiceText> = {}): TinyWorld {
  return tinyWorld(endpoints, { policy: 'round-robin', text })
}

function whyOf(of: TinyWorld, id: string): string {
  const found = reportService(of.attachment, 'api').endpoints.find(endpoint => endpoint.id === id)
  assert.ok(found)
  // What the sentence says and what a pick does are the same.
  assert.equal(found.isPickable, found.why.startsWith('picked'), found.why)
  assert.equal(found.effectiveWeight > 0, found.isPickable)
  return found.why
}

describe('explain', () => {
  test('says that a lower priority waits, and what share it gets when it does not', () => {
    const it = world({ a: {}, b: {}, c: { priority: 1 } })
    assert.equal(whyOf(it, 'a'), 'picked with weight 1')
    assert.equal(whyOf(it, 'c'), 'not picked: priority 1 waits until those before it have too few')
    it.bar('a', UNHEALTHY)
    assert.equal(whyOf(it, 'b'), 'picked with weight 1; 70 % of the requests go to priority 0')
    assert.equal(whyOf(it, 'c'), 'picked with weight 1; 30 % of the requests go to priority 1')
    it.close()
  })

  test('says of one in quarantine that it is isolated, in panic too', () => {
    const it = world({ a: {}, b: {}, c: {} })
    it.bar('a', ISOLATED | UNHEALTHY)
    assert.equal(whyOf(it, 'a'), 'not picked: isolated and unhealthy')
    for (const id of ['b', 'c']) it.bar(id, UNHEALTHY)
    assert.equal(whyOf(it, 'a'), 'not picked: isolated')
    assert.match(whyOf(it, 'b'), /^picked .* panic mode ignores health$/)
    it.close()
  })

  test('says that a degraded one comes second', () => {
    const it = world({ a: {}, b: {}, c: {}, d: {} })
    it.endpoints.setHealth(it.row('a'), HEALTH_DEGRADED)
    assert.equal(whyOf(it, 'a'), 'not picked: degraded, and the healthy ones suffice')
    it.bar('b', UNHEALTHY)
    // 2 of 4 × 1.4 = 70 % to the healthy; 1 of 4 × 1.4 = 35 % would take the degraded, 30 are left.
    assert.equal(whyOf(it, 'a'), 'picked with weight 1; 30 % of the requests go to the degraded of priority 0')
    it.close()
  })

  test('says how long a breaker stays open, that it lets a probe through, and that it is full', () => {
    const limits = { requests: 0, connections: 0, retries: 0, endpointRequests: 2 }
    const it = world({ a: {}, b: {} }, { breaker: BREAKER, limits })
    it.region.words[CLOCK_MS_AT] = 1000
    const ticket = it.router.pick()
    it.router.settle(ticket, 'error', 1)
    assert.equal(whyOf(it, 'a'), 'not picked: its breaker is open for another 500 ms')
    it.region.words[CLOCK_MS_AT] = 1500
    assert.equal(whyOf(it, 'a'), 'picked for one probe at a time: its breaker is open')
    it.bar('a', TRIPPED, false)
    for (let i = 0; i < 4; i++) it.router.pick()
    assert.equal(whyOf(it, 'b'), 'not picked: it has 2 in flight and may have 2')
    it.close()
  })

  test('says that a service in panic is to fail', () => {
    const it = world({ a: {}, b: {}, c: {} }, { failOnPanic: true })
    for (const id of ['a', 'b']) it.bar(id, UNHEALTHY)
    assert.equal(whyOf(it, 'c'), 'not picked: too few endpoints are left, and the service is to fail then')
    assert.ok(it.router.pick() < 0)
    it.close()
  })

  test('tells loads by priority as picks have them', () => {
    const it = world({ a: {}, b: {}, c: { priority: 2 } })
    it.bar('a', UNHEALTHY)
    const { priorities } = reportService(it.attachment, 'api')
    const zero = { degraded: 0, degradedLoad: 0, hasPanic: false }
    assert.deepEqual(priorities, [
      { priority: 0, endpoints: 2, healthy: 1, healthyLoad: 70, ...zero },
      { priority: 2, endpoints: 1, healthy: 1, healthyLoad: 30, ...zero },
    ])
    it.close()
  })
})

test('reportText() is the same for people, a line for each endpoint', () => {
  const it = world({ alpha: { weight: 2 }, b: {} })
  it.bar('b', UNHEALTHY)
  it.router.pick()
  it.endpoints.setLatencyUs(it.row('alpha'), 1234)
  it.services.setShedFrom(it.service, 3)
  assert.equal(
    reportText(reportService(it.attachment, 'api')),
    [
      'api: round-robin over 2 endpoints, 1 in flight',
      '  sheddable requests and cheaper ones are turned away',
      '  priority 0: 1 of 2 healthy, 100 % of the requests',
      '  alpha   weight 2   1 in flight   1.2 ms   picked with weight 2',
      '  b       weight 0   0 in flight            not picked: unhealthy',
    ].join('\n'),
  )
  it.close()
})
