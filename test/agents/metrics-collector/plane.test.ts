import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestControlPlane } from '../../../agents/index.ts'
import { bucketOf, topOf } from '../../../agents/kit/run/latency-buckets.ts'
import type { Metrics } from '../../../agents/signals.ts'
import { adminWorld, TWO_SERVICES } from '../../admin/admin-world.ts'

test('what the router was told is in the report of the metrics collector and, as quantiles, in /metrics (AG-11)', async t => {
  const plane = createTestControlPlane()
  const { box, ask } = await adminWorld(t, {}, TWO_SERVICES, { control: plane })
  const told = async (): Promise<string[]> =>
    (await ask('/metrics')).text.split('\n').filter(line => line.startsWith('signalbox_service_latency_seconds'))
  const router = box.router('api')
  const requests = 600
  for (let i = 0; i < requests; i++) {
    // One in twenty takes 250 ms, one in a hundred of all fails.
    const latencyUs = i % 20 === 0 ? 250_000 : 4_000
    router.settle(router.pick(), i % 100 === 99 ? 'error' : 'ok', latencyUs)
    await plane.advance(5)
  }
  assert.deepEqual(await told(), [], 'nothing before it was told')
  await plane.advance(7_000)
  const { services, endpoints } = (box.control!.report!('metrics-collector') as { localState: Metrics }).localState
  assert.deepEqual(
    services.map(({ service, last60s }) => [service, last60s.requests, last60s.errorShare]),
    [['api', requests, 0.01]],
  )
  assert.equal(
    endpoints.reduce((sum, { last60s }) => sum + last60s.requests, 0),
    requests,
  )
  // The share of slow ones is 30 of 594, more than 5 %.
  const [fast, slow] = [4_000, 250_000].map(us => topOf(bucketOf(us)) / 1e6)
  const line = (quantile: string, s: number) =>
    `signalbox_service_latency_seconds{service="api",quantile="${quantile}"} ${s}`
  assert.deepEqual(await told(), [line('0.5', fast!), line('0.95', slow!), line('0.99', slow!)])
  const { json } = await ask('/api/v1/agents/metrics-collector')
  assert.equal(json.report.localState.services[0].last60s.requests, requests)
  await plane.advance(65_000)
  assert.deepEqual(await told(), [], 'and nothing when the minute is over')
})

test('while the metrics collector does not run, /metrics has no quantiles: old ones would pass for those of now', async t => {
  const plane = createTestControlPlane()
  const { box, ask } = await adminWorld(t, {}, TWO_SERVICES, { control: plane })
  const has = async (): Promise<boolean> => (await ask('/metrics')).text.includes('signalbox_service_latency_seconds')
  const router = box.router('api')
  for (let i = 0; i < 10; i++) router.settle(router.pick(), 'ok', 1_000)
  await plane.advance(7_000)
  assert.equal(await has(), true)
  await box.control!.kill('metrics-collector')
  assert.notEqual(box.control!.status().find(({ name }) => name === 'metrics-collector')!.state, 'running')
  assert.equal(await has(), false)
})
