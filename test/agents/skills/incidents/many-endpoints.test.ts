import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointGone, healthAlerted, healthChanged, verdictsShared } from '../../../../agents/index.ts'
import { alerting } from '../../../../agents/skills/incidents/alerting.ts'
import { healthCoordination } from '../../../../agents/skills/incidents/health-coordination.ts'
import { validateConfig } from '../../../../engine/config/load.ts'
import { observed } from '../observed.ts'

const MANY = 10_000

const ref = (row: number) => ({ row, generation: 1, service: 'api', id: `e${row}` })
const turned = (row: number, from: 'healthy' | 'unhealthy', to: 'healthy' | 'unhealthy' | 'unknown') =>
  healthChanged.of({ ...ref(row), from, to, reason: '503' })

/** Alerts and coordination of one monitor, and what they have in mind. */
function monitor() {
  const alerts = alerting.mount('alerts', undefined)
  const coordination = healthCoordination.mount('coordination', { role: 'monitor' })
  const world = observed([alerts, coordination], [], validateConfig({ services: { api: {} } }))
  const known = () => {
    const { own, others, unshared } = world.runner.slice(coordination)
    const { breaches, flapsMs, told } = world.runner.slice(alerts)
    return { verdicts: [own.size, others.size, unshared.size], alerts: [breaches.size, flapsMs.size, told.size] }
  }
  return { ...world, coordination, known }
}

test('ten thousand endpoints that turn unhealthy at once keep alerts and coordination busy for moments (AC-26, SK-19)', async () => {
  const { hear, known, advance, said } = monitor()
  const sinceMs = performance.now()
  for (let row = 0; row < MANY; row++) hear(turned(row, 'healthy', 'unhealthy'))
  const tookMs = performance.now() - sinceMs
  // A busy machine has all the time it wants; a copy of what is known for each of them takes far more than that.
  assert.ok(tookMs < 10_000, `${Math.round(tookMs)} ms`)
  assert.deepEqual(known(), { verdicts: [MANY, 0, MANY], alerts: [4_096, 4_096, 0] })
  // All are due in one moment: a hundred alerts at a time, until all were told.
  await advance(29_500)
  assert.equal(said(healthAlerted.type).length, 0)
  await advance(1_000)
  assert.equal(said(healthAlerted.type).length, 100)
  await advance(41_000)
  assert.equal(said(healthAlerted.type).length, 4_096)
})

test('of endpoints that have gone nothing is kept, and what others say of the next one of a name counts (SK-19)', async () => {
  const { hear, known, advance, runner, coordination } = monitor()
  for (let row = 0; row < 60; row++) hear(turned(row, 'healthy', 'unhealthy'))
  await advance(2_000)
  assert.deepEqual(known().verdicts, [60, 0, 0])
  for (let row = 0; row < 60; row++) hear(endpointGone.of(ref(row)))
  assert.deepEqual(known().verdicts, [0, 0, 0])
  const row = { service: 'api', id: 'e1', health: 'unhealthy', by: 'two', isDirect: true, ageMs: 1 } as const
  hear(verdictsShared.of({ node: 'two', rows: [row] }))
  assert.equal(runner.slice(coordination).others.get('api/e1')?.by, 'two')
})

test('an endpoint that is not looked at any more is told as unknown, and others are believed from then on (SK-19, AC-31)', async () => {
  const { hear, said, advance, known } = monitor()
  hear(turned(1, 'healthy', 'unhealthy'))
  await advance(2_000)
  hear(turned(1, 'unhealthy', 'unknown'))
  await advance(2_000)
  const told = said<{ rows: { id: string; health: string }[] }>(verdictsShared.type)
  assert.deepEqual(
    told.flatMap(({ rows }) => rows.map(({ id, health }) => `${id} ${health}`)),
    ['e1 unhealthy', 'e1 unknown'],
  )
  assert.deepEqual(known().verdicts, [0, 0, 0])
})
