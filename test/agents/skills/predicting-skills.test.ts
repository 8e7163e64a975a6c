import { test } from 'node:test'
import { latenciesCounted, riskChanged, tunableChanged } from '../../../agents/signals.ts'
import { adaptiveRouting, HALF_LIFE } from '../../../agents/skills/forecasts/adaptive-routing.ts'
import { capacityPlanning } from '../../../agents/skills/forecasts/capacity-planning.ts'
import { failurePrediction } from '../../../agents/skills/forecasts/failure-prediction.ts'
import { performanceOptimization } from '../../../agents/skills/forecasts/performance-optimization.ts'
import { workloadSensed } from '../../../agents/skills/forecasts/workload-pattern.ts'
import { tinyWorld } from '../../support/tiny-world.ts'
import { checkTwoMounts } from './two-mounts.ts'

/** Tables with two endpoints, of which adaptive picks. */
function tables(t: { after(end: () => void): void }) {
  const world = tinyWorld({ a: {}, b: {} }, { policy: 'adaptive' })
  t.after(() => world.close())
  const row = world.row('a')
  const ref = { row, generation: world.endpoints.generation(row), service: 'api', id: 'a' }
  return { ref, edge: { attachment: world.attachment as never } }
}

test('performance optimisation mounted twice has two states, and unmounted hears nothing more (SK-3)', t => {
  const { ref, edge } = tables(t)
  const options = { tunable: HALF_LIFE, usual: 1000, values: [500, 1000] }
  checkTwoMounts({
    skill: performanceOptimization,
    options: [options, options],
    heard: latenciesCounted.of({ rows: [{ row: ref.row, generation: ref.generation, bucket: 40, count: 3 }] }),
    of: ({ tuned }) => [...tuned],
    edge,
  })
})

test('failure prediction mounted twice has two states, and unmounted hears nothing more (SK-7)', t => {
  const { ref, edge } = tables(t)
  checkTwoMounts({
    skill: failurePrediction,
    options: [undefined, undefined],
    heard: riskChanged.of({ ...ref, risk: 0.8, isAtRisk: true, factors: ['loss'], etaMs: 1000 }),
    of: ({ evidence }) => [...evidence.values()].map(({ risk }) => risk),
    edge,
  })
})

test('capacity planning mounted twice has two states, and unmounted hears nothing more (SK-11)', t => {
  const { edge } = tables(t)
  checkTwoMounts({
    skill: capacityPlanning,
    options: [undefined, undefined],
    heard: workloadSensed.of({ services: [{ service: 'api', perSecond: 10, minute: 600, hourly: 0, daily: 0 }] }),
    of: ({ loads }) => [...loads],
    edge,
  })
})

test('adaptive routing mounted twice has two states, and unmounted hears nothing more (SK-13)', t => {
  const { edge } = tables(t)
  checkTwoMounts({
    skill: adaptiveRouting,
    options: [{ halfLifeMs: 1000 }, { halfLifeMs: 2000 }],
    heard: tunableChanged.of({ service: 'api', tunable: HALF_LIFE, before: 1000, value: 500, because: 'a test' }),
    of: ({ halfLives }) => [...halfLives],
    edge,
  })
})
