import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sightingsAt } from '../../../agents/health-monitor/sightings.ts'
import { createTestControlPlane, defineAgent, ROSTER, stay } from '../../../agents/index.ts'
import { availabilityMeasured, capacityReported, type Examination } from '../../../agents/signals.ts'
import { createSignalbox } from '../../../engine/index.ts'

const CONFIG = {
  services: {
    api: {
      healthCheck: { path: '/up', interval: '1s', timeout: '500ms' },
      endpoints: ['a', 'b'].map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` })),
    },
  },
} as const

type Heard = readonly { readonly type: string; readonly data: unknown }[]
type AvailabilityMeasured = ReturnType<typeof availabilityMeasured.of>['data']

/** All that another agent hears of two kinds of telemetry. */
const neighbour = defineAgent({
  name: 'neighbour',
  role: 'neighbour',
  listens: [availabilityMeasured, capacityReported],
  start: () => stay([] as Heard),
  decide: (heard, { type, data }) => stay([...heard, { type, data }].slice(-100)),
})

/** The rest of the roster: who it is about runs without them. */
const OTHERS = ROSTER.filter(({ name }) => name !== 'health-monitor')

/** The health monitor in virtual time and one who listens; checks pass, and see the CPU of `a` as it is said here. */
async function world(t: TestContext) {
  let cpu = (): number => 0.3
  const plane = createTestControlPlane({
    roster: [
      ...ROSTER,
      { name: 'neighbour', group: 'consensus', module: 'file:///neighbour.js', restart: 'permanent' },
    ],
    agents: { ...Object.fromEntries(OTHERS.map(({ name }) => [name, null])), neighbour },
    actions: {
      'check-endpoint': ({ row, generation, round, service, id }, edge) => {
        const load = id === 'a' ? { load: { by: 'header', shares: { cpu: cpu() } } as const } : {}
        const seen = { check: { hasPassed: true, tookUs: 800 }, connects: [90], ...load }
        sightingsAt(edge.attachment).note({ row, generation, service, id, ...seen })
        return { row, generation, round, verdict: 'passed', reason: '200', isLate: false, tookMs: 1 }
      },
      'examine-endpoint': ({ ticket }) => ({ ticket, parts: [], dependencies: [], tookMs: 1 }),
    },
  })
  const box = await createSignalbox(CONFIG, { control: plane })
  t.after(() => box.close())
  const told = (type: string) =>
    plane.journal
      .toJsonl()
      .split('\n')
      .filter(line => line.includes(`"${type}"`))
  const heard = <Body>(type: string): Body[] =>
    (plane.state('neighbour') as Heard).filter(each => each.type === type).map(({ data }) => data as Body)
  const says = (next: () => number): void => {
    cpu = next
  }
  return { plane, box, told, heard, says }
}

test('in the running engine a figure goes from the check by sensor, baseline and model to whoever listens for anomalies (AG-3, D21)', async t => {
  const { plane, told, heard, says } = await world(t)
  let at = 0
  says(() => 0.3 + 0.02 * (at++ % 2))
  // The skill looks at the tables every ten seconds; a share is read each second.
  await plane.advance(60_000)
  assert.deepEqual(told('signalbox.endpoint.anomaly-found'), [])
  const [first] = heard<{ by: string; rows: { id: string; cpu: number }[] }>(capacityReported.type)
  assert.deepEqual([first!.by, first!.rows[0]!.id], ['header', 'a'])
  says(() => 0.9)
  await plane.advance(10_000)
  const [found] = told('signalbox.endpoint.anomaly-found')
  const { subject, data } = JSON.parse(found!).signal
  assert.deepEqual([subject, data.severity, data.anomalies[0].metric], ['api/a', 'warning', 'cpu'])
  const asking = plane.control.ask!(
    { type: 'signalbox.endpoint.check', data: { service: 'api', id: 'a', kind: 'deep' } },
    { timeoutMs: 1_000 },
  )
  await plane.advance(100)
  const { standing, examination } = (await asking).data as { standing: { reasons: string[] }; examination: Examination }
  // Who is alerted of it has it spared.
  assert.deepEqual(standing.reasons, ['it asks to be spared', 'cpu is not as usual'])
  const { part, verdict, reason } = examination.parts[0]!
  assert.deepEqual([part, verdict, reason], ['baseline', 'failed', 'cpu is not as usual'])
  says(() => 0.3)
  await plane.advance(10_000)
  assert.equal(told('signalbox.endpoint.anomaly-ended').length, 1)
})

test('in the running engine requests say how available a service is, to whoever listens (SE-24)', async t => {
  const { plane, box, heard } = await world(t)
  const router = box.router('api')
  for (let i = 0; i < 400; i++) {
    router.settle(router.pick(), i % 4 === 0 ? 'error' : 'ok', 1_000)
    await plane.advance(100)
  }
  await plane.advance(60_000)
  const { services } = heard<AvailabilityMeasured>(availabilityMeasured.type).at(-1)!
  assert.equal(services[0]!.service, 'api')
  // The first mark may have been made after some of them.
  assert.ok(Math.abs(services[0]!.last15m! - 0.75) < 0.1, `${services[0]!.last15m}`)
  assert.ok(services[0]!.requests15m > 0 && services[0]!.requests15m <= 400)
})

test('a restart of its thread does not silence that an endpoint is unhealthy: an alert is told anew', async t => {
  const plane = createTestControlPlane({
    agents: Object.fromEntries(OTHERS.map(({ name }) => [name, null])),
    actions: {
      'check-endpoint': ({ row, generation, round, id }) => {
        const verdict = id === 'a' ? 'failed' : 'passed'
        return { row, generation, round, verdict, reason: 'as told', isLate: false, tookMs: 1 }
      },
    },
  })
  const box = await createSignalbox(CONFIG, { control: plane })
  t.after(() => box.close())
  const alerts = () => plane.journal.toJsonl().split('"signalbox.health.alerted"').length - 1
  await plane.advance(5_000)
  assert.match(box.explain('api').endpoints[0]!.why, /unhealthy/)
  const before = alerts()
  plane.control.kill('health-monitor')
  await plane.advance(120_000)
  assert.match(box.explain('api').endpoints[0]!.why, /unhealthy/)
  assert.ok(alerts() > before, `${alerts()} alerts, ${before} before`)
})
