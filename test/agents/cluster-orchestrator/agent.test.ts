import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byRole, heard, missingIn, ROLES, sorted } from '../../../agents/cluster-orchestrator/agents-known.ts'
import { healthScore } from '../../../agents/cluster-orchestrator/health-score.ts'
import { AllLatencies } from '../../../agents/cluster-orchestrator/performance.ts'
import type { State } from '../../../agents/cluster-orchestrator/state.ts'
import { ROSTER } from '../../../agents/index.ts'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../agents/kit/grammar/directive.ts'
import { trusted } from '../../../agents/kit/grammar/schema.ts'
import { defineSensor } from '../../../agents/kit/grammar/sensor.ts'
import { defineSignal } from '../../../agents/kit/grammar/signal.ts'
import { bucketOf } from '../../../agents/kit/run/latency-buckets.ts'
import {
  agentsDiscovered,
  clusterHealthSensed,
  clusterOverviewed,
  clusterPerformanceSensed,
  configChanged,
  latenciesCounted,
} from '../../../agents/signals.ts'
import { OrchestratorStage } from './stage.ts'

const state = (stage: OrchestratorStage): State => stage.plane.state('cluster-orchestrator') as State

test('cluster-orchestrator: it knows all agents by their heartbeats, who has gone, and which roles nobody has (AG-4, D18)', async t => {
  const stage = await OrchestratorStage.of(t)
  // Two heartbeats of each, whatever the dice say.
  await stage.advance(12_000)
  assert.deepEqual(Object.keys(byRole(state(stage).agents)).sort(), ['consensus-coordinator', 'load-balancer'])
  // All roles of the roster are among those it looks for.
  for (const { name } of ROSTER) assert.ok((ROLES as readonly string[]).includes(name), name)
  const { missing } = stage.told(agentsDiscovered.type).at(-1)!.data as { missing: string[] }
  assert.deepEqual(missing.length, ROLES.length - 3)
  assert.ok(!missing.includes('load-balancer'))
})

const broken = defineSignal('acme.level.read', { data: trusted<null>() })

test('cluster-orchestrator: an agent that is not well is known as that with its next heartbeat (AC-7)', async t => {
  const ill = defineAgent({
    ...{ name: 'load-balancer', role: 'load-balancer' },
    sensors: [
      defineSensor({
        ...{ name: 'level', emits: broken, everyMs: 1_000, start: () => null },
        read(): null {
          throw new Error('no level')
        },
        perceive: memory => ({ memory, readings: [] }),
      }),
    ],
    start: () => stay(null),
    decide: known => stay(known),
  })
  const stage = await OrchestratorStage.of(t, { agents: { 'load-balancer': ill } })
  // Its next heartbeat, and after that the next report of who heard it.
  await stage.advance(12_000)
  assert.equal(state(stage).agents.get('load-balancer@local')!.health, 'degraded')
  const report = stage.plane.control.report!('cluster-orchestrator') as unknown as { localState: { agents: object } }
  assert.deepEqual((report.localState.agents as Record<string, string[]>)['load-balancer'], [
    'load-balancer@local degraded',
  ])
})

test('heard() and sorted(): an earlier life counts for nothing, and who is silent for three heartbeats has gone', () => {
  const beat = { agent: 'a', role: 'a', node: 'n', incarnation: 2, health: 'healthy', queued: 0 } as const
  const { known, isNews } = heard(new Map(), beat, 1_000)
  assert.equal(isNews, true)
  assert.equal(heard(known, beat, 2_000).isNews, false)
  assert.equal(heard(known, { ...beat, incarnation: 1, health: 'failed' }, 2_000).known, known)
  assert.equal(heard(known, { ...beat, health: 'failed' }, 2_000).isNews, true)
  assert.deepEqual(sorted(known, 17_900).gone, [])
  assert.deepEqual(sorted(known, 18_100).gone, ['a@n'])
  assert.ok(missingIn(known).includes('load-balancer'))
  let many = known
  for (let i = 0; i < 2_000; i++) many = heard(many, { ...beat, agent: `x${i}` }, 0).known
  assert.equal(many.size, 1_024)
})

test('the cluster-state sensor says when who is registered or which endpoints there are is otherwise (SE-1)', async t => {
  const stage = await OrchestratorStage.of(t)
  await stage.advance(40_000)
  const before = state(stage).sensed!
  assert.deepEqual([before.services, before.endpoints, before.agents.length], [1, 4, 3])
  await stage.advance(40_000)
  assert.equal(state(stage).sensed, before, 'nothing is otherwise, and nothing is said')
  stage.box.service('api').add({ id: 'e', url: 'http://127.0.0.1:5' })
  await stage.advance(20_000)
  assert.equal(state(stage).sensed!.endpoints, 5)
  await stage.plane.control.kill('load-balancer')
  await stage.advance(20_000)
  assert.ok(state(stage).sensed!.agents.includes('load-balancer 2 healthy'), state(stage).sensed!.agents.join())
})

test('the cluster-overview sensor tells what there is, who leads, and whether anything can be decided (SE-27)', async t => {
  const stage = await OrchestratorStage.of(t)
  await stage.request('maintenance_window', { targets: 'api/a', duration: '10m' })
  stage.hear(configChanged.of({ version: 2, digest: 'd', changes: [] }))
  await stage.advance(35_000)
  const { endpoints, agents, services, leader, fence, hasQuorum, versions } = state(stage).overview!
  assert.deepEqual(
    [endpoints, services, leader, hasQuorum],
    [{ held: 1, routable: 3 }, 1, 'cluster-orchestrator', true],
  )
  assert.equal(agents.healthy, 2)
  assert.ok(fence > 0)
  assert.deepEqual(Object.keys(versions).sort(), ['config', 'holds', 'quarantine'])
  assert.ok(clusterOverviewed.isTelemetry)
})

test('the cluster-health sensor tells a score and what is missing to 1 (SE-31)', async t => {
  const stage = await OrchestratorStage.of(t)
  await stage.advance(20_000)
  assert.deepEqual(state(stage).health, { score: 1, reasons: [] })
  await stage.request('maintenance_window', { targets: 'api/a', duration: '10m' })
  await stage.advance(20_000)
  // A quarter of the endpoints is out, and endpoints are a quarter of the score.
  assert.deepEqual(state(stage).health, { score: 0.9375, reasons: ['1 of 4 endpoints are not picked'] })
  assert.ok(clusterHealthSensed.isTelemetry)
})

test('healthScore() weighs what is missing, and knows no worry of what it does not know', () => {
  const goals = { availability: 0.999, latency: 100 }
  const well = {
    ...{
      routable: 4,
      endpoints: 4,
      agentsHealthy: 2,
      agents: 2,
      performance: undefined,
      hasQuorum: true,
      emergencies: 0,
    },
  }
  const performance = { requests: 1, perSecond: 1, errorShare: 0, latencyUsP50: 1, latencyUsP99: 1 }
  const score = (more: object): number => healthScore({ ...well, ...more }, goals).score
  assert.equal(score({}), 1)
  assert.equal(score({ endpoints: 0, routable: 0, agents: 0, agentsHealthy: 0 }), 1)
  // Twice as many errors as allowed: half of .35 is missing.
  assert.equal(score({ performance: { ...performance, errorShare: 0.002 } }), 0.825)
  // Four times as slow: three quarters of .15.
  assert.equal(score({ performance: { ...performance, latencyUsP99: 400_000 } }), 0.8875)
  assert.equal(score({ routable: 0 }), 0.75)
  assert.equal(score({ agentsHealthy: 0 }), 0.9)
  assert.equal(score({ hasQuorum: false }), 0.9)
  assert.equal(score({ emergencies: 2 }), 0.95)
  const { reasons } = healthScore({ ...well, hasQuorum: false, emergencies: 2 }, goals)
  assert.deepEqual(reasons, ['nothing can be decided for the cluster', '2 emergencies are open'])
})

test('the cluster-performance sensor merges latencies of all services, and is silent without requests (SE-29)', async t => {
  const stage = await OrchestratorStage.of(t)
  stage.metrics({ requests: 0, perSecond: 0 })
  await stage.advance(20_000)
  assert.equal(state(stage).performance!.requests, 0)
  // 990 requests of 1 ms in one service and 10 of 100 ms in another: neither service’s p99 is that of all.
  const counts = (us: number, count: number, row: number) => ({ row, generation: 1, bucket: bucketOf(us), count })
  stage.hear(latenciesCounted.of({ rows: [counts(1_000, 980, 0), counts(100_000, 20, 1)] }))
  stage.metrics({ requests: 1_000, perSecond: 100, errorShare: 0.01 })
  await stage.advance(100)
  const { requests, perSecond, errorShare, latencyUsP50, latencyUsP99 } = state(stage).performance!
  assert.deepEqual([requests, perSecond], [1_000, 100])
  assert.ok(Math.abs(errorShare - 0.01) < 1e-9)
  assert.ok(latencyUsP50 >= 1_000 && latencyUsP50 < 1_125, `${latencyUsP50}`)
  assert.ok(latencyUsP99 >= 100_000 && latencyUsP99 < 112_500, `${latencyUsP99}`)
  assert.ok(clusterPerformanceSensed.isTelemetry)
})

test('AllLatencies keeps the last two slices that are over', () => {
  const latencies = new AllLatencies()
  const add = (us: number): void => latencies.add([{ row: 0, generation: 1, bucket: bucketOf(us), count: 1 }])
  add(8)
  assert.equal(latencies.quantiles().p99, 0, 'it is not over')
  latencies.rotate()
  assert.equal(latencies.quantiles().p99, 8)
  latencies.rotate()
  latencies.rotate()
  assert.equal(latencies.quantiles().p99, 0)
})

test('cluster-orchestrator: idle it wakes up seldom, and what it keeps is bounded (D9)', async t => {
  const stage = await OrchestratorStage.of(t, { names: ['cluster-orchestrator'] })
  await stage.advance(60_000)
  const handled = () => stage.plane.control.status()[0]!.handled
  const before = handled()
  await stage.advance(60_000)
  // Twelve rounds, four sensors each quarter of a minute, its own heartbeat each five seconds.
  assert.ok(handled() - before <= 60, `${handled() - before} signals a minute`)
})
