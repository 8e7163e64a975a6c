import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  act,
  createTestControlPlane,
  defineAction,
  defineAgent,
  defineSignal,
  stay,
  trusted,
} from '../../../../agents/index.ts'
import { coordinationType, readinessVote } from '../../../../agents/kit/member/readiness.ts'
import { createSignalbox } from '../../../../engine/index.ts'

test('readinessVote() takes part as long as the agent is not failed, and has no word on anything else (AC-6)', () => {
  const type = coordinationType('emergency')
  assert.deepEqual(
    (['healthy', 'degraded', 'failed'] as const).map(health => readinessVote({ type }, health)?.ballot),
    ['yes', 'yes', 'no'],
  )
  assert.equal(readinessVote({ type: 'quarantine' }, 'healthy'), undefined)
})

const asked = defineSignal('acme.motion.asked', { data: trusted<string>() })
const decided = defineSignal('acme.motion.decided', { data: trusted<Record<string, string>>() })

const propose = defineAction({
  name: 'propose',
  done: decided,
  async run(type: string, { bridge }) {
    const voters = bridge!.discover().map(({ agent }) => agent)
    const id = bridge!.startConsensus(
      voters,
      { type, subject: 'all', episode: 0, payload: null, rule: 'unanimous' },
      3_000,
    )
    const { status, votes } = await bridge!.result(id)
    return { status, ...votes }
  },
})

test('every agent votes once by its own policy, and by its health where it has none (AC-6)', async t => {
  let asks = 0
  const asker = defineAgent({
    ...{ name: 'health-monitor', role: 'health-monitor', listens: [asked], actions: [propose] },
    start: () => stay([] as readonly Record<string, string>[]),
    decide: (state, signal) =>
      signal.type === 'acme.motion.decided'
        ? stay([...state, signal.data])
        : { state, directives: [act(propose, signal.data)] },
    vote: () => {
      asks++
      return { ballot: 'no', reason: 'it is against everything' }
    },
  })
  const silent = defineAgent({
    ...{ name: 'load-balancer', role: 'load-balancer' },
    start: () => stay(null),
    decide: state => stay(state),
  })
  const plane = createTestControlPlane({
    agents: { 'health-monitor': asker, 'load-balancer': silent },
    roster: [
      { name: 'health-monitor', module: 'file:///none', restart: 'permanent' },
      { name: 'load-balancer', module: 'file:///none', restart: 'permanent' },
    ],
  })
  const box = await createSignalbox({ services: { api: {} } }, { control: plane })
  t.after(() => box.close())
  await plane.advance(1_000)
  for (const type of ['quarantine', coordinationType('roll-call')]) {
    plane.hear(asked.of(type))
    await plane.advance(4_000)
  }
  assert.deepEqual(plane.state('health-monitor'), [
    { status: 'rejected', 'health-monitor': 'no', 'load-balancer': 'abstain' },
    { status: 'rejected', 'health-monitor': 'no', 'load-balancer': 'yes' },
  ])
  assert.equal(asks, 2)
})
