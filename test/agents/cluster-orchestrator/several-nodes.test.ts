import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clusterOrchestrator } from '../../../agents/cluster-orchestrator/agent.ts'
import type { State } from '../../../agents/cluster-orchestrator/state.ts'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { reply, stay } from '../../../agents/kit/grammar/directive.ts'
import type { SignalOf } from '../../../agents/kit/grammar/signal.ts'
import { topologyUpdated } from '../../../agents/kit/member/membership-signals.ts'
import {
  clusterStateChanged,
  configChanged,
  emergencyEscalated,
  endpointQuarantined,
  endpointReleased,
  lifecycleChanged,
  lifecycleRequested,
  nodeHealthChanged,
  operationAnswered,
  operationFinished,
  operationRequested,
  rebalanceDone,
  rebalanceRequested,
} from '../../../agents/signals.ts'
import { applyDelta, hashOf } from '../../../agents/skills/agreement/cluster-state.ts'
import { type Node, SeveralNodes, type SeveralOptions } from '../several-nodes.ts'
import { FOUR, silent } from './stage.ts'

const ORCHESTRATOR = 'cluster-orchestrator'

/** Evens out what it is told to, and counts how often that was. */
const counting = defineAgent({
  ...{ name: 'load-balancer', role: 'load-balancer', listens: [rebalanceRequested], emits: [rebalanceDone] },
  start: () => stay(0),
  decide: (count, signal) => ({
    state: count + 1,
    directives: [
      reply(signal, rebalanceDone.of({ service: signal.data.service, unevennessBefore: 0.5, unevennessAfter: 0.1 })),
    ],
  }),
})

async function cluster(t: TestContext, names = ['n1', 'n2', 'n3'], options: SeveralOptions = {}) {
  const world = await SeveralNodes.of(t, [clusterOrchestrator, counting], names, { config: FOUR, ...options })
  await world.advance(2_000)
  const leading = (): Node => {
    const found = world.nodes
      .filter(({ crew }) => crew !== undefined)
      .filter(node => node.state<State>(ORCHESTRATOR).leading.isHere)
    assert.equal(found.length, 1)
    return found[0]!
  }
  const standby = (): Node[] => world.nodes.filter(node => node.crew !== undefined && node !== leading())
  return { world, leading, standby, nodes: world.nodes }
}

type Answered = SignalOf<typeof operationAnswered>['data']

function answers(node: Node): Answered[] {
  return node.told.filter(operationAnswered.is).map(({ data }) => data)
}

function out(node: Node): string[] {
  return node.box
    .explain('api')
    .endpoints.filter(({ isPickable }) => !isPickable)
    .map(({ id, bars }) => `${id} ${bars.join('+')}`)
}

const wish = (operation: 'rebalance_load' | 'maintenance_window', options: Record<string, string> = {}) =>
  operationRequested.of({ operation, options, by: 'test' })

test('of three orchestrators one carries out an operation; when it is killed another one does, under a higher fence (AG-4, D35)', async t => {
  const { world, leading, nodes } = await cluster(t)
  const first = leading()
  const { fence } = first.state<State>(ORCHESTRATOR).leading
  for (const node of nodes) node.hear(wish('rebalance_load'))
  await world.advance(3_000)
  assert.deepEqual(
    nodes.map(node => [answers(node).map(({ isTaken }) => isTaken), node.state<number>('load-balancer')]),
    nodes.map(node => (node === first ? [[true], 1] : [[false], 0])),
  )
  world.kill(first)
  await world.advance(4_000)
  const second = leading()
  assert.ok(second.state<State>(ORCHESTRATOR).leading.fence > fence)
  second.hear(wish('rebalance_load'))
  await world.advance(3_000)
  assert.equal(second.state<number>('load-balancer'), 1)
})

test('an orchestrator that was cut off carries nothing out any more, and its late writes are refused (D35, D36)', async t => {
  const { world, leading } = await cluster(t)
  const first = leading()
  first.hear(wish('maintenance_window', { targets: 'api/a', duration: '10m' }))
  await world.advance(5_000)
  world.cutOff(first)
  await world.advance(4_000)
  const second = leading()
  assert.notEqual(second, first)
  first.hear(wish('rebalance_load'))
  await world.advance(2_000)
  assert.equal(answers(first).at(-1)!.isTaken, false)
  assert.equal(first.state<number>('load-balancer'), 0)
  world.reconnect(first)
  await world.advance(5_000)
  // What the second has written since stands: one maintenance is under way, once.
  assert.deepEqual(leading(), second)
  const entry = await read(world, 'cluster/operations')
  assert.equal(entry.fence, second.state<State>(ORCHESTRATOR).leading.fence)
  assert.deepEqual(
    (entry.value as { running: { operation: string }[] }).running.map(({ operation }) => operation),
    ['maintenance_window'],
  )
})

async function read(world: SeveralNodes, key: string): Promise<{ fence: number; value: unknown }> {
  const store = world.sequencer.open()
  let found: { fence: number; value: unknown } | undefined
  void store.get(key).then(entry => {
    found = JSON.parse(entry!.value) as never
  })
  await world.advance(50)
  return found!
}

test('maintenance is kept by all nodes, and goes on when the one that leads is killed (AC-38, AC-39)', async t => {
  const { world, leading, nodes } = await cluster(t)
  const first = leading()
  first.hear(wish('maintenance_window', { targets: 'api/a', duration: '60s' }))
  await world.advance(5_000)
  for (const node of nodes) assert.deepEqual(out(node), ['a held'], node.name)
  world.kill(first)
  const others = nodes.filter(node => node !== first)
  for (let i = 0; i < 10; i++) {
    await world.advance(1_000)
    for (const node of others) assert.deepEqual(out(node), ['a held'], node.name)
  }
  await world.advance(60_000)
  for (const node of others) assert.deepEqual(out(node), [], node.name)
  const finished = leading()
    .told.filter(operationFinished.is)
    .map(({ data }) => data)
  assert.deepEqual(
    finished.map(({ operation, status }) => `${operation} ${status}`),
    ['maintenance_window done'],
  )
})

test('all nodes come to one state by snapshot and delta, whoever joins late or was cut off too (AC-38, AC-2)', async t => {
  const { world, leading, standby, nodes } = await cluster(t)
  const config = (digest: string) => configChanged.of({ version: 2, digest, changes: [] })
  const quarantine = (id: string) => {
    const ref = { row: 0, generation: 1, service: 'api', id }
    return endpointQuarantined.of({
      ...ref,
      reason: 'failed',
      by: 'x',
      standing: 'confirmed',
      forMs: 1,
      times: 1,
      proposal: null,
    })
  }
  const first = leading()
  first.hear(config('d1'))
  first.hear(quarantine('b'))
  await world.advance(1_000)
  const hashes = (some: readonly Node[] = nodes) =>
    new Set(some.map(node => hashOf(node.state<State>(ORCHESTRATOR).cluster)))
  assert.equal(hashes().size, 1)
  const cut = standby()[0]!
  world.cutOff(cut)
  first.hear(topologyUpdated.of({ version: 1, nodes: ['n3', 'n1', 'n2'], connections: {} }))
  first.hear(quarantine('c'))
  await world.advance(1_000)
  assert.equal(hashes().size, 2, 'who is cut off does not know')
  world.reconnect(cut)
  await world.advance(2_000)
  assert.equal(hashes().size, 1)
  assert.deepEqual(cut.state<State>(ORCHESTRATOR).cluster.quarantine!.value, ['api/b', 'api/c'])
  world.kill(cut)
  await world.advance(1_000)
  world.start(cut)
  first.hear(endpointReleased.of({ row: 0, generation: 1, service: 'api', id: 'b', because: 'recovered' }))
  await world.advance(2_000)
  assert.equal(hashes().size, 1)
  assert.deepEqual(cut.state<State>(ORCHESTRATOR).cluster.topology!.value, { nodes: ['n1', 'n2', 'n3'] })
  const told = cut.told.filter(clusterStateChanged.is).map(({ data }) => data)
  assert.equal(told.at(-1)!.hash, [...hashes()][0])
})

test('applyDelta() takes over what is newer than what is known, and nothing older, in whatever order it comes (AC-2)', () => {
  const record = (name: string, revision: number, value: unknown) => ({ name, fence: 1, revision, value })
  const delta = [record('config', 3, 'c3'), record('topology', 5, 't5'), record('operations', 6, 'not a part of it')]
  const one = applyDelta({}, delta)
  assert.deepEqual(one.changed, ['config', 'topology'])
  const two = applyDelta(one.state, [record('config', 2, 'c2'), record('topology', 9, 't9')])
  assert.deepEqual([two.changed, two.stale], [['topology'], ['config']])
  const other = [
    record('topology', 9, 't9'),
    record('config', 3, 'c3'),
    record('topology', 5, 't5'),
    record('config', 2, 'c2'),
  ]
  const late = other.reduce((state, each) => applyDelta(state, [each]).state, {})
  assert.equal(hashOf(late), hashOf(two.state))
  assert.notEqual(hashOf(one.state), hashOf(two.state))
})

test('roles are asked beside each other: two that are silent cost fifteen seconds together (D15)', async t => {
  const agents = (node: string) =>
    node === 'n1' ? [clusterOrchestrator] : [silent(node === 'n2' ? 'load-balancer' : 'health-monitor')]
  const world = await SeveralNodes.of(t, agents, ['n1', 'n2', 'n3'], { config: FOUR })
  await world.advance(2_000)
  const [first, ...others] = world.nodes as readonly [Node, Node, Node]
  for (const node of others) world.kill(node)
  const options = { type: 'node_failure', subject: 'api/a' }
  first.hear(operationRequested.of({ operation: 'handle_emergency', options, by: 'test' }))
  await world.advance(14_000)
  assert.deepEqual(first.told.filter(emergencyEscalated.is), [])
  await world.advance(2_000)
  const [{ data }] = first.told.filter(emergencyEscalated.is) as [SignalOf<typeof emergencyEscalated>]
  assert.equal(data.because, 'partial_coordination_failure: load-balancer expired, health-monitor expired')
})

test('an emergency that lasts too long is escalated by the node that leads, and by no other', async t => {
  const config = { ...FOUR, agents: { 'cluster-orchestrator': { emergencies: { nodeFailure: '5s' } } } }
  const { world, leading, nodes } = await cluster(t, ['n1', 'n2', 'n3'], { config })
  const change = { node: 'n9', incarnation: 1, phi: 9, reason: 'silent', from: 'suspect', to: 'dead' } as const
  for (const node of nodes) node.hear(nodeHealthChanged.of(change))
  await world.advance(8_000)
  const escalated = nodes.filter(node =>
    node.told.some(signal => emergencyEscalated.is(signal) && signal.data.level === 2),
  )
  assert.deepEqual(escalated, [leading()])
})

test('a node that is drained begins nothing new, ends what runs, and hands the lead on; it leads again only when it joins (AC-34)', async t => {
  const { world, leading, nodes } = await cluster(t)
  const first = leading()
  const told = () => first.told.filter(lifecycleChanged.is).map(({ data }) => `${data.phase}: ${data.because}`)
  const ask = (deed: 'join' | 'drain' | 'leave' | 'restart') =>
    first.hear(lifecycleRequested.of({ deed, deadlineMs: 20_000, by: 'test' }))
  first.hear(wish('maintenance_window', { targets: 'api/a', duration: '10s' }))
  await world.advance(3_000)
  ask('drain')
  await world.advance(1_000)
  first.hear(wish('rebalance_load'))
  await world.advance(1_000)
  assert.equal(answers(first).at(-1)!.because, 'this node is draining')
  assert.deepEqual(told(), [])
  await world.advance(18_000)
  assert.deepEqual(told(), ['drained: nothing was under way any more'])
  assert.notEqual(leading(), first)
  ask('join')
  await world.advance(1_000)
  for (const node of nodes) if (node !== first) world.kill(node)
  await world.advance(5_000)
  assert.equal(leading(), first)
  const { fence } = first.state<State>(ORCHESTRATOR).leading
  ask('restart')
  await world.advance(8_000)
  assert.ok(first.state<State>(ORCHESTRATOR).leading.fence > fence, 'a term of its own')
  first.hear(wish('maintenance_window', { targets: 'api/a', duration: '10m' }))
  await world.advance(3_000)
  ask('leave')
  await world.advance(26_000)
  assert.deepEqual(told().slice(-2), ['joined: nothing was under way any more', 'left: 1 operations were handed over'])
  assert.deepEqual(out(first), ['a held'], 'whoever leads next goes on with it')
})

test('a node that ends in order leaves the registry at once, and another one leads without waiting for a lease (AC-34)', async t => {
  const { world, leading } = await cluster(t)
  const first = leading()
  const registered = async (): Promise<number> => {
    const store = world.sequencer.open()
    let keys = 0
    void store.list('registry/').then(({ entries }) => {
      keys = entries.length
    })
    await world.advance(50)
    return keys
  }
  assert.equal(await registered(), 6)
  first.crew!.close()
  first.crew = undefined
  await world.advance(300)
  assert.equal(await registered(), 4)
  assert.notEqual(leading(), first)
})

test('without a store an orchestrator acts for its own node alone, and says so', async t => {
  const world = await SeveralNodes.of(t, [clusterOrchestrator, counting], ['n1'], { config: FOUR, hasStore: false })
  await world.advance(2_000)
  const [node] = world.nodes as readonly [Node]
  assert.equal(node.state<State>(ORCHESTRATOR).leading.because, 'there is no store')
  node.hear(wish('rebalance_load'))
  node.hear(wish('maintenance_window', { targets: 'api/a', duration: '10s' }))
  node.hear(configChanged.of({ version: 2, digest: 'd', changes: [] }))
  await world.advance(5_000)
  assert.deepEqual(out(node), ['a held'])
  assert.equal(node.state<State>(ORCHESTRATOR).cluster.config!.value, 'd')
  await world.advance(15_000)
  const finished = node.told.filter(operationFinished.is).map(({ data }) => `${data.operation} ${data.status}`)
  assert.deepEqual(finished, ['rebalance_load done', 'maintenance_window done'])
  assert.deepEqual(out(node), [])
  assert.deepEqual(node.faults, [])
})
