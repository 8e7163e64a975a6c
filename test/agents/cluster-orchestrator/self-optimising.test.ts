import assert from 'node:assert/strict'
import { test } from 'node:test'
import { improve, NOT_IMPROVING } from '../../../agents/cluster-orchestrator/self-optimising.ts'
import type { Metrics } from '../../../agents/signals.ts'
import { OrchestratorStage } from './stage.ts'

const GOALS = { availability: 0.999, latency: 100, throughput: 1_000, efficiency: 0.8 }
const EVERY_MS = 5_000

function figures(latencyMs: number): Metrics {
  const window = {
    ...{ requests: 1_000, perSecond: 100, errorShare: 0, latencyUsP50: 10_000, latencyUsP95: 30_000 },
    latencyUsP99: latencyMs * 1_000,
  }
  return { services: [{ service: 'api', last10s: window, last60s: window }], endpoints: [], endpointsLeftOut: 0 }
}

/** When attempts begin, in minutes, with figures of this latency at each moment. */
function begun(minutes: number, latencyMs: (minute: number) => number): number[] {
  let improving = NOT_IMPROVING
  const found: number[] = []
  for (let now = 0; now < minutes * 60_000; now += EVERY_MS) {
    const step = improve(improving, figures(latencyMs(now / 60_000)), GOALS, now)
    improving = step.improving
    if (step.begins) found.push(Math.round(now / 60_000))
  }
  return found
}

test('improve() rests twice as long after each attempt that has not made the miss smaller', () => {
  // 10 minutes after the first, then 20, 40, 80.
  assert.deepEqual(
    begun(160, () => 200),
    [1, 11, 31, 71, 151],
  )
})

test('improve() rests ten minutes where the miss becomes smaller, and where all goals were met in between', () => {
  assert.deepEqual(
    begun(40, minute => 200 - minute),
    [1, 11, 21, 31],
  )
  // From the second attempt on it rests for 20 minutes; the goals are met meanwhile.
  assert.deepEqual(
    begun(55, minute => (minute > 15 && minute < 18 ? 50 : 200)),
    [1, 11, 31, 41],
  )
})

test('cluster-orchestrator: by itself it leaves the policy that a service is picked by as it is', async t => {
  const stage = await OrchestratorStage.of(t)
  for (let i = 0; i < 14; i++) {
    stage.metrics({ latencyUsP99: 300_000 })
    await stage.advance(5_000)
  }
  assert.deepEqual(stage.plane.state('load-balancer'), ['rebalance api'])
})
