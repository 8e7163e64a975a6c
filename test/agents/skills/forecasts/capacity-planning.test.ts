import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../../agents/kit/grammar/directive.ts'
import { capacityReported, type LoadForecast, loadForecasted } from '../../../../agents/signals.ts'
import { capacityPlanning } from '../../../../agents/skills/forecasts/capacity-planning.ts'
import { workloadSensed } from '../../../../agents/skills/forecasts/workload-pattern.ts'
import { run, signal } from '../../kit/run/tiny-runner.ts'

interface LoadsForecasted {
  readonly services: readonly LoadForecast[]
}

/** The skill, told of a load by minute. */
function world() {
  const planning = capacityPlanning.mount('planning', undefined)
  const agent = defineAgent({
    ...{ name: 'planner', role: 'planner', emits: [loadForecasted], skills: [planning] },
    start: () => stay(null),
    decide: state => stay(state),
  })
  const running = run(agent)
  const minute = async (perSecond: number): Promise<void> => {
    const service = { service: 'api', perSecond, minute: perSecond * 60, hourly: 0, daily: 0 }
    running.runner.receive(signal(workloadSensed.type, { services: [service] }))
    await running.advance(60_000)
  }
  const report = (id: string, utilisation: number): void => {
    const row = {
      row: 0,
      generation: 1,
      service: 'api',
      id,
      cpu: null,
      memory: null,
      network: null,
      maxConnections: null,
    }
    running.runner.receive(signal(capacityReported.type, { by: 'header', rows: [{ ...row, utilisation }] }))
  }
  return { minute, report, plan: () => running.runner.slice(planning).plans.get('api')!, ...running }
}

test('headroom is what a service can carry less what it is expected to have to; without reports nothing is said (SK-11)', async () => {
  const { minute, report, plan } = world()
  for (let i = 0; i < 10; i++) await minute(100)
  assert.deepEqual([plan().capacity, plan().headroom], [undefined, undefined])
  report('a', 0.4)
  report('b', 0.6)
  await minute(100)
  // Half used for 100 a second: 200 at most.
  assert.ok(Math.abs(plan().capacity! - 200) < 1e-6)
  assert.ok(Math.abs(plan().headroom! - 100) < 1, `${plan().headroom}`)
  assert.equal(plan().exhaustedInMs, undefined, 'it does not grow')
})

test('a load that grows is told of with the time until it is too much (SK-11)', async () => {
  const { minute, report, plan } = world()
  await minute(100)
  report('a', 0.5)
  for (let i = 1; i <= 40; i++) await minute(100 + i)
  // 140 a second at half use: 280; one more each minute: 140 minutes.
  assert.ok(Math.abs(plan().exhaustedInMs! - 140 * 60_000) < 60_000, `${plan().exhaustedInMs}`)
})

test('load forecasts are told for a minute and for five, with what they are exceeded by one time in twenty', async () => {
  const { minute, sent } = world()
  for (let i = 0; i < 20; i++) await minute(100 + (i % 2) * 10)
  const last = sent.filter(each => loadForecasted.is(each)).at(-1)!.data as LoadsForecasted
  assert.deepEqual(
    last.services.map(({ horizonMs }) => horizonMs),
    [60_000, 300_000],
  )
  for (const { expected, p95, confidence } of last.services) {
    assert.ok(expected > 95 && expected < 115 && p95 >= expected && p95 < 125, `${expected} ${p95}`)
    assert.ok(confidence > 0.9, `${confidence}`)
  }
})
