import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateConfig } from '../../../engine/config/load.ts'
import type { ConfigInput } from '../../../engine/config/schema.ts'

const knobs = (agents: ConfigInput['agents'] = {}) =>
  validateConfig({ services: { api: {} }, ...(agents !== undefined && { agents }) }).agents

test('the agents of orchestration have a number for all that nobody has written (D27)', () => {
  assert.deepEqual(knobs()['cluster-orchestrator'], {
    enabled: true,
    strategy: 'adaptive',
    lease: 3_000,
    goals: { availability: 99.9 / 100, latency: 100, throughput: 1_000, efficiency: 0.8 },
    scale: { timeout: 300_000 },
    emergencies: { nodeFailure: 300_000, networkPartition: 600_000, resourceExhaustion: 180_000 },
    policies: { maxIsolated: 0.3, minRoutable: 2 },
    maintenance: { quiesce: 30_000 },
  })
  assert.deepEqual(knobs()['consensus-coordinator'], { enabled: true, timeout: 45_000 })
})

test('every knob of orchestration is read', () => {
  const read = knobs({
    'consensus-coordinator': { timeout: '5s' },
    'cluster-orchestrator': {
      strategy: 'manual',
      lease: '10s',
      goals: { availability: '99%', latency: '20ms', throughput: 5, efficiency: '50%' },
      scale: { hook: { url: 'http://127.0.0.1:8700/scale', secretFile: '/run/secret' }, timeout: '1m' },
      emergencies: { nodeFailure: '1m', networkPartition: '2m', resourceExhaustion: '3s' },
      policies: { maxIsolated: '10%', minRoutable: 3 },
      maintenance: { quiesce: '0s' },
    },
  })
  assert.equal(read['consensus-coordinator'].timeout, 5_000)
  const { goals, scale, emergencies, policies, maintenance, strategy, lease } = read['cluster-orchestrator']
  assert.deepEqual([strategy, lease, maintenance], ['manual', 10_000, { quiesce: 0 }])
  assert.deepEqual(goals, { availability: 0.99, latency: 20, throughput: 5, efficiency: 0.5 })
  assert.deepEqual(scale.hook, { url: 'http://127.0.0.1:8700/scale', secretFile: '/run/secret' })
  assert.deepEqual(emergencies, { nodeFailure: 60_000, networkPartition: 120_000, resourceExhaustion: 3_000 })
  assert.deepEqual(policies, { maxIsolated: 0.1, minRoutable: 3 })
})

test('what a knob of orchestration cannot be is refused with its path', () => {
  const cases: [ConfigInput['agents'], RegExp][] = [
    [
      { 'cluster-orchestrator': { strategy: 'clever' as never } },
      /agents.cluster-orchestrator.strategy: "clever" is not a strategy/,
    ],
    [{ 'cluster-orchestrator': { lease: '500ms' } }, /agents.cluster-orchestrator.lease: 500ms is too little/],
    [{ 'cluster-orchestrator': { policies: { minRoutable: 0 } } }, /minRoutable: 0 is out of range/],
    [{ 'cluster-orchestrator': { scale: { hook: { url: 'here' } } } }, /scale.hook.url: "here" is not a url/],
    [{ 'consensus-coordinator': { timeout: '0s' } }, /consensus-coordinator.timeout/],
  ]
  for (const [agents, wanted] of cases) assert.throws(() => knobs(agents), wanted)
})
