import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  act,
  Bridge,
  createTestControlPlane,
  defineAction,
  defineAgent,
  defineSignal,
  startSequencer,
  stay,
  trusted,
} from '../../agents/index.ts'
import { createSignalbox } from '../../engine/index.ts'
import { eventually } from '../support/eventually.ts'

const NAMES = ['health-monitor', 'failure-detector', 'load-balancer']

const wished = defineSignal('acme.quarantine.wished', { data: trusted<{ subject: string }>() })
const settled = defineSignal('acme.quarantine.settled', { data: trusted<{ status: string; fence: number }>() })

const propose = defineAction({
  name: 'propose',
  done: settled,
  async run(subject: string, { bridge }) {
    const reference = bridge!.startConsensus(NAMES, { type: 'quarantine', subject, episode: 0, payload: null }, 3_000)
    const { status, fence } = await bridge!.result(reference)
    return { status, fence }
  },
})

/** An agent that proposes what it is told to, and votes for what is not about an endpoint it holds dear. */
function voter(name: string, dear: string) {
  return defineAgent({
    name,
    role: name,
    listens: [wished],
    actions: [propose],
    capabilities: ['quarantine'],
    start: () => stay([] as readonly { status: string; fence: number }[]),
    decide(results, signal) {
      if (signal.type === 'acme.quarantine.settled') return stay([...results, signal.data])
      return { state: results, directives: name === NAMES[0] ? [act(propose, signal.data.subject)] : [] }
    },
    vote: (_, { subject }) =>
      subject === dear ? { ballot: 'no', reason: 'it is dear' } : { ballot: 'yes', reason: 'why not' },
  })
}

async function agreeing() {
  const agents = Object.fromEntries(NAMES.map((name, i) => [name, voter(name, i === 0 ? 'nobody' : 'api/dear')]))
  const plane = createTestControlPlane({ agents })
  const config = { services: { api: { endpoints: [{ id: 'a', url: 'http://127.0.0.1:1' }] } } }
  const box = await createSignalbox(config, { control: plane })
  await plane.advance(1_000)
  return { plane, box }
}

interface Shown {
  readonly registration: { readonly revision: number } | null
  readonly consensusParticipation: readonly string[]
  readonly coordinationHistory: readonly { readonly subject: string; readonly status: string }[]
}

test('agents decide together by what each knows, and each hears what became of it', async t => {
  const { plane, box } = await agreeing()
  t.after(() => box.close())
  plane.hear(wished.of({ subject: 'api/a' }))
  await plane.advance(1_000)
  plane.hear(wished.of({ subject: 'api/dear' }))
  await plane.advance(10_000)
  const results = plane.state('health-monitor') as { status: string; fence: number }[]
  assert.deepEqual(
    results.map(({ status }) => status),
    ['accepted', 'rejected'],
  )
  assert.ok(results[0]!.fence < results[1]!.fence, 'a later decision has a higher fence')
  for (const name of NAMES) {
    const { registration, consensusParticipation, coordinationHistory } = plane.control.report!(name) as Shown
    assert.ok(registration !== null, `${name} is registered`)
    assert.deepEqual(consensusParticipation, [])
    assert.deepEqual(
      coordinationHistory.map(({ subject, status }) => `${subject} ${status}`),
      ['api/a accepted', 'api/dear rejected'],
    )
  }
})

test('a proposal goes on without an agent that was killed, and is decided by those that are left', async t => {
  const { plane, box } = await agreeing()
  t.after(() => box.close())
  await plane.control.kill('load-balancer')
  plane.hear(wished.of({ subject: 'api/a' }))
  await plane.advance(10_000)
  const [result] = plane.state('health-monitor') as { status: string }[]
  assert.equal(result!.status, 'accepted')
})

test('a Bridge serves without agents: who is registered decides, one leads, and all meet', async t => {
  const sequencer = await startSequencer()
  const bridges = ['one', 'two', 'three'].map(
    agent => new Bridge(sequencer.open(), { agent, incarnation: 1, vote: () => ({ ballot: 'yes', reason: 'a test' }) }),
  )
  t.after(async () => {
    for (const bridge of bridges) await bridge.close()
    await sequencer.close()
  })
  for (const bridge of bridges) bridge.register({ role: 'worker', capabilities: ['work'], health: 'healthy' })
  const [bridge] = bridges as [Bridge]
  await eventually('all are there', () => bridge.findByCapability('work').length === 3)
  const names = bridge.discover({ role: 'worker' }).map(({ agent }) => agent)
  const reference = bridge.startConsensus(names, { type: 'go', subject: 'all', episode: 0, payload: null }, 5_000)
  const { status, fence } = await bridge.result(reference)
  assert.equal(status, 'accepted')
  assert.ok(bridge.fences !== undefined && fence > 0)
  const leads: string[] = []
  for (const [i, each] of bridges.entries()) each.lead('boss', () => leads.push(names[i]!))
  await eventually('one leads', () => leads.length === 1)
  const met = await Promise.all(bridges.map(each => each.barrier('noon', names, { episode: 0, timeoutMs: 5_000 })))
  assert.deepEqual(
    met.map(({ status }) => status),
    ['passed', 'passed', 'passed'],
  )
})
