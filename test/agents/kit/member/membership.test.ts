import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { stay } from '../../../../agents/kit/grammar/directive.ts'
import { defineSensor } from '../../../../agents/kit/grammar/sensor.ts'
import { type Draft, defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { judgeHealth, type Membership, membership } from '../../../../agents/kit/member/membership.ts'
import {
  agentHeartbeat,
  consensusDecided,
  consensusOpened,
  healthRequested,
  topologyUpdated,
} from '../../../../agents/kit/member/membership-signals.ts'
import { reportOf } from '../../../../agents/kit/member/status.ts'
import { run, signal } from '../run/tiny-runner.ts'

const levelRead = defineSignal('signalbox.level.read')

const UNBROKEN = { isBroken: false }

const OPTIONS = { agent: 'health-monitor', role: 'health-monitor', node: 'n1', incarnation: 3, heartbeatMs: 1_000 }

/** An agent that is a member, and has a sensor that fails while its surroundings are broken. `revision`: of its entry in the registry. */
function member(place?: { revision: number; update(change: object): void }, surroundings = UNBROKEN) {
  const mounted = membership(OPTIONS)
  const agent = defineAgent({
    name: 'health-monitor',
    role: 'health-monitor',
    sensors: [
      defineSensor({
        name: 'level',
        emits: levelRead,
        everyMs: 100,
        start: () => null,
        read() {
          if (surroundings.isBroken) throw new Error('no level')
          return null
        },
        perceive: memory => ({ memory, readings: [] }),
      }),
    ],
    skills: [mounted],
    start: () => stay({ targets: 4 }),
    decide: state => stay(state),
    describe: state => state,
  })
  const world = run(agent, { edge: { place } })
  const config = { agents: { 'load-balancer': { enabled: true } } } as never
  return {
    ...world,
    hear: (draft: Draft) => world.runner.receive(signal(draft.type, draft.data)),
    slice: () => world.runner.slice(mounted),
    report: () =>
      reportOf(agent, world.runner.state, world.runner.slice(mounted), OPTIONS, { config, configVersion: 1 }),
  }
}

const beat = (agent: string, incarnation: number, health: 'healthy' | 'failed' = 'healthy') =>
  agentHeartbeat.of({ agent, role: agent, node: 'n2', incarnation, health, queued: 0 })

test('every agent sends a heartbeat at once and every interval, give or take a tenth of it', async () => {
  const { sent, advance, reports } = member()
  await advance(4_500)
  const beats = sent.filter(({ type }) => type === agentHeartbeat.type)
  assert.ok(beats.length === 5 || beats.length === 4, `${beats.length}`)
  assert.deepEqual(beats[0]!.data, {
    ...{ agent: 'health-monitor', role: 'health-monitor', node: 'n1', incarnation: 3 },
    health: 'healthy',
    queued: 0,
  })
  // The supervisor gets its report with each, and one at the start.
  assert.equal(reports(), beats.length + 1)
})

test('every agent answers for its health at once', () => {
  const { sent, hear } = member()
  hear(healthRequested.of({ requester: 'operator' }))
  const answer = sent.find(({ type }) => type === 'signalbox.agent.health-reported')!
  assert.equal(answer.causationid, 'x')
  assert.deepEqual((answer.data as { health: string }).health, 'healthy')
})

test('every agent tells that it is otherwise than before, why, and tells the registry', async () => {
  const updates: object[] = []
  const surroundings = { isBroken: true }
  const { sent, advance } = member({ revision: 7, update: change => updates.push(change) }, surroundings)
  await advance(1_500)
  surroundings.isBroken = false
  await advance(2_500)
  const changes = sent.filter(({ type }) => type === 'signalbox.agent.status-changed').map(({ data }) => data)
  assert.deepEqual(
    (changes as { from: string; to: string }[]).map(({ from, to }) => `${from} ${to}`),
    ['healthy degraded', 'degraded healthy'],
  )
  assert.match((changes as { reasons: string[] }[])[0]!.reasons[0]!, /^\d+ of its actions or sensors have failed$/)
  assert.deepEqual(updates, [{ health: 'degraded' }, { health: 'healthy' }])
})

test('judgeHealth() goes by what was dropped, what waits, how long decisions take and what failed since the last time', () => {
  const doing = { handled: 1, handledPerSecond: 1, handlingUsP99: 10, failures: 0, queued: 0, dropped: 0 }
  const before = { doing, droppedBefore: 0 } as Membership
  const healths = [
    doing,
    { ...doing, queued: 511 },
    { ...doing, queued: 512 },
    { ...doing, handlingUsP99: 100_000 },
    { ...doing, failures: 1 },
    { ...doing, dropped: 1 },
  ].map(each => judgeHealth(before, each).health)
  assert.deepEqual(healths, ['healthy', 'healthy', 'degraded', 'degraded', 'degraded', 'degraded'])
  const drowning = { doing: { ...doing, dropped: 5 }, droppedBefore: 1 } as Membership
  assert.equal(judgeHealth(drowning, { ...doing, dropped: 9 }).health, 'failed')
  assert.equal(judgeHealth(drowning, { ...doing, dropped: 5 }).health, 'healthy')
})

test('every agent knows the others by their heartbeats; an earlier life of one counts for nothing', () => {
  const { hear, slice } = member()
  hear(beat('load-balancer', 2))
  hear(beat('load-balancer', 1, 'failed'))
  const peer = slice().peers.get('load-balancer@n2')!
  assert.deepEqual([peer.incarnation, peer.health], [2, 'healthy'])
  assert.deepEqual(slice().knownNodes, ['n1', 'n2'])
})

test('every agent takes over a topology with a higher version, and no older one (D3)', () => {
  const { hear, slice } = member()
  const topology = (version: number, nodes: string[]) => topologyUpdated.of({ version, nodes, connections: {} })
  hear(topology(2, ['n1', 'n2']))
  hear(topology(1, ['n1', 'n2', 'n3']))
  assert.deepEqual(slice().topology.nodes, ['n1', 'n2'])
  assert.deepEqual(slice().knownNodes, ['n1', 'n2'])
})

test('every agent takes part in what it is to vote on, by its name or as that of its node, and in nothing else', () => {
  const { hear, slice } = member()
  const voters = ['health-monitor', 'health-monitor@n1', 'health-monitor@n2', 'load-balancer@n1']
  for (const voter of voters) {
    hear(consensusOpened.of({ id: voter, type: 'quarantine', subject: 'api/a', payload: {}, voters: [voter] }))
  }
  assert.deepEqual(slice().participation, ['health-monitor', 'health-monitor@n1'])
})

test('what every agent remembers is bounded: peers, open votes, decisions, nodes', () => {
  const { hear, slice } = member()
  for (let i = 0; i < 300; i++) hear(beat(`agent-${i}`, 1))
  for (let i = 0; i < 300; i++)
    hear(
      consensusOpened.of({
        id: `p${i}`,
        type: 'quarantine',
        subject: 'api/a',
        payload: {},
        voters: ['health-monitor'],
      }),
    )
  assert.equal(slice().peers.size, 256)
  assert.equal(slice().participation.length, 256)
  assert.equal(slice().participation[0], 'p44')
  for (let i = 44; i < 300; i++)
    hear(
      consensusDecided.of({
        id: `p${i}`,
        type: 'quarantine',
        subject: 'api/a',
        payload: {},
        status: 'accepted',
        fence: i,
      }),
    )
  assert.deepEqual(slice().participation, [])
  assert.equal(slice().coordinations.length, 100)
  hear(topologyUpdated.of({ version: 1, nodes: Array.from({ length: 2_000 }, (_, i) => `n${i}`), connections: {} }))
  assert.equal(slice().knownNodes.length, 1_024)
})

test('every agent reports sixteen things of itself, and what it is made of (AG-0)', async () => {
  const { report, advance } = member({ revision: 9, update() {} })
  await advance(10)
  const { agentId, clusterNode, registration, localState, lastHeartbeat, healthStatus } = report()
  const { madeOf, ...sixteen } = report()
  assert.equal(Object.keys(sixteen).length, 16)
  assert.ok(madeOf.skills.includes('membership'))
  assert.deepEqual(report().clusteringConfig, { heartbeatMs: 1_000, configVersion: 1 })
  assert.deepEqual(
    { agentId, clusterNode, registration, localState, lastHeartbeat, healthStatus },
    {
      agentId: 'health-monitor@n1',
      clusterNode: { node: 'n1', incarnation: 3 },
      registration: { revision: 9, registeredMs: 0 },
      localState: { targets: 4 },
      lastHeartbeat: 0,
      healthStatus: { health: 'healthy', reasons: [] },
    },
  )
  structuredClone(report())
})

test('every agent that loses its entry is unregistered until it has another (D23)', async () => {
  const place = { revision: 9, update() {} }
  const { slice, advance } = member(place)
  await advance(10)
  place.revision = 0
  await advance(1_200)
  assert.equal(slice().registration, null)
  place.revision = 12
  await advance(1_200)
  assert.equal(slice().registration?.revision, 12)
})

test('every agent that cannot be registered looks often for five seconds, and then with its heartbeats, which are as many as ever', async () => {
  let looks = 0
  let revision = 0
  const place = {
    get revision() {
      looks++
      return revision
    },
    update() {},
  }
  const { sent, advance, reports, slice } = member(place)
  const beats = () => sent.filter(({ type }) => type === agentHeartbeat.type).length
  await advance(60_000)
  // A heartbeat a second, give or take a tenth; looks at 0, 0.5 … 5 s, and then one a second.
  assert.ok(beats() >= 54 && beats() <= 68, `${beats()}`)
  assert.ok(looks >= 64 && looks <= 67, `${looks}`)
  assert.equal(reports(), beats() + 1)
  revision = 7
  await advance(1_100)
  assert.equal(slice().registration?.revision, 7)
  // What is lost then is looked for often again.
  revision = 0
  await advance(1_100)
  assert.equal(slice().registration, null)
  revision = 9
  await advance(600)
  assert.equal(slice().registration?.revision, 9)
})
