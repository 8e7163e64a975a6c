import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentHeartbeat } from '../../../agents/kit/member/membership-signals.ts'
import { partitionHandler } from '../../../agents/partition-handler/agent.ts'
import { remember } from '../../../agents/partition-handler/state.ts'
import { type NodeSeen, nodesSeen } from '../../../agents/signals/nodes.ts'
import type { NodeState } from '../../../agents/signals.ts'
import { watchedOf } from '../cluster/watched-cluster.ts'
import { Stage } from '../stage.ts'

const NODES = [...'abcde']

/** The handler of node a of five, told each second how it sees the others. */
function stage() {
  const world = new Stage(partitionHandler, {}, []).start()
  let states: Record<string, NodeState> = {}
  const row = (node: string): NodeSeen => {
    const state = states[node] ?? 'alive'
    const isHeard = state === 'alive'
    const hears = NODES.filter(each => each !== node && (states[each] ?? 'alive') === 'alive')
    return {
      ...{ node, incarnation: 1_000, rank: 0, state, isHeard, phi: 0, silenceMs: 0, missing: [], more: 0 },
      ...{
        roundTripMs: null,
        roundTripMsP95: null,
        hears: isHeard ? hears : NODES.filter(each => (states[each] ?? 'alive') === state),
      },
    }
  }
  const see = async (seconds: number, now: Record<string, NodeState> = {}): Promise<void> => {
    states = now
    for (let second = 0; second < seconds; second++) {
      world.hear(
        nodesSeen.of({ node: 'a', incarnation: 1_000, rank: 0, localHealth: 0, others: NODES.slice(1).map(row) }),
      )
      await world.advance(1_000, 100)
    }
  }
  const said = (): string[] => world.said.splice(0).map(line => line.replace(/ .*/, ''))
  /** What was told since this was last asked, by type, and what it carried. */
  const told = (): [string, never][] => world.sent.splice(0).map(({ type, data }) => [type.slice(10), data as never])
  return { world, see, said, told }
}

const GONE = { d: 'dead', e: 'dead' } as const
const LESSER = { c: 'dead', d: 'dead', e: 'dead' } as const

test('partition handler keeps quiet where one node has crashed, and takes it for gone', async () => {
  const { see, told, world } = stage()
  await see(3)
  await see(10, { e: 'dead' })
  assert.deepEqual(told(), [])
  assert.deepEqual([...(world.state as { members: Map<string, number> }).members.keys()], ['a', 'b', 'c', 'd'])
  // Of those four, two more are half, with the first among them: it is still this side that decides.
  await see(10, { e: 'dead', d: 'dead', c: 'suspect' })
  assert.deepEqual(
    told().map(([type, { verdict }]) => `${type} ${verdict}`),
    ['partition.detected keep'],
  )
})

test('partition handler tells of a partition once, and of its end (AG-7)', async () => {
  const { see, told } = stage()
  await see(3)
  await see(20, GONE)
  const [[type, data], ...more] = told()
  assert.equal(type, 'partition.detected')
  assert.deepEqual(data, {
    ...{
      partition: 'e2abacc4',
      sides: [
        ['a', 'b', 'c'],
        ['d', 'e'],
      ],
      here: 0,
    },
    ...{ strategy: 'keep-majority', verdict: 'keep' },
  })
  assert.deepEqual(more, [])
  await see(3)
  const types = told().map(([each]) => each)
  assert.deepEqual(types, ['partition.healed', 'peers.asked'])
})

test('partition handler tells the end of each partition it has told of, where one follows on another', async () => {
  const { see, told } = stage()
  await see(3)
  await see(20, LESSER)
  await see(20, { b: 'dead', ...LESSER })
  await see(3)
  const partitions = told().flatMap(([type, { partition }]) =>
    type.startsWith('partition') ? [[type, partition]] : [],
  )
  const [first, second] = partitions.filter(([type]) => type === 'partition.detected').map(([, id]) => id)
  assert.notEqual(first, second)
  assert.deepEqual(partitions, [
    ['partition.detected', first],
    ['partition.healed', first],
    ['partition.detected', second],
    ['partition.healed', second],
  ])
})

test('partition handler tells of the end where a node of the other side does not come back, on either side', async () => {
  for (const lost of [GONE, LESSER]) {
    const { see, told } = stage()
    await see(3)
    await see(20, lost)
    told()
    await see(4, { e: 'dead' })
    assert.ok(!told().some(([type]) => type === 'partition.healed'), 'it may still come')
    await see(16, { e: 'dead' })
    assert.ok(told().some(([type]) => type === 'partition.healed'))
  }
})

test('partition handler withholds rights as soon as this may be the lesser side, and concludes when nothing has changed for 7 s', async () => {
  const { see, told } = stage()
  await see(3)
  await see(1, { c: 'suspect', d: 'suspect', e: 'suspect' })
  assert.deepEqual(told(), [['node.rights-changed', { mayDecide: false, because: '2 of 5 nodes are here' }]])
  await see(6, LESSER)
  assert.deepEqual(told(), [])
  await see(3, LESSER)
  assert.deepEqual(
    told().map(([type]) => type),
    ['partition.detected'],
  )
  await see(1)
  assert.deepEqual(told()[0], ['node.rights-changed', { mayDecide: true, because: 'all nodes are here' }])
})

test('partition handler has nobody decide where nodes come and go for too long', async () => {
  const { see, told } = stage()
  await see(3)
  for (let i = 0; i < 7; i++) await see(2, i % 2 === 0 ? { e: 'dead' } : { e: 'dead', d: 'suspect' })
  // 7 s and three quarters of it: at 12.25 s.
  assert.deepEqual(told(), [['node.rights-changed', { mayDecide: false, because: 'the nodes come and go' }]])
  await see(10, { e: 'dead' })
  assert.deepEqual(
    told().map(([type, { mayDecide }]) => `${type} ${mayDecide}`),
    ['node.rights-changed true'],
  )
})

test('partition handler calls for a person once a partition lasts for 300 s', async () => {
  const { see, told } = stage()
  await see(3)
  await see(320, GONE)
  const types = told().map(([type]) => type)
  assert.deepEqual(types, ['partition.detected', 'incident.human-needed'])
})

test('partition handler tells an agent that has started since that there are no rights', async () => {
  const { see, told, world } = stage()
  const beat = (incarnation: number): void =>
    world.hear(
      agentHeartbeat.of({
        ...{ agent: 'health-monitor', role: 'health-monitor', node: 'a', incarnation, health: 'healthy', queued: 0 },
      }),
    )
  await see(3)
  beat(1)
  await see(3, LESSER)
  told()
  beat(1)
  await world.advance(10)
  assert.deepEqual(told(), [])
  beat(2)
  await world.advance(10)
  assert.deepEqual(
    told().map(([type, { mayDecide }]) => `${type} ${mayDecide}`),
    ['node.rights-changed false'],
  )
})

test('partition handler that is restarted says again whether there are rights, and learns from the first look who is missing', async () => {
  const { see, told, world } = stage()
  await see(3)
  await see(3, LESSER)
  told()
  world.start()
  await see(1, LESSER)
  assert.deepEqual(
    told().map(([type, { mayDecide }]) => `${type} ${mayDecide}`),
    ['node.rights-changed false'],
  )
  world.start()
  await see(1)
  assert.deepEqual(
    told().map(([type, { mayDecide }]) => `${type} ${mayDecide}`),
    ['node.rights-changed true'],
  )
})

test('partition handler does not miss who has left', async () => {
  const { see, told, world } = stage()
  await see(3)
  await see(10, { c: 'left', d: 'left', e: 'left' })
  assert.deepEqual(told(), [])
  assert.deepEqual([...(world.state as { members: Map<string, number> }).members.keys()], ['a', 'b'])
})

test('remember() keeps ten ways to fall apart, each once', () => {
  const partition = {
    sides: [],
    lost: [],
    verdict: 'keep',
    sinceMs: 0,
    times: 1,
    isPersonCalled: false,
    back: 0,
    backMs: 0,
  } as const
  let history = remember([], { ...partition, id: 'x' })
  for (let i = 0; i < 12; i++) history = remember(history, { ...partition, id: `${i}` })
  assert.deepEqual(
    history.map(({ id }) => id),
    ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11'],
  )
  assert.deepEqual(remember(history, { ...partition, id: '5' }).at(-1), { ...partition, id: '5', times: 2 })
})

test('nodes go on without partition handlers: all keep their rights', async t => {
  const watched = await watchedOf(t, 3, { cluster: { agents: { 'partition-handler': null } } })
  await watched.cluster.advance(5_000)
  watched.cluster.partition([['a'], ['b'], ['c']])
  await watched.cluster.advance(20_000)
  assert.deepEqual(watched.view('a'), ['b suspect', 'c suspect'])
  assert.deepEqual(
    watched.told.filter(({ type }) => type === 'node.rights-changed'),
    [],
  )
})
