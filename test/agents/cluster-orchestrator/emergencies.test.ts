import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../agents/kit/grammar/directive.ts'
import {
  emergencyEscalated,
  emergencyResolved,
  emergencyStarted,
  humanNeeded,
  incidentEscalated,
  leaderChanged,
  nodeHealthChanged,
  partitionDetected,
  partitionHealed,
  resourceExhausted,
  resourcesJudged,
  sheddingRequested,
} from '../../../agents/signals.ts'
import { emergencyResponse } from '../../../agents/skills/operations/emergency.ts'
import { checkTwoMounts } from '../skills/two-mounts.ts'
import { broken, dataOf, FOUR, OrchestratorStage, silent } from './stage.ts'

const CHECKED = {
  services: { api: { ...FOUR.services.api, healthCheck: { path: '/', interval: '1s', timeout: '500ms' } } },
}
const NAMES = ['health-monitor', 'load-balancer', 'consensus-coordinator', 'cluster-orchestrator']

const EMERGENCY = 'signalbox.emergency.'
type Started = { id: string; type: string; subject: string; actions: string[]; tookMs: number }
type Escalated = { level: number; because: string; afterMs: number }
type Resolved = { met: string[]; afterMs: number }

test('an endpoint that has just failed is no emergency, and half of a service for a moment is none (AC-36)', async t => {
  const ports = new Set(['1', '2'])
  const stage = await OrchestratorStage.of(t, { config: CHECKED, names: NAMES, ...broken(ports) })
  await stage.advance(15_000)
  ports.add('3')
  await stage.advance(5_000)
  ports.delete('3')
  await stage.advance(12_000)
  assert.deepEqual(stage.told(EMERGENCY), [])
})

test('most of a service out for ten seconds is met at once, in order, and resolved when it is back (AC-36, SK-22)', async t => {
  const ports = new Set(['1', '2', '3'])
  const stage = await OrchestratorStage.of(t, { config: CHECKED, names: NAMES, ...broken(ports) })
  await stage.advance(18_000)
  const [started] = dataOf<Started>(stage.told(emergencyStarted.type))
  assert.deepEqual([started!.type, started!.subject], ['node_failure', 'api'])
  assert.deepEqual(started!.actions, [
    'isolate-node: api/a; 2 more are left to picks',
    'redistribute-load: api',
    'start-replacement: no scale hook is configured',
  ])
  assert.ok(started!.tookMs <= 100, `${started!.tookMs} ms`)
  // Held at once; the quarantine that was asked for has taken it over since.
  assert.deepEqual(stage.out().at(0), 'a unhealthy+isolated')
  assert.deepEqual(stage.plane.state('load-balancer'), ['rebalance api'])
  const [running] = (await stage.list()).operations
  assert.deepEqual(
    [running!.operation, running!.status, running!.by],
    ['handle_emergency', 'running', 'cluster-orchestrator'],
  )
  ports.clear()
  await stage.advance(10_000)
  const [resolved] = dataOf<Resolved>(stage.told(emergencyResolved.type))
  assert.deepEqual(resolved!.met, ['connectivity-restored', 'health-checks-passing'])
  await stage.advance(60_000)
  assert.deepEqual(stage.out(), [])
  assert.equal(stage.told(emergencyStarted.type).length, 1, 'it is told once')
})

test('immediate actions come before anybody is asked, and all roles are asked at once (D15, D16)', async t => {
  const slow = ['load-balancer', 'health-monitor', 'node-discovery']
  const stage = await OrchestratorStage.of(t, {
    names: [...NAMES, 'node-discovery'],
    roster: [...slow, 'cluster-orchestrator'].map(name => ({
      name,
      module: 'file:///none',
      restart: 'permanent' as const,
    })),
    agents: Object.fromEntries(slow.map(name => [name, silent(name)])),
  })
  await stage.advance(2_000)
  const { id } = await stage.request('handle_emergency', { type: 'node_failure', subject: 'api/a' })
  await stage.advance(1_000)
  const order = stage
    .told('signalbox.endpoint.quarantine', 'signalbox.service.rebalance', EMERGENCY)
    .map(({ type }) => type.split('.').slice(1).join('.'))
  assert.deepEqual(order, ['endpoint.quarantine', 'service.rebalance', 'emergency.started'])
  const { after } = (await stage.list(id)).operations[0]!
  for (const role of slow) assert.equal(after[role], 'accepted', role)
})

test('a role that does not take part keeps none of the others, and a person is told which it was', async t => {
  const rude = (name: string) =>
    defineAgent({
      ...{ name, role: name },
      start: () => stay(null),
      decide: state => stay(state),
      vote: () => ({ ballot: 'no', reason: 'it has other worries' }),
    })
  const stage = await OrchestratorStage.of(t, {
    roster: ['load-balancer', 'health-monitor', 'cluster-orchestrator'].map(name => ({
      ...{ name, module: 'file:///none', restart: 'permanent' as const },
    })),
    names: [],
    agents: { 'load-balancer': rude('load-balancer'), 'health-monitor': silent('health-monitor') },
  })
  await stage.advance(2_000)
  const { id } = await stage.request('handle_emergency', { type: 'node_failure', subject: 'api/a' })
  await stage.advance(3_000)
  const { after } = (await stage.list(id)).operations[0]!
  assert.deepEqual(
    [after['load-balancer'], after['health-monitor'], after['node-discovery']],
    ['rejected', 'accepted', 'no_agents_available'],
  )
  const [escalated] = dataOf<Escalated>(stage.told(emergencyEscalated.type))
  assert.deepEqual([escalated!.level, escalated!.because], [1, 'partial_coordination_failure: load-balancer rejected'])
  assert.equal(stage.told(humanNeeded.type).length, 1)
})

test('an emergency of an unknown kind is answered with that, and nothing is done (D17)', async t => {
  const stage = await OrchestratorStage.of(t)
  const { isTaken, because } = await stage.request('handle_emergency', { type: 'flood', subject: 'api' })
  assert.deepEqual([isTaken, because], [false, 'no_emergency_procedure: flood'])
  const nobody = await stage.request('handle_emergency', { type: 'node_failure' })
  assert.match(nobody.because, /no subject is named/)
  assert.deepEqual(stage.told(EMERGENCY), [])
})

test('an endpoint that is said to have failed is out within 100 ms, and one emergency is met once', async t => {
  const ports = new Set(['1'])
  const stage = await OrchestratorStage.of(t, { names: ['cluster-orchestrator'], ...broken(ports) })
  const { id, isTaken } = await stage.request('handle_emergency', { type: 'node_failure', subject: 'api/a' })
  assert.equal(isTaken, true)
  await stage.advance(60)
  assert.deepEqual(stage.out(), ['a held'])
  const again = await stage.request('handle_emergency', { type: 'node_failure', subject: 'api/a' })
  assert.equal(again.because, `it is being met already as ${id}`)
  await stage.advance(10_000)
  assert.deepEqual(stage.out(), ['a held'], 'it cannot be connected to')
  ports.clear()
  await stage.advance(6_000)
  // Nobody checks it: three connections in a row are all there is.
  assert.deepEqual(stage.out(), [])
  assert.equal(stage.finished(id)!.status, 'done')
})

test('an emergency that lasts too long needs a person, once (AC-36, SK-22)', async t => {
  const ports = new Set(['1', '2', '3', '4'])
  const stage = await OrchestratorStage.of(t, { config: CHECKED, names: NAMES, ...broken(ports) })
  // The health monitor asks for people too, for reasons of its own.
  const asked = () => stage.told(humanNeeded.type).filter(({ subject }) => subject === 'api')
  await stage.advance(15_000)
  assert.equal(stage.told(emergencyStarted.type).length, 1)
  await stage.advance(290_000)
  assert.equal(asked().length, 0)
  await stage.advance(20_000)
  const [escalated] = dataOf<Escalated>(stage.told(emergencyEscalated.type))
  assert.deepEqual([escalated!.level, escalated!.because], [2, 'it is not over after 300 s'])
  await stage.advance(300_000)
  assert.equal(asked().length, 1)
})

test('a shortage of this process is met by shedding, which is asked for as long as it lasts, and ends in order (AC-36)', async t => {
  const calls: { operation: string }[] = []
  const config = { ...FOUR, agents: { 'cluster-orchestrator': { scale: { hook: { url: 'http://127.0.0.1:7/' } } } } }
  const stage = await OrchestratorStage.of(t, {
    config,
    actions: {
      'call-hook': ({ about, body }) => {
        calls.push(body)
        return { about, isTaken: true, reason: '200' }
      },
    },
  })
  stage.hear(resourceExhausted.of({ resource: 'memory', used: 0.95, limit: 0.85, isOver: true }))
  await stage.advance(500)
  const [started] = dataOf<Started>(stage.told(emergencyStarted.type))
  assert.deepEqual(started!.actions, [
    'throttle-requests: sheddable of api',
    'scale-up: the scale hook is told',
    'shed-load: sheddable-plus of api',
    'the scale hook has taken it',
  ])
  assert.deepEqual(
    calls.map(({ operation }) => operation),
    ['scale_up_resources'],
  )
  const shed = () => dataOf<{ from: string; by: string; forMs: number }>(stage.told(sheddingRequested.type))
  assert.deepEqual(
    shed().map(({ from, forMs }) => [from, forMs]),
    [
      ['sheddable', 60_000],
      ['sheddable-plus', 60_000],
    ],
  )
  await stage.advance(65_000)
  assert.equal(shed().length, 6, 'asked for again each half of its time')
  stage.metrics({ latencyUsP99: 300_000 })
  stage.hear(resourceExhausted.of({ resource: 'memory', used: 0.5, limit: 0.85, isOver: false }))
  await stage.advance(10_000)
  assert.equal(stage.told(emergencyResolved.type).length, 0, 'requests are too slow still')
  for (let i = 0; i < 8; i++) {
    stage.metrics({ latencyUsP99: 90_000 })
    await stage.advance(5_000)
  }
  const [resolved] = dataOf<Resolved>(stage.told(emergencyResolved.type))
  assert.deepEqual(resolved!.met, ['resources-restored', 'performance-within-goal'])
  assert.deepEqual(
    shed()
      .slice(-2)
      .map(({ forMs }) => forMs),
    [0, 0],
  )
})

test('a partition is over when the nodes are together and all orchestrators have answered a roll call (AC-36)', async t => {
  const stage = await OrchestratorStage.of(t)
  stage.hear(
    partitionDetected.of({
      ...{ partition: 'p1', sides: [['n1', 'n2'], ['n3']], here: 0, strategy: 'keep-majority', verdict: 'keep' },
    }),
  )
  await stage.advance(500)
  const [started] = dataOf<Started>(stage.told(emergencyStarted.type))
  assert.deepEqual(started!.actions, [
    'detect-scope: n1, n2 (this side: keep) | n3',
    'maintain-quorum: this side decides',
    'route-around: who can be reached is looked for again; api',
  ])
  await stage.advance(10_000)
  assert.equal(stage.told(emergencyResolved.type).length, 0)
  stage.hear(partitionHealed.of({ partition: 'p1', nodes: ['n1', 'n2', 'n3'], tookMs: 10_000 }))
  await stage.advance(5_000)
  const [resolved] = dataOf<Resolved>(stage.told(emergencyResolved.type))
  assert.deepEqual(resolved!.met, ['connectivity-restored', 'consensus-achieved'])
})

test('a dead node is an emergency until it lives again, or nobody waits for it any more', async t => {
  const stage = await OrchestratorStage.of(t)
  const change = { node: 'n2', incarnation: 1, phi: 9, reason: 'silent for 4 s' }
  stage.hear(nodeHealthChanged.of({ ...change, from: 'alive', to: 'suspect' }))
  await stage.advance(2_000)
  assert.deepEqual(stage.told(EMERGENCY), [])
  stage.hear(nodeHealthChanged.of({ ...change, from: 'suspect', to: 'dead' }))
  await stage.advance(2_000)
  assert.deepEqual(
    dataOf<Started>(stage.told(emergencyStarted.type)).map(({ subject }) => subject),
    ['n2'],
  )
  stage.hear(nodeHealthChanged.of({ ...change, incarnation: 2, from: 'dead', to: 'alive' }))
  await stage.advance(2_000)
  assert.equal(stage.told(emergencyResolved.type).length, 1)
  stage.hear(nodeHealthChanged.of({ ...change, incarnation: 2, from: 'alive', to: 'dead' }))
  await stage.advance(2_000)
  stage.hear(nodeHealthChanged.of({ ...change, incarnation: 2, from: 'dead', to: 'left' }))
  await stage.advance(2_000)
  assert.equal(stage.told(emergencyResolved.type).length, 2)
})

test('what the health monitor could not repair is met too, and people are called by that one alone', async t => {
  const ports = new Set(['1'])
  const stage = await OrchestratorStage.of(t, { names: ['cluster-orchestrator'], ...broken(ports) })
  const incident = { incident: 'i1', because: 'three repairs have failed', afterMs: 60_000, repeats: 1, tried: [] }
  stage.hear(incidentEscalated.of({ ...incident, subject: 'api', level: 1 }))
  stage.hear(incidentEscalated.of({ ...incident, subject: 'api/b', level: 2 }))
  await stage.advance(1_000)
  assert.deepEqual(stage.told(EMERGENCY), [])
  stage.hear(incidentEscalated.of({ ...incident, subject: 'api/a', level: 1 }))
  await stage.advance(1_000)
  assert.deepEqual(stage.out(), ['a held'])
  await stage.advance(310_000)
  assert.equal(stage.told(emergencyEscalated.type).length, 1)
  assert.deepEqual(stage.told(humanNeeded.type), [])
})

test('with the strategy manual nothing is begun that nobody asked for', async t => {
  const config = { ...FOUR, agents: { 'cluster-orchestrator': { strategy: 'manual' as const } } }
  const stage = await OrchestratorStage.of(t, { config })
  stage.hear(resourceExhausted.of({ resource: 'memory', used: 0.95, limit: 0.85, isOver: true }))
  await stage.advance(2_000)
  assert.deepEqual(stage.told(EMERGENCY), [])
  assert.equal(
    (await stage.request('handle_emergency', { type: 'resource_exhaustion', subject: 'memory' })).isTaken,
    true,
  )
})

test('a resource that is enough when next it is told of is no emergency any more, also for who asked by hand', async t => {
  const stage = await OrchestratorStage.of(t, { config: FOUR })
  await stage.request('handle_emergency', { type: 'resource_exhaustion', subject: 'memory' })
  stage.hear(resourcesJudged.of({ short: ['memory'] }))
  await stage.advance(40_000)
  assert.equal(stage.told(emergencyResolved.type).length, 0)
  stage.hear(resourcesJudged.of({ short: ['cpu'] }))
  await stage.advance(5_000)
  const [resolved] = dataOf<Resolved>(stage.told(emergencyResolved.type))
  assert.deepEqual(resolved!.met, ['resources-restored', 'performance-within-goal'])
})

test('emergency-response mounted twice keeps two states, and unmounted hears nothing more (SK-22)', () => {
  checkTwoMounts({
    skill: emergencyResponse,
    options: [{ role: 'a' }, { role: 'b' }],
    heard: leaderChanged.of({ role: 'a', isHere: true, standing: 'leader', fence: 7, because: 'a test' }),
    of: ({ fence }) => fence ?? 'none',
  })
})
