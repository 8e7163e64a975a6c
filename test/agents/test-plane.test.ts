import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { healthMonitor } from '../../agents/health-monitor/agent.ts'
import {
  createTestControlPlane,
  defineAgent,
  emit,
  healthChanged,
  ROSTER,
  stay,
  type TestPlaneOptions,
} from '../../agents/index.ts'
import { createSignalbox } from '../../engine/index.ts'

const CONFIG = {
  services: {
    api: {
      healthCheck: { path: '/healthz', interval: '1s', timeout: '500ms' },
      endpoints: ['a', 'b', 'c', 'd'].map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` })),
    },
  },
} as const

/** A box over a test plane; of its endpoints those in `broken` fail their checks, and what is sent to them. */
async function worldOf(t: TestContext, options: TestPlaneOptions = {}) {
  const broken = new Set<string>()
  const plane = createTestControlPlane({
    actions: {
      'check-endpoint': async ({ row, generation, round, url }, edge) => {
        const id = 'abcd'[Number(new URL(url).port) - 1]!
        await new Promise<void>(resolve => edge.later(3, resolve))
        const verdict = broken.has(id) ? 'failed' : 'passed'
        return { row, generation, round, verdict, reason: verdict === 'failed' ? '503' : '200', tookMs: 3 }
      },
    },
    ...options,
  })
  const lines: string[] = []
  const box = await createSignalbox(CONFIG, {
    control: plane,
    log: (level, message) => lines.push(`${level} ${message}`),
  })
  t.after(() => box.close())
  const router = box.router('api')
  /** So many requests a second for so long; says how many picks failed. */
  const send = async (perSecond: number, seconds: number): Promise<number> => {
    let failed = 0
    for (let i = 0; i < perSecond * seconds; i++) {
      const ticket = router.pick()
      if (ticket < 0) failed++
      else router.settle(ticket, broken.has(router.endpoint(ticket).id) ? 'error' : 'ok', 1_000)
      await plane.advance(1_000 / perSecond)
    }
    return failed
  }
  const out = (): string[] => box.explain('api').endpoints.flatMap(({ id, isPickable }) => (isPickable ? [] : [id]))
  return { plane, box, broken, send, out, lines }
}

test('createTestControlPlane() runs all agents in virtual time: who fails is out, and who is well again is back', async t => {
  const { plane, broken, send, out } = await worldOf(t)
  assert.equal(await send(20, 2), 0)
  broken.add('c')
  await send(20, 5)
  assert.deepEqual(out(), ['c'])
  broken.delete('c')
  await plane.advance(60_000)
  assert.deepEqual(out(), [])
})

test('an agent of a test plane can be another: a mock that says what the test wants', async t => {
  const mock = defineAgent({
    name: 'health-monitor',
    role: 'health-monitor',
    emits: [healthChanged],
    writes: ['unhealthyBar', 'health', 'healthySinceMs'],
    start: () => stay('mock'),
    decide: state => stay(state),
  })
  const { plane } = await worldOf(t, { agents: { 'health-monitor': mock, 'failure-detector': null } })
  assert.equal(plane.state('health-monitor'), 'mock')
  assert.deepEqual(
    plane.control.status().map(({ name, state }) => `${name} ${state}`),
    ROSTER.flatMap(({ name }) => (name === 'failure-detector' ? [] : [`${name} running`])),
  )
  assert.throws(() => plane.state('failure-detector'), { code: 'SBX_AGENT_UNKNOWN' })
})

test('explain() leads from a word of the tables back to the fact it was written for', async t => {
  const { plane, broken, send, box } = await worldOf(t)
  broken.add('b')
  await send(50, 3)
  const { ejectedBar, unhealthyBar } = plane.control.explain!('api', 'b')
  const cause = ejectedBar ?? unhealthyBar!
  assert.equal(cause.value, 1)
  assert.match(cause.by, /^(failure-detector|health-monitor)$/)
  assert.ok(cause.chain.length > 0)
  assert.deepEqual(Object.keys(plane.control.explain!('api', 'nobody')), [])
  const told = plane.journal.about('api/b').map(({ type }) => type)
  assert.ok(
    told.includes('signalbox.endpoint.health-changed') || told.includes('signalbox.endpoint.ejected'),
    `${told}`,
  )
  assert.ok(box)
})

test('ask() of a test plane is answered by every agent for its health, and says how they stand when nobody answers', async t => {
  const { plane } = await worldOf(t)
  const question = { type: 'signalbox.agent.health-requested', data: { requester: 'test' } }
  const asking = plane.control.ask!(question, { timeoutMs: 100 })
  await plane.advance(10)
  const { type, data } = await asking
  assert.equal(type, 'signalbox.agent.health-reported')
  assert.equal((data as { health: string }).health, 'healthy')
  await assert.rejects(plane.control.ask!({ ...question, data: {} }, { timeoutMs: 100 }), {
    code: 'SBX_SIGNAL_INVALID',
  })
  const stranger = { type: 'signalbox.nobody.asked', data: null }
  await assert.rejects(plane.control.ask!(stranger, { timeoutMs: 100 }), { code: 'SBX_SIGNAL_UNKNOWN' })
  // An event that nobody answers to: a topology is only taken note of.
  const told = { type: 'signalbox.topology.updated', data: { version: 1, nodes: [], connections: {} } }
  const silent = plane.control.ask!(told, { timeoutMs: 100 })
  silent.catch(() => {})
  await plane.advance(200)
  await assert.rejects(silent, {
    code: 'SBX_AGENT_SILENT',
    message: /none within 100 ms; the agents: health-monitor running/,
  })
})

test('an agent of a test plane that breaks a promise is restarted with its thread, as a real one is', async t => {
  const breaking = defineAgent({
    name: 'health-monitor',
    role: 'health-monitor',
    listens: ['signalbox.test.broken'],
    emits: [healthChanged],
    start: ({ incarnation }) => stay(incarnation),
    decide: () => assert.fail('a fault of the test'),
  })
  const { plane, lines } = await worldOf(t, { agents: { 'health-monitor': breaking } })
  plane.hear({ type: 'signalbox.test.broken', data: null })
  await plane.advance(1_000)
  assert.equal(plane.state('health-monitor'), 2)
  const [monitor, detector, balancer] = plane.control.status()
  assert.deepEqual([monitor!.lastError, monitor!.incarnation], ['a fault of the test', 2])
  // They share a thread; the load balancer has another.
  assert.deepEqual([detector!.incarnation, balancer!.incarnation], [2, 1])
  assert.ok(
    lines.some(line => line.includes('warn') && line.includes('health')),
    lines.join('\n'),
  )
})

test('a test plane that cannot boot says which agent it is and why', async () => {
  const broken = { ...healthMonitor, start: () => assert.fail('it will not') }
  const plane = createTestControlPlane({ agents: { 'health-monitor': broken } })
  await assert.rejects(createSignalbox(CONFIG, { control: plane }), {
    code: 'SBX_AGENT_FAILED',
    message: /^Cannot start .*health.*: it will not$/,
  })
})

test('a test plane runs one box', async t => {
  const { plane } = await worldOf(t)
  await assert.rejects(createSignalbox(CONFIG, { control: plane }), { code: 'SBX_AGENT_INVALID' })
})

test('whoever emits what it does not declare has broken a promise', async t => {
  const lying = defineAgent({
    name: 'health-monitor',
    role: 'health-monitor',
    start: () => ({ state: 0, directives: [emit(healthChanged.of({} as never))] }),
    decide: state => stay(state),
  })
  const plane = createTestControlPlane({ agents: { 'health-monitor': lying } })
  t.after(() => {})
  await assert.rejects(createSignalbox(CONFIG, { control: plane }), { message: /it is not among what it emits/ })
})

test('nobody outside is taken for a sensor of an agent, or for its supervisor: no thread ends by what it says', async t => {
  const { plane } = await worldOf(t)
  const incarnations = () => plane.control.status().map(({ incarnation }) => incarnation)
  for (const type of [
    'signalbox.self.sensed',
    'signalbox.action.failed',
    'signalbox.zones.placed',
    'signalbox.parent.lost',
  ]) {
    await assert.rejects(plane.control.ask!({ type, data: null }, { timeoutMs: 100 }), { code: 'SBX_SIGNAL_UNKNOWN' })
  }
  await plane.advance(5_000)
  assert.deepEqual(new Set(incarnations()), new Set([1]))
})
