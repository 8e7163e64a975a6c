import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentHeartbeat } from '../../../agents/kit/member/membership-signals.ts'
import { loadBalancer } from '../../../agents/load-balancer/agent.ts'
import {
  costsWeighed,
  endpointReleased,
  healthAlerted,
  predictionWithdrawn,
  riskChanged,
  settledBatch,
  troublePredicted,
  zonesPreferred,
} from '../../../agents/signals.ts'
import { Stage } from '../stage.ts'

const stage = (ids: readonly string[], service: object = {}): Stage => new Stage(loadBalancer, service, ids).start()
const refOf = (world: Stage, id: string) => {
  const { row, generation } = world.row(id)
  return { row, generation, service: 'api', id }
}
const factors = (world: Stage): number[] => [...world.rows.values()].map(({ factor }) => Math.round(factor * 100) / 100)

/** Longer than any shift takes. */
const SETTLED_MS = 1_500

test('an endpoint that is expected to fail keeps part of its weight, by probability and confidence, until that is withdrawn', async () => {
  const world = stage(['a', 'b'])
  await world.advance(200)
  const about = { what: 'failure', etaMs: 5_000, reasons: ['errors grow'] } as const
  world.hear(troublePredicted.of({ ...refOf(world, 'a'), ...about, probability: 0.8, confidence: 0.5 }))
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [0.6, 1])
  const slow = { what: 'degradation', etaMs: null, reasons: [], probability: 1, confidence: 1 } as const
  world.hear(troublePredicted.of({ ...refOf(world, 'a'), ...slow }))
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [0.2, 1], 'the worse of two counts, and what is certain leaves a fifth')
  world.hear(predictionWithdrawn.of({ ...refOf(world, 'a'), what: 'degradation', because: 'did-not-come' }))
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [0.6, 1])
  world.hear(predictionWithdrawn.of({ ...refOf(world, 'a'), what: 'failure', because: 'did-not-come' }))
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [1, 1])
})

const ENDED = { error: 0, timeout: 0, abandoned: 0 }
const slowing = { what: 'degradation', etaMs: 5_000, reasons: [], probability: 1, confidence: 0.8 } as const

test('an endpoint that has become slow as predicted does not get its weight back for it: when it is over that, or after a minute', async () => {
  const world = stage(['a', 'b'])
  await world.advance(200)
  const settled = (ms: number) =>
    settledBatch.of({
      rows: [{ ...refOf(world, 'a'), ...ENDED, ok: 10, latencyUsSum: ms * 10_000, latencyUsMax: ms * 1_000 }],
    })
  const cameTrue = async (): Promise<void> => {
    world.hear(troublePredicted.of({ ...refOf(world, 'a'), ...slowing }))
    await world.advance(SETTLED_MS)
    assert.deepEqual(factors(world), [0.2, 1])
    world.hear(settled(200))
    await world.advance(SETTLED_MS)
    world.hear(predictionWithdrawn.of({ ...refOf(world, 'a'), what: 'degradation', because: 'came-true' }))
    await world.advance(SETTLED_MS)
  }
  await cameTrue()
  assert.deepEqual(factors(world), [0.2, 1], 'it is slow now: this is what weight was taken for')
  await world.advance(45_000, 50)
  assert.deepEqual(factors(world), [0.2, 1])
  await world.advance(30_000, 50)
  assert.deepEqual(factors(world), [1, 1], 'a minute, and as much as to the next look at such things')
  await cameTrue()
  for (let i = 0; i < 12; i++) {
    await world.advance(1_000, 50)
    world.hear(settled(100))
  }
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [1, 1], 'it answers in half of the time')
})

test('what was taken for a failure that came is given back: who keeps the endpoint out decides', async () => {
  const world = stage(['a', 'b'])
  await world.advance(200)
  world.hear(troublePredicted.of({ ...refOf(world, 'a'), ...slowing, what: 'failure' }))
  await world.advance(SETTLED_MS)
  world.hear(predictionWithdrawn.of({ ...refOf(world, 'a'), what: 'failure', because: 'came-true' }))
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [1, 1])
})

test('zones, costs, risks and warnings are shares of the weight, and all of them count together', async () => {
  const world = stage(['a', 'b', 'c', 'd'])
  Object.assign(world.row('a'), { zone: 'far' })
  await world.advance(200)
  world.hear(zonesPreferred.of({ service: 'api', zones: [{ zone: 'far', factor: 0.5 }], because: 'it is far' }))
  world.hear(costsWeighed.of({ service: 'api', factors: [{ id: 'b', factor: 0.8 }], because: 'it is dear' }))
  world.hear(riskChanged.of({ ...refOf(world, 'c'), risk: 0.8, isAtRisk: true, factors: ['loss'], etaMs: null }))
  const alert = { rule: 'r', metric: null, value: 1, threshold: 1, reason: 'slow' }
  world.hear(healthAlerted.of({ ...alert, severity: 'warning', subject: 'api/a' }))
  world.hear(healthAlerted.of({ ...alert, severity: 'info', subject: 'api/d' }))
  await world.advance(SETTLED_MS)
  // a: 0.5 × 0.5 · b: 0.8 · c: 1 − 0.8 ÷ 2 · d: an info is no warning
  assert.deepEqual(factors(world), [0.25, 0.8, 0.6, 1])
  world.hear(riskChanged.of({ ...refOf(world, 'c'), risk: 0.1, isAtRisk: false, factors: [], etaMs: null }))
  world.hear(zonesPreferred.of({ service: 'api', zones: [], because: 'all are near' }))
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [0.5, 0.8, 1, 1])
  await world.advance(90_000, 50)
  assert.equal(world.row('a').factor, 1, 'a warning that is not told again is over')
})

test('what all endpoints of a service have alike makes no difference', async () => {
  const world = stage(['a', 'b'])
  await world.advance(200)
  const zones = [{ zone: '', factor: 0.3 }]
  world.hear(zonesPreferred.of({ service: 'api', zones, because: 'all are far' }))
  await world.advance(SETTLED_MS)
  assert.deepEqual(factors(world), [1, 1])
  assert.equal(world.writes.length, 0)
})

const beat = (incarnation: number) =>
  agentHeartbeat.of({
    ...{
      agent: 'topology-optimizer',
      role: 'topology-optimizer',
      node: 'n',
      incarnation,
      health: 'healthy',
      queued: 0,
    },
  } as const)

/** As the agent itself says it. */
const from = (agent: string) => ({ source: `/signalbox/agents/${agent}` })

test('what an agent said counts as long as it lives, and a minute longer; not for one that was restarted and knows nothing of it', async () => {
  const world = stage(['a', 'b'])
  Object.assign(world.row('a'), { zone: 'far' })
  const say = (draft: Parameters<Stage['hear']>[0]): void => world.hear({ ...draft, ...from('topology-optimizer') })
  await world.advance(200)
  say(beat(1))
  say(zonesPreferred.of({ service: 'api', zones: [{ zone: 'far', factor: 0.5 }], because: 'it is far' }))
  for (let i = 0; i < 30; i++) {
    await world.advance(5_000, 50)
    say(beat(1))
  }
  assert.equal(world.row('a').factor, 0.5, 'two and a half minutes later, and it lives')
  await world.advance(61_500, 50)
  assert.equal(world.row('a').factor, 1, 'it is silent')
  await world.advance(10_000, 50)
  say(beat(1))
  await world.advance(1_500, 50)
  assert.equal(world.row('a').factor, 1, 'what was over is forgotten')
  say(zonesPreferred.of({ service: 'api', zones: [{ zone: 'far', factor: 0.5 }], because: 'it is far' }))
  for (let i = 0; i < 14; i++) {
    await world.advance(5_000, 50)
    say(beat(2))
  }
  assert.equal(world.row('a').factor, 1, 'its successor does not know that it said so')
})

test('an endpoint that is let back from quarantine gets a tenth of its weight for ten seconds, and grows to all of it in ten more', async () => {
  const world = stage(['a', 'b', 'c'])
  await world.advance(1_000, 10)
  world.row('a').bars = 1 << 1
  await world.advance(200)
  world.row('a').bars = 0
  world.hear(endpointReleased.of({ ...refOf(world, 'a'), because: 'recovered' }))
  await world.advance(5)
  assert.deepEqual(factors(world), [0.1, 1, 1], 'at once: it is no matter of moving weight from somebody')
  await world.advance(9_900, 50)
  assert.deepEqual(factors(world), [0.1, 1, 1])
  await world.advance(5_100, 50)
  // Half of the ramp: 0.1 + 0.9 ÷ 2
  assert.deepEqual(factors(world), [0.55, 1, 1])
  await world.advance(5_100, 50)
  assert.deepEqual(factors(world), [1, 1, 1])
  assert.equal((world.state as { known: Map<number, { releasedMs?: number }> }).known.get(0)!.releasedMs, undefined)
})

test('opinions about endpoints that are not there are forgotten, and those about a tenant are not held against the next (D9)', async () => {
  const world = stage(['a', 'b'])
  await world.advance(200)
  const about = { what: 'failure', etaMs: null, reasons: [], probability: 1, confidence: 1 } as const
  world.hear(troublePredicted.of({ ...refOf(world, 'a'), ...about }))
  for (let row = 100; row < 1_100; row++)
    world.hear(troublePredicted.of({ row, generation: 1, service: 'api', id: 'x', ...about }))
  await world.advance(100)
  world.remove('a')
  world.add('c', { row: 0 })
  await world.advance(SETTLED_MS)
  assert.equal(world.row('c').factor, 1)
  await world.advance(10_000, 50)
  assert.equal((world.state as { opinions: { troubles: Map<number, unknown> } }).opinions.troubles.size, 0)
})
