import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOf, topOf } from '../../../agents/kit/run/latency-buckets.ts'
import { metricsCollector, type State } from '../../../agents/metrics-collector/agent.ts'
import { OpenSlice } from '../../../agents/metrics-collector/slice.ts'
import { metricsOf } from '../../../agents/metrics-collector/windows.ts'
import { latenciesCounted, type Metrics, settledBatch } from '../../../agents/signals.ts'
import { Stage } from '../stage.ts'

const SLICE_MS = 5_000

const stage = (ids: string[] = ['a', 'b']): Stage => new Stage(metricsCollector, {}, ids).start()

const SETTLED = { ok: 0, error: 0, timeout: 0, abandoned: 0, latencyUsSum: 0, latencyUsMax: 0 }

interface Went {
  error?: number
  timeout?: number
  abandoned?: number
  latenciesUs?: number[]
}

/** Requests of an endpoint as the failure detector tells of them; those with a latency went well. */
function settle(world: Stage, id: string, { latenciesUs = [], ...counts }: Went): void {
  const { row, generation } = world.row(id)
  world.hear(settledBatch.of({ rows: [{ ...SETTLED, ...counts, row, generation, ok: latenciesUs.length }] }))
  const rows = latenciesUs.map(us => ({ row, generation, bucket: bucketOf(us), count: 1 }))
  world.hear(latenciesCounted.of({ rows }))
}

const sameLatencies = (requests: number, us: number): Went => ({ latenciesUs: Array(requests).fill(us) })

/** What it told last. */
const told = (world: Stage): Metrics => world.sent.at(-1)!.data as Metrics

/** To the end of the slice under way, and so many more. */
const pass = (world: Stage, slices = 1): Promise<void> => world.advance(slices * SLICE_MS, 100)

test('metrics collector tells every 5 s, also when there is nothing to tell', async () => {
  const world = stage()
  await pass(world, 3)
  assert.deepEqual(world.said, Array(3).fill('metrics.collected'))
  assert.deepEqual(told(world), { services: [], endpoints: [], endpointsLeftOut: 0 })
})

test('metrics collector tells quantiles, rate and share of errors, by endpoint and by service', async () => {
  const world = stage()
  // 1, 2 … 100 ms.
  settle(world, 'a', { latenciesUs: Array.from({ length: 100 }, (_, i) => (i + 1) * 1_000) })
  settle(world, 'b', { error: 20, timeout: 5, abandoned: 25 })
  await pass(world)
  const { services, endpoints, endpointsLeftOut } = told(world)
  const a = {
    requests: 100,
    // In 5 s.
    perSecond: 20,
    errorShare: 0,
    // The 50th, 95th and 99th, each as the top of its bucket.
    latencyUsP50: topOf(bucketOf(50_000)),
    latencyUsP95: topOf(bucketOf(95_000)),
    latencyUsP99: topOf(bucketOf(99_000)),
  }
  for (const [at, us] of [
    [a.latencyUsP50, 50_000],
    [a.latencyUsP95, 95_000],
    [a.latencyUsP99, 99_000],
  ] as const) {
    assert.ok(at >= us && at <= us * 1.125, `${at}`)
  }
  const b = { requests: 50, perSecond: 10, errorShare: 1, latencyUsP50: 0, latencyUsP95: 0, latencyUsP99: 0 }
  // 25 of 125: the abandoned say nothing of an endpoint.
  const api = { ...a, requests: 150, perSecond: 30, errorShare: 0.2 }
  assert.deepEqual(services, [{ service: 'api', last10s: api, last60s: api }])
  const refs = ['a', 'b'].map(id => ({ row: world.row(id).row, generation: world.row(id).generation, id }))
  assert.deepEqual(endpoints, [
    { ...refs[0], service: 'api', last10s: a, last60s: a },
    { ...refs[1], service: 'api', last10s: b, last60s: b },
  ])
  assert.equal(endpointsLeftOut, 0)
})

test('windows slide: what was is gone from the last 10 s after 15 s, and from the last 60 s after 65 s', async () => {
  const world = stage()
  settle(world, 'a', sameLatencies(60, 800_000))
  const requests = (): [number, number] => {
    const [api] = told(world).services
    return [api?.last10s.requests ?? 0, api?.last60s.requests ?? 0]
  }
  await pass(world, 2)
  assert.deepEqual(requests(), [60, 60])
  settle(world, 'a', sameLatencies(30, 1_000))
  await pass(world)
  assert.deepEqual(requests(), [30, 90])
  const [{ last10s, last60s }] = told(world).services as [Metrics['services'][0]]
  assert.equal(last10s.latencyUsP99, topOf(bucketOf(1_000)), 'the slow ones are older than that')
  assert.equal(last60s.latencyUsP99, topOf(bucketOf(800_000)))
  // 30 in 10 s, 90 in the 15 s there have been.
  assert.deepEqual([last10s.perSecond, last60s.perSecond], [3, 6])
  await pass(world, 9)
  assert.deepEqual(requests(), [0, 90], 'at 60 s')
  await pass(world)
  assert.deepEqual(requests(), [0, 30], 'at 65 s')
  await pass(world, 2)
  assert.deepEqual(told(world), { services: [], endpoints: [], endpointsLeftOut: 0 })
})

test('many batches of one slice count together, exactly', async () => {
  const world = stage()
  for (let batch = 0; batch < 50; batch++) {
    settle(world, 'a', { ...sameLatencies(3, 2_000 * (1 + (batch % 2))), error: 1 })
    await world.advance(100, 100)
  }
  const [api] = told(world).services
  assert.deepEqual([api!.last10s.requests, api!.last10s.errorShare], [200, 0.25])
  assert.deepEqual(
    [api!.last10s.latencyUsP50, api!.last10s.latencyUsP95],
    [topOf(bucketOf(2_000)), topOf(bucketOf(4_000))],
  )
})

test('requests of an endpoint that has left count for its service, and the next tenant of its row begins anew', async () => {
  const world = stage()
  await pass(world)
  settle(world, 'b', sameLatencies(10, 1_000))
  const left = world.row('b')
  world.remove('b')
  world.add('c', { row: left.row })
  settle(world, 'c', sameLatencies(1, 1_000))
  await pass(world)
  const { services, endpoints } = told(world)
  assert.equal(services[0]!.last10s.requests, 11)
  assert.deepEqual(
    endpoints.map(({ id, row, last10s }) => [id, row, last10s.requests]),
    [
      ['b', left.row, 10],
      ['c', left.row, 1],
    ],
  )
})

test('of thousands of endpoints the 256 busiest are told, and every request counts for the service', async () => {
  const ids = Array.from({ length: 2_000 }, (_, i) => `e${i}`)
  const world = stage(ids)
  const pulse = (slow: string): void => {
    const rows = ids.map((id, i) => {
      const { row, generation } = world.row(id)
      return { ...SETTLED, row, generation, ok: 1 + i }
    })
    world.hear(settledBatch.of({ rows }))
    world.hear(
      latenciesCounted.of({
        rows: rows.map(({ row, generation, ok }) => ({
          ...{ row, generation, count: ok },
          bucket: bucketOf(row === world.row(slow).row ? 900_000 : 5_000),
        })),
      }),
    )
  }
  // The idlest of all is slow: its latencies are those of its service, though it is not told by itself.
  pulse('e0')
  await pass(world)
  const { services, endpoints, endpointsLeftOut } = told(world)
  assert.equal(services[0]!.last60s.requests, (2_000 * 2_001) / 2)
  assert.deepEqual([endpoints.length, endpointsLeftOut], [256, 2_000 - 256])
  assert.deepEqual([endpoints[0]!.id, endpoints.at(-1)!.id], ['e1999', 'e1744'])
  pulse('e1999')
  await pass(world, 11)
  const { slices } = world.state as State
  assert.equal(slices.length, 12)
  const detailed = slices.map(
    ({ endpoints }) => [...endpoints.values()].filter(({ sum }) => sum.latencies !== undefined).length,
  )
  assert.deepEqual(detailed, [256, 256, ...Array(10).fill(0)], 'no more histograms are kept than are told')
  assert.equal(told(world).endpoints[0]!.last60s.latencyUsP99, topOf(bucketOf(900_000)))
})

test('a slice that ends late is as long as it was: rates are over the time that has passed', () => {
  const open = new OpenSlice()
  open.addSettled({ ...SETTLED, row: 3, generation: 1, ok: 100 })
  const names = new Map([[3, { row: 3, generation: 1, service: 'api', id: 'a' }]])
  // The thread got no turn for 15 s more.
  const { services } = metricsOf([open.close([names], 20_000, 10)], 10)
  assert.deepEqual([services[0]!.last10s.perSecond, services[0]!.last60s.perSecond], [5, 5])
})

test('a restart begins the windows anew', async () => {
  const world = stage()
  settle(world, 'a', sameLatencies(10, 1_000))
  await pass(world)
  assert.equal(told(world).services.length, 1)
  world.start()
  await pass(world)
  assert.deepEqual(told(world).services, [])
})
