import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  anomalyEnded,
  anomalyFound,
  applicationSensed,
  availabilityMeasured,
  endpointEjected,
  endpointExamined,
  endpointReturned,
  endpointsMeasured,
  healthChanged,
  healthWordsSensed,
  type Part,
  securitySensed,
} from '../../../../agents/signals.ts'
import { concludeFrom } from '../../../../agents/skills/usual/examination-verdict.ts'
import { healthAnalysis } from '../../../../agents/skills/usual/health-analysis.ts'
import { Transitions } from '../../../../agents/skills/usual/transitions.ts'
import { HEALTH_HEALTHY, HEALTH_UNHEALTHY } from '../../../../engine/writer.ts'
import { observed } from '../observed.ts'
import { checkTwoMounts } from '../two-mounts.ts'

const mounted = healthAnalysis.mount('analysis', undefined)
const REF = { row: 0, generation: 1, service: 'api', id: 'a' }

function stage() {
  const world = observed([mounted])
  const standing = () => world.runner.slice(mounted).standing(REF)
  const becomes = (from: 'healthy' | 'unhealthy', to: typeof from) =>
    world.hear(healthChanged.of({ ...REF, from, to, reason: '503' }))
  return { ...world, standing, becomes }
}

const part = (name: Part['part'], verdict: Part['verdict'], isCritical = false): Part => ({
  ...{
    part: name,
    verdict,
    isCritical,
    score: verdict === 'passed' ? 1 : 0,
    reason: 'as told',
    tookMs: 1,
    figures: {},
  },
})

test('a critical part that failed has failed all, any that failed or was late degrades, and what was skipped counts for nothing (ALG-14)', () => {
  const all = (changed: readonly Part[]) =>
    concludeFrom([...changed, part('connectivity', 'passed'), part('availability', 'skipped')])
  assert.deepEqual(all([part('application', 'passed')]), { verdict: 'healthy', score: 1, reasons: [] })
  assert.deepEqual(all([part('application', 'failed', true)]), {
    // Connectivity weighs as much as the application.
    ...{ verdict: 'failed', score: 0.5, reasons: ['application: as told'] },
  })
  assert.equal(all([part('resources', 'failed')]).verdict, 'degraded')
  assert.equal(all([part('application', 'timeout', true)]).verdict, 'degraded', 'late is late, however much it matters')
  assert.deepEqual(concludeFrom([part('security', 'skipped')]), { verdict: 'healthy', score: 1, reasons: [] })
})

test('an endpoint is healthy, degraded or failed, with reasons, by all that is known of it (SK-15)', () => {
  const { hear, standing, becomes } = stage()
  assert.equal(standing(), undefined)
  becomes('unhealthy', 'healthy')
  assert.deepEqual(standing(), { word: 'healthy', score: 1, reasons: [], trend: 'unknown' })
  hear(
    anomalyFound.of({
      ...REF,
      severity: 'warning',
      score: 2,
      anomalies: [{ metric: 'cpu', model: 'statistical', value: 1, expected: 0.3, score: 2, hasLeak: false }],
      inCommon: [],
    }),
  )
  hear(endpointEjected.of({ ...REF, because: 'silence', failures: 0, found: 1, limit: 1, ejections: 1, forMs: 1 }))
  hear(applicationSensed.of({ rows: [{ row: 0, generation: 1, status: 200, says: 'degraded', dependencies: [] }] }))
  hear(securitySensed.of({ rows: [{ row: 0, generation: 1, isTrusted: true, daysLeft: 9.5, refusals: 0 }] }))
  assert.equal(standing()?.word, 'degraded')
  assert.deepEqual(standing()?.reasons, [
    'its requests fail or lag',
    'cpu is not as usual',
    'it says it is degraded',
    'its certificate ends in 9 days',
  ])
  hear(anomalyEnded.of({ ...REF, metrics: ['cpu'], tookMs: 1 }))
  hear(endpointReturned.of({ ...REF, because: 'time' }))
  hear(applicationSensed.of({ rows: [{ row: 0, generation: 1, status: 200, says: 'passed', dependencies: [] }] }))
  hear(securitySensed.of({ rows: [{ row: 0, generation: 1, isTrusted: true, daysLeft: 89, refusals: 0 }] }))
  assert.equal(standing()?.word, 'healthy')
  hear(
    endpointExamined.of({
      ...REF,
      kind: 'comprehensive',
      ...concludeFrom([part('resources', 'failed')]),
      parts: [],
      dependencies: [],
      tookMs: 1,
    }),
  )
  assert.deepEqual([standing()?.word, standing()?.reasons], ['degraded', ['resources: as told']])
  becomes('healthy', 'unhealthy')
  assert.deepEqual([standing()?.word, standing()?.score], ['failed', 0])
})

test('an endpoint of which only requests are known is well as far as they go (SK-15)', () => {
  const { hear, standing } = stage()
  const windows = { last1m: 1, last5m: 1, last15m: 0.98, requests1m: 9, requests15m: 99, burn: 20 }
  hear(
    availabilityMeasured.of({ services: [], endpoints: [{ row: 0, generation: 1, ...windows }], endpointsLeftOut: 0 }),
  )
  assert.deepEqual(standing(), { word: 'healthy', score: 0.98, reasons: [], trend: 'unknown' })
})

test('an endpoint whose 95th percentiles climb becomes slower, and that is said (SK-15)', () => {
  const { hear, standing } = stage()
  for (let i = 0; i < 20; i++) {
    const row = { ...REF, metric: 'response-time', value: 1_000 + 50 * i, baseline: null, isLearnt: true } as const
    hear(endpointsMeasured.of({ rows: [row] }))
  }
  assert.deepEqual([standing()?.trend, standing()?.reasons], ['worsening', ['it becomes slower']])
})

test('another tenant of a row has a standing and a history of its own (SK-15)', () => {
  const { hear, standing, runner } = stage()
  const change = { row: 0, from: HEALTH_HEALTHY, to: HEALTH_UNHEALTHY }
  hear(healthWordsSensed.of({ rows: [{ ...change, generation: 1 }] }))
  assert.equal(runner.slice(mounted).history(REF).length, 1)
  hear(healthWordsSensed.of({ rows: [{ ...change, generation: 2 }] }))
  assert.equal(standing(), undefined)
  assert.deepEqual(runner.slice(mounted).history(REF), [])
})

test('histories keep a thousand changes of one, and of ten thousand together no more than two hundred thousand (SK-15)', () => {
  const transitions = new Transitions()
  const flap = { from: 'healthy', to: 'unhealthy', atMs: 0 } as const
  for (let i = 0; i < 1_500; i++) transitions.add({ row: 0, generation: 1 }, { ...flap, atMs: i })
  const first = transitions.of({ row: 0, generation: 1 })
  assert.deepEqual([first.length, first[0]!.atMs], [1_000, 500])
  for (let row = 0; row < 10_000; row++) {
    for (let i = 0; i < 12; i++) transitions.add({ row, generation: 1 }, flap)
  }
  assert.equal(transitions.eachMax, 10)
  assert.equal(transitions.of({ row: 9_999, generation: 1 }).length, 10)
})

test('analyses of two mounts are two, and one that is unmounted hears nothing more (SK-15)', () => {
  checkTwoMounts({
    skill: healthAnalysis,
    options: [undefined, undefined],
    heard: healthChanged.of({ ...REF, from: 'unknown', to: 'healthy', reason: '200' }),
    of: record => record.standing(REF) ?? null,
  })
})
