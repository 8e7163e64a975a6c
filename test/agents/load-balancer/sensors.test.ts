import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunningPlane } from '../../../agents/kit/virtual/running-plane.ts'
import {
  breakerChanged,
  congestionChanged,
  connectivityMeasured,
  distributionUneven,
  errorsMeasured,
  responseTimesMeasured,
} from '../../../agents/signals.ts'
import { trafficAnalysis } from '../../../agents/skills/traffic/traffic-analysis.ts'
import { hashKey } from '../../../engine/index.ts'
import { balanced } from './world.ts'

test('traffic is counted by the second, and a minute of it is kept (SE-13)', async t => {
  const world = await balanced(t, ['a', 'b'])
  await world.send({ perSecond: 40, forMs: 5_000, end: () => ({ ms: 100 }) })
  const runner = (world.plane.control as RunningPlane).runner('load-balancer')
  const slice = runner.slice(trafficAnalysis.mount('traffic-analysis', undefined))
  const { rates, last, surge } = slice.services.get('api')!
  for (const each of rates.buckets.slice(1, 5)) assert.ok(Math.abs(each - 40) <= 2, `${each} a second`)
  assert.ok(last.inflight >= 3 && last.inflight <= 5, `${last.inflight} in flight: 40 a second × 100 ms`)
  assert.equal(surge, undefined)
})

test('response times of each endpoint are told every five seconds (SE-15)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin' })
  let sent = 0
  // One request in ten to b takes ten times as long.
  await world.send({ perSecond: 80, forMs: 11_000, end: id => ({ ms: id === 'b' && sent++ % 10 === 0 ? 200 : 20 }) })
  const rows = world.told.filter(responseTimesMeasured.is).at(-1)!.data.rows
  const [a, b] = [
    rows.find(({ row }) => row === world.ref('a').row)!,
    rows.find(({ row }) => row === world.ref('b').row)!,
  ]
  // A value is told as the top of its bucket, which is an eighth wide.
  const isAbout = (us: number, ms: number): boolean => us >= ms * 1_000 && us < ms * 1_125 + 1
  assert.ok(isAbout(a.latencyUsP50, 20) && isAbout(a.latencyUsP99, 20), JSON.stringify(a))
  assert.ok(isAbout(b.latencyUsP50, 20) && isAbout(b.latencyUsP95, 200), JSON.stringify(b))
  assert.ok(a.requests > 150 && a.requests < 250)
})

test('the failed share of an endpoint is told of its last ten seconds, and only with twenty requests (SE-16)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin' })
  let toB = 0
  const end = (id: string) => ({ ms: 5, outcome: id === 'b' && toB++ % 4 === 0 ? ('error' as const) : ('ok' as const) })
  await world.send({ perSecond: 20, forMs: 13_000, end })
  const last = world.told.filter(errorsMeasured.is).at(-1)!.data.rows
  const b = last.find(({ id }) => id === 'b')!
  assert.ok(Math.abs(b.errorShare - 0.25) < 0.03 && b.requests >= 90 && b.requests <= 120, JSON.stringify(b))
  assert.equal(last.find(({ id }) => id === 'a')!.errorShare, 0)
  const before = world.told.length
  await world.send({ perSecond: 2, forMs: 20_000, end })
  const late = world.told.slice(before).filter(errorsMeasured.is).at(-1)
  assert.ok(late === undefined || late.data.rows.length === 0 || late.data.rows[0]!.requests >= 20)
})

test('a way is congested when requests run into timeouts, or connecting takes far longer than it used to (SE-18)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin' })
  let toB = 0
  const end = (id: string) => ({
    ms: 20,
    outcome: id === 'b' && toB++ % 4 === 0 ? ('timeout' as const) : ('ok' as const),
  })
  await world.send({ perSecond: 40, forMs: 11_000, end })
  const changes = () => world.told.filter(congestionChanged.is).map(({ data }) => [data.id, data.isCongested])
  assert.deepEqual(changes(), [['b', true]])
  await world.send({ perSecond: 40, forMs: 11_000 })
  assert.deepEqual(changes(), [
    ['b', true],
    ['b', false],
  ])
  const connected = (connectMs: number) =>
    connectivityMeasured.of({
      rows: [{ ...world.ref('a'), connectMs, loss: 0, bandwidthMbit: null, measurements: 1 }],
    })
  world.plane.hear(connected(5))
  await world.plane.advance(5_000)
  world.plane.hear(connected(40))
  await world.plane.advance(6_000)
  assert.deepEqual(changes().at(-1), ['a', true])
})

test('a way that takes longer for good is congested at first, and then that is what is usual (SE-18)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin' })
  const connected = async (connectMs: number, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const rows = [{ ...world.ref('a'), connectMs, loss: 0, bandwidthMbit: null, measurements: 1 }]
      world.plane.hear(connectivityMeasured.of({ rows }))
      await world.plane.advance(5_000)
    }
  }
  const changes = () => world.told.filter(congestionChanged.is).map(({ data }) => data.isCongested)
  await connected(1, 10)
  assert.deepEqual(changes(), [])
  // A storm of a minute and a half is none the less one while it lasts.
  await connected(20, 18)
  assert.deepEqual(changes(), [true])
  await connected(20, 24)
  assert.deepEqual(changes(), [true, false])
})

test('breakers are seen to open, to wait for a probe, and to close (SE-19, D5)', async t => {
  const world = await balanced(t, ['a', 'b'], { policy: 'round-robin', breaker: { openFor: '3s' } })
  await world.send({ perSecond: 20, forMs: 2_000, end: id => ({ ms: 5, outcome: id === 'a' ? 'error' : 'ok' }) })
  await world.plane.advance(6_000)
  await world.send({ perSecond: 20, forMs: 2_000 })
  const changes = world.told.filter(breakerChanged.is).map(({ data }) => `${data.id} ${data.from} ${data.to}`)
  assert.deepEqual(changes, ['a closed open', 'a open half-open', 'a half-open closed'])
})

test('load that lies unevenly is told with how unevenly, and even load is not (SE-30)', async t => {
  const world = await balanced(t, ['a', 'b', 'c', 'd'], { policy: 'maglev' })
  await world.send({ perSecond: 60, forMs: 6_000, keyOf: i => hashKey(`${i}`) })
  assert.equal(world.told.filter(distributionUneven.is).length, 0)
  const hot = hashKey('hot')
  await world.send({ perSecond: 60, forMs: 11_000, keyOf: i => (i % 10 === 0 ? hashKey(`${i}`) : hot) })
  const told = world.told.filter(distributionUneven.is)
  assert.ok(told.length >= 1)
  const { coefficientOfVariation, gini, endpoints } = told.at(-1)!.data
  // One of four has more than nine in ten: CV towards √3, Gini towards ¾.
  assert.ok(coefficientOfVariation > 1.3 && gini > 0.6 && endpoints === 4, `${coefficientOfVariation} ${gini}`)
})
