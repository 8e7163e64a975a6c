import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type AgentReport, agents, createAgents, ROSTER } from '../../agents/index.ts'
import { createSignalbox } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'

/** A box with agents in real threads, and two endpoints of which `b` fails its checks while `isIll`. */
async function planeOf(t: TestContext, control = agents) {
  const world = { isIll: false }
  const servers = ['a', 'b'].map(id =>
    createServer((_, response) => response.writeHead(world.isIll && id === 'b' ? 503 : 200).end()),
  )
  await Promise.all(servers.map(server => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))))
  const endpoints = servers.map((server, i) => ({
    id: 'ab'[i]!,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  }))
  const healthCheck = { path: '/', interval: '50ms', timeout: '5s' } as const
  const box = await createSignalbox({ services: { api: { endpoints, healthCheck } } }, { control })
  t.after(async () => {
    await box.close()
    for (const server of servers) server.close()
  })
  return { box, plane: box.control!, world }
}

interface Report {
  readonly agentId: string
  readonly registration: { readonly revision: number } | null
  readonly lastHeartbeat: number | null
  readonly madeOf: AgentReport['madeOf']
  readonly peerConnections: Readonly<Record<string, unknown>>
}

test('every agent reports sixteen things of itself and what it is made of, is registered on a lease, and knows the others', async t => {
  const { plane } = await planeOf(t)
  const reportOf = (name: string) => plane.report!(name) as Report | undefined
  for (const { name } of ROSTER) {
    await eventually(`${name} is registered`, () => (reportOf(name)?.registration?.revision ?? 0) > 0, 20_000)
    const { madeOf, ...sixteen } = reportOf(name)!
    assert.equal(Object.keys(sixteen).length, 16)
    assert.deepEqual(Object.keys(madeOf), ['actions', 'sensors', 'skills', 'listens', 'emits', 'writes'])
    assert.ok(madeOf.skills.includes('membership') && madeOf.emits.includes('signalbox.agent.heartbeat'), name)
    assert.equal(reportOf(name)!.agentId, `${name}@local`)
  }
  await eventually(
    'all have heard of all others',
    () => ROSTER.every(({ name }) => Object.keys(reportOf(name)!.peerConnections).length === ROSTER.length - 1),
    20_000,
  )
})

test('an agent that was killed is registered anew, in a later life', async t => {
  const { plane } = await planeOf(t)
  const revision = (): number => (plane.report!('load-balancer') as Report | undefined)?.registration?.revision ?? 0
  await eventually('it is registered', () => revision() > 0, 20_000)
  const before = revision()
  await plane.kill('load-balancer')
  await eventually('it is registered again', () => revision() > before, 20_000)
})

test('ask() gets the health of an agent in another thread, and who nobody answers is told how the agents stand', async t => {
  const { plane } = await planeOf(t)
  const question = { type: 'signalbox.agent.health-requested', data: { requester: 'test' } }
  const answer = await plane.ask!(question, { timeoutMs: 5_000 })
  assert.equal(answer.type, 'signalbox.agent.health-reported')
  await assert.rejects(plane.ask!({ type: 'signalbox.nobody.asked', data: null }, { timeoutMs: 5_000 }), {
    code: 'SBX_SIGNAL_UNKNOWN',
  })
  await assert.rejects(plane.ask!({ ...question, data: {} }, { timeoutMs: 5_000 }), { code: 'SBX_SIGNAL_INVALID' })
  const told = { type: 'signalbox.topology.updated', data: { version: 1, nodes: [], connections: {} } }
  await assert.rejects(plane.ask!(told, { timeoutMs: 200 }), {
    code: 'SBX_AGENT_SILENT',
    message: /none within 200 ms; the agents: health-monitor running, heartbeat \d+ ms ago, \d+ signals handled/,
  })
})

test('ask() that is aborted rejects with the reason', async t => {
  const { plane } = await planeOf(t)
  const told = { type: 'signalbox.topology.updated', data: { version: 2, nodes: [], connections: {} } }
  const asking = plane.ask!(told, { timeoutMs: 60_000, signal: AbortSignal.timeout(100) })
  await assert.rejects(asking, { name: 'TimeoutError' })
})

test('what is told from outside and is not what it says is a dead letter of who listens, and can be given another try', async t => {
  const { plane } = await planeOf(t)
  const event = {
    ...{ specversion: '1.0', id: '1', source: '/test', type: 'signalbox.agent.heartbeat' },
    ...{ datacontenttype: 'application/json', data: { agent: 'x' } },
  }
  const message = {
    headers: { 'content-type': ['application/cloudevents+json'] },
    body: Buffer.from(JSON.stringify(event)),
  }
  const told = await plane.tell!(message)
  assert.equal(told.isTaken, false)
  assert.match((told as { fault: string }).fault, /role: is missing, write a string/)
  assert.equal(await plane.redrive!(), 0)
  await assert.rejects(plane.redrive!('nobody'), { code: 'SBX_AGENT_UNKNOWN' })
  assert.deepEqual(
    (await plane.deadLetters!()).map(({ agent }) => agent),
    ROSTER.map(({ name }) => name),
  )
})

test('explain() says for each word of an endpoint who wrote it, when, and which signals led there', async t => {
  const { box, plane, world } = await planeOf(t)
  world.isIll = true
  await eventually('b is out', () => box.explain('api').endpoints.some(({ isPickable }) => !isPickable), 20_000)
  await eventually('that is explained', () => plane.explain!('api', 'b').unhealthyBar !== undefined, 20_000)
  const { unhealthyBar, health } = plane.explain!('api', 'b')
  assert.deepEqual([unhealthyBar!.by, unhealthyBar!.value, health!.value], ['health-monitor', 1, 3])
  const [nearest] = unhealthyBar!.chain as { type: string }[]
  assert.equal(nearest!.type, 'signalbox.endpoint.checked')
  // What the load balancer did about it leads back to the fact it heard.
  world.isIll = false
  await eventually('b is back', () => box.explain('api').endpoints.every(({ isPickable }) => isPickable), 20_000)
})

test('agents that have nothing to agree through run unregistered, and that is said', async t => {
  const { plane } = await planeOf(t, createAgents({ storeFile: '/nowhere/at/all' }))
  assert.deepEqual([...new Set(plane.status().map(({ state }) => state))], ['running'])
  await eventually('it has reported', () => plane.report!('load-balancer') !== undefined, 20_000)
  assert.equal((plane.report!('load-balancer') as Report).registration, null)
})
