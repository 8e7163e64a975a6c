import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOf } from '../../../agents/kit/run/latency-buckets.ts'
import { breakerChanged, connectivityMeasured, latenciesCounted } from '../../../agents/signals.ts'
import { circuitBreakers } from '../../../agents/skills/traffic/circuit-breakers.ts'
import { congestion, learnt } from '../../../agents/skills/traffic/congestion.ts'
import { distributionSensed, loadDistribution } from '../../../agents/skills/traffic/load-distribution.ts'
import { responseTimes } from '../../../agents/skills/traffic/response-times.ts'
import { trafficMeasured } from '../../../agents/skills/traffic/traffic.ts'
import { trafficAnalysis } from '../../../agents/skills/traffic/traffic-analysis.ts'
import { checkTwoMounts } from './two-mounts.ts'

const REF = { row: 1, generation: 2, service: 'api', id: 'a' }

test('traffic-analysis keeps a state for each mount, and hears nothing when it is unmounted (SK-10)', () => {
  const seen = {
    ...{ service: 'api', perSecond: 5, failedShare: 0, inflight: 1, retries: 0, pending: 0 },
    ...{ isKeyed: false, sentSkew: 1, inflightSkew: 1 },
  }
  checkTwoMounts({
    ...{ skill: trafficAnalysis, options: [undefined, undefined], heard: trafficMeasured.of([seen]) },
    of: slice => [...slice.services],
  })
})

test('circuit-breakers keeps a state for each mount, and hears nothing when it is unmounted (SK-12)', () => {
  const heard = breakerChanged.of({ ...REF, from: 'closed', to: 'open', trips: 1, openForMs: 5_000 })
  checkTwoMounts({
    ...{ skill: circuitBreakers, options: [undefined, undefined], heard },
    of: slice => [...slice.open],
  })
})

test('response-times, congestion and load-distribution keep a state for each mount, and hear nothing when unmounted', () => {
  const counted = { row: 1, generation: 2, bucket: bucketOf(500), count: 3 }
  checkTwoMounts({
    ...{ skill: responseTimes, options: [undefined, undefined], heard: latenciesCounted.of({ rows: [counted] }) },
    of: slice => [...slice.windows.keys()],
  })
  const connected = { ...REF, connectMs: 3, loss: 0, bandwidthMbit: null, measurements: 1 }
  checkTwoMounts({
    ...{ skill: congestion, options: [undefined, undefined], heard: connectivityMeasured.of({ rows: [connected] }) },
    of: slice => [...slice.connects.keys()],
  })
  const rates = [{ row: 1, generation: 2, perSecond: 5 }]
  const distribution = { service: 'api', endpoints: 2, coefficientOfVariation: 1, gini: 0.5, rates }
  checkTwoMounts({
    skill: { name: 'load-distribution', mount: (key: string, everyMs: number) => loadDistribution(key, everyMs) },
    ...{ options: [5_000, 5_000], heard: distributionSensed.of([distribution]) },
    of: slice => slice.history,
  })
})

test('what connecting usually takes is learnt slowly, and ten times as slowly while it is inflated', () => {
  const connected = (connectMs: number | null) => [
    { row: 1, generation: 2, service: 'api', id: 'a', connectMs, loss: 0, bandwidthMbit: null, measurements: 1 },
  ]
  let connects = learnt(new Map(), connected(10), 0)
  for (let i = 0; i < 5; i++) connects = learnt(connects, connected(100), i)
  // A hundredth of the way each: 100 − 90 × 0.99⁵
  assert.ok(Math.abs(connects.get(1)!.usualMs - 14.41) < 0.01, 'a short storm is not what is usual')
  for (let i = 5; i < 50; i++) connects = learnt(connects, connected(100), i)
  assert.ok(connects.get(1)!.usualMs > 80, 'what stays is')
  for (let i = 0; i < 50; i++) connects = learnt(connects, connected(20), 100 + i)
  assert.ok(connects.get(1)!.usualMs > 19)
  assert.equal(learnt(connects, connected(null), 200).get(1)!.connectMs, 20, 'who is not reached has not connected')
  assert.equal(learnt(connects, [], 61_000).size, 0, 'long ago')
})
