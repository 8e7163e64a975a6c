import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { defineAction } from '../../../../agents/kit/grammar/action.ts'
import { defineAgent } from '../../../../agents/kit/grammar/agent.ts'
import { act, stay } from '../../../../agents/kit/grammar/directive.ts'
import { trusted } from '../../../../agents/kit/grammar/schema.ts'
import { defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { topologyUpdated } from '../../../../agents/kit/member/membership-signals.ts'
import { leaderChanged, rightsChanged } from '../../../../agents/signals.ts'
import { leadership } from '../../../../agents/skills/agreement/leadership.ts'
import { mayAct } from '../../../../agents/skills/agreement/office.ts'
import { type Node, SeveralNodes, type SeveralOptions } from '../../several-nodes.ts'
import { checkTwoMounts } from '../two-mounts.ts'

const leads = leadership.mount('leadership', { role: 'conductor', leaseMs: () => 3_000 })

const stepWished = defineSignal('acme.step.wished', { data: trusted<null>() })
const stepMade = defineSignal('acme.step.made', { data: trusted<boolean>() })

const makeStep = defineAction({
  name: 'make-step',
  done: stepMade,
  run: (fence: number, edge) => mayAct(edge, 'conductor', fence),
})

/** Leads, and makes a step under the fence it has, or had last, when somebody wishes it. */
const conductor = defineAgent({
  ...{
    name: 'conductor',
    role: 'conductor',
    listens: [leaderChanged, stepWished],
    actions: [makeStep],
    skills: [leads],
  },
  start: () => stay({ fence: -1, steps: [] as readonly boolean[] }),
  decide(state, signal) {
    if (signal.type === 'signalbox.leader.changed')
      return stay(signal.data.isHere ? { ...state, fence: signal.data.fence } : state)
    if (signal.type === 'acme.step.made') return stay({ ...state, steps: [...state.steps, signal.data] })
    return { state, directives: [act(makeStep, state.fence)] }
  },
})

async function three(t: TestContext, options: SeveralOptions = {}) {
  const world = await SeveralNodes.of(t, [conductor], ['n1', 'n2', 'n3'], options)
  const slice = (node: Node) => node.slice('conductor', leads)
  const leading = () => world.nodes.filter(node => node.crew !== undefined && slice(node).standing === 'leader')
  const step = async (node: Node): Promise<boolean> => {
    node.hear(stepWished.of(null))
    await world.advance(10)
    return node.state<{ steps: boolean[] }>('conductor').steps.at(-1)!
  }
  return { world, slice, leading, step }
}

test('leadership: of three nodes one leads, and another one takes over within a lease when it is killed (AG-4, D35, SK-24)', async t => {
  const { world, slice, leading, step } = await three(t)
  await world.advance(500)
  const [first] = leading()
  assert.equal(leading().length, 1)
  assert.equal(await step(first!), true)
  const { fence } = slice(first!)
  world.kill(first!)
  await world.advance(4_000)
  const [second] = leading()
  assert.equal(leading().length, 1)
  assert.ok(slice(second!).fence > fence)
  assert.equal(await step(second!), true)
})

test('leadership: who cannot keep its lease stops before another one begins, and its late steps are not made (D35)', async t => {
  const { world, slice, leading, step } = await three(t)
  await world.advance(500)
  const first = leading()[0]!
  world.cutOff(first)
  let both = 0
  for (let ms = 0; ms < 6_000; ms += 50) {
    await world.advance(50)
    if (leading().length > 1) both++
  }
  assert.equal(both, 0, 'at no moment do two take themselves for the leader')
  assert.equal(slice(first).standing, 'candidate')
  assert.equal(await step(first), false, 'a step under the fence it had')
  assert.equal(await step(leading()[0]!), true)
  world.reconnect(first)
  await world.advance(3_000)
  assert.equal(await step(first), false)
  assert.equal(leading().length, 1)
})

test('leadership: who may not decide resigns at once, stands no more, and does again when it may', async t => {
  const { world, slice, leading } = await three(t)
  await world.advance(500)
  const first = leading()[0]!
  first.hear(rightsChanged.of({ mayDecide: false, because: 'it is on the smaller side' }))
  await world.advance(200)
  assert.equal(slice(first).standing, 'barred')
  assert.equal(leading().length, 1, 'the next one need not wait for a lease to run out')
  world.kill(leading()[0]!)
  for (const node of world.nodes) node.hear(rightsChanged.of({ mayDecide: false, because: 'a test' }))
  await world.advance(4_000)
  assert.deepEqual(leading(), [])
  first.hear(rightsChanged.of({ mayDecide: true, because: 'together again' }))
  await world.advance(500)
  assert.equal(slice(first).standing, 'leader')
  const told = first.told.filter(leaderChanged.is).map(({ data }) => data.standing)
  assert.deepEqual(told, ['leader', 'barred', 'candidate', 'leader'])
})

test('leadership: without a store it acts alone and says so, but not where it knows of another node', async t => {
  const { world, slice, step } = await three(t, { hasStore: false })
  await world.advance(100)
  const [node] = world.nodes
  assert.equal(slice(node!).standing, 'alone')
  assert.equal(node!.told.filter(leaderChanged.is)[0]!.data.because, 'there is no store')
  assert.equal(await step(node!), true)
  node!.hear(topologyUpdated.of({ version: 1, nodes: ['n1', 'n2'], connections: {} }))
  await world.advance(100)
  assert.equal(slice(node!).standing, 'candidate')
})

test('leadership: a store that stays silent is done without by who is alone, until it answers', async t => {
  const world = await SeveralNodes.of(t, [conductor], ['n1'])
  const [node] = world.nodes as readonly [Node]
  world.cutOff(node)
  await world.advance(9_000)
  assert.notEqual(node.slice('conductor', leads).standing, 'alone', 'a sequencer that begins anew is waited for')
  await world.advance(6_000)
  assert.equal(node.slice('conductor', leads).standing, 'alone')
  world.reconnect(node)
  await world.advance(5_000)
  assert.equal(node.slice('conductor', leads).standing, 'leader')
})

test('leadership mounted twice keeps two states, and unmounted hears nothing more (SK-24)', () => {
  checkTwoMounts({
    skill: leadership,
    options: [
      { role: 'a', leaseMs: () => 1_000 },
      { role: 'b', leaseMs: () => 1_000 },
    ],
    heard: rightsChanged.of({ mayDecide: false, because: 'a test' }),
    of: ({ standing, mayDecide }) => [standing, mayDecide],
  })
})
