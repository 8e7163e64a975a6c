import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointView, ServiceView } from '../../../agents/kit/tables.ts'
import { planAllocation } from '../../../agents/resource-manager/allocation.ts'
import { type Allocation, loadForecasted } from '../../../agents/signals.ts'
import { UNHEALTHY } from '../../../engine/writer.ts'
import { managed } from './managed.ts'

type Given = Partial<EndpointView>

function service(endpoints: Record<string, Given>): ServiceView {
  const rows = Object.entries(endpoints).map(([id, given]) => ({ id, bars: 0, weight: 1, capacity: 10, ...given }))
  return { name: 'api', endpoints: rows } as unknown as ServiceView
}

const shares = ({ endpoints }: Allocation): Record<string, number> =>
  Object.fromEntries(endpoints.map(({ id, requests }) => [id, requests]))

test('planAllocation() fills the cheapest to four fifths first, equals in proportion to what fits, and tells what fits nowhere (AC-37)', () => {
  const world = service({ a: { cost: 1 }, b: { cost: 3 }, c: { cost: 2, capacity: 20 } })
  // a and c cost 0.1 for a request at a time, b 0.3: 8 and 16 fit into the first two.
  assert.deepEqual(shares(planAllocation(world, 12, 100)), { a: 4, b: 0, c: 8 })
  assert.deepEqual(shares(planAllocation(world, 28, 100)), { a: 8, b: 4, c: 16 })
  const { shortage, costPerHour, isWithinGoal } = planAllocation(world, 40, 2)
  assert.equal(shortage, 8)
  assert.ok(Math.abs(costPerHour - (8 * 0.1 + 16 * 0.1 + 8 * 0.3)) < 1e-9)
  assert.equal(isWithinGoal, false)
  assert.equal(planAllocation(world, 0, 2).isWithinGoal, true)
})

test('planAllocation() gives nothing to who may not be picked, and needs no costs', () => {
  const world = service({ a: { bars: UNHEALTHY }, b: { weight: 0 }, c: {}, d: {} })
  assert.deepEqual(shares(planAllocation(world, 6, 100)), { c: 3, d: 3 })
  assert.equal(planAllocation(service({}), 5, 100).shortage, 5)
})

test('the resource manager plans by what is in flight when it is asked (AC-37)', async t => {
  const endpoints = [
    { id: 'a', url: 'http://127.0.0.1:1', cost: 1, capacity: 10 },
    { id: 'b', url: 'http://127.0.0.1:2', cost: 3, capacity: 10 },
  ]
  const world = await managed(t, { api: { policy: 'round-robin', endpoints } })
  for (let i = 0; i < 10; i++) world.router.pick()
  const asking = world.plane.control.ask!(
    { type: 'signalbox.service.allocate', data: { service: 'api', by: 'test' } },
    { timeoutMs: 500 },
  )
  await world.plane.advance(50)
  const { data } = await asking
  const [plan] = (data as { services: Allocation[] }).services
  assert.deepEqual(shares(plan!), { a: 8, b: 2 })
  assert.equal(plan!.isWithinGoal, true)
})

test('a plan is for the load that is forecast furthest ahead, in whichever order forecasts are told', async t => {
  const world = await managed(t, { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } })
  const forecast = { service: 'api', perSecond: 100, expected: 100, confidence: 1 }
  const services = [
    { ...forecast, horizonMs: 300_000, p95: 200 },
    { ...forecast, horizonMs: 60_000, p95: 120 },
  ]
  world.plane.hear(loadForecasted.of({ services }))
  await world.advance(0.01)
  assert.equal(world.state().forecasts.get('api')!.p95, 200)
})
