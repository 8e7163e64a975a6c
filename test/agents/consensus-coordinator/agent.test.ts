import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { consensusCoordinator, type State } from '../../../agents/consensus-coordinator/agent.ts'
import { defineAgent } from '../../../agents/kit/grammar/agent.ts'
import { ask, stay } from '../../../agents/kit/grammar/directive.ts'
import { unanswered } from '../../../agents/kit/grammar/own-signals.ts'
import { trusted } from '../../../agents/kit/grammar/schema.ts'
import { defineSignal, type Signal, type SignalOf } from '../../../agents/kit/grammar/signal.ts'
import { coordinationType } from '../../../agents/kit/member/readiness.ts'
import { consensusSensed, motionDecided, motionRequested } from '../../../agents/signals.ts'
import { agreement } from '../../../agents/skills/agreement/agreement.ts'
import { type Node, SeveralNodes } from '../several-nodes.ts'
import { checkTwoMounts } from '../skills/two-mounts.ts'

type Motion = SignalOf<typeof motionRequested>['data']
type Decided = SignalOf<typeof motionDecided>['data']

const motionWished = defineSignal('acme.motion.wished', { data: trusted<Motion>() })

/** Asks for motions, and remembers what became of them. */
const asker = defineAgent({
  ...{ name: 'asker', role: 'asker', listens: [motionWished, motionDecided, unanswered], emits: [motionRequested] },
  start: () => stay([] as readonly (Decided | 'nothing')[]),
  decide(answers, signal: Signal) {
    if (motionWished.is(signal)) return { state: answers, directives: [ask(motionRequested.of(signal.data), 60_000)] }
    if (motionDecided.is(signal)) return stay([...answers, signal.data])
    return unanswered.is(signal) ? stay([...answers, 'nothing' as const]) : stay(answers)
  },
})

/** Votes for what is not about `dear`. */
const voter = defineAgent({
  ...{ name: 'voter', role: 'voter' },
  start: () => stay(null),
  decide: state => stay(state),
  vote: (_, { subject }) => ({ ballot: subject === 'dear' ? 'no' : 'yes', reason: 'a test' }),
})

const MOTION: Motion = {
  ...{ type: 'change', subject: 'it', role: 'voter', payload: { a: '1' }, timeoutMs: 5_000, rule: '' },
}

async function world(t: TestContext, names = ['n1', 'n2', 'n3']) {
  const several = await SeveralNodes.of(t, [consensusCoordinator, asker, voter], names)
  await several.advance(1_000)
  const wish = async (node: Node, more: Partial<Motion> = {}): Promise<void> => {
    node.hear(motionWished.of({ ...MOTION, ...more }))
    // The asker and the coordinator share a node: what one says the other hears a moment later.
    await several.advance(200)
  }
  const answers = (node: Node) => node.state<readonly (Decided | 'nothing')[]>('asker')
  return { several, nodes: several.nodes, wish, answers }
}

test('consensus-coordinator: all of a role decide, and whoever asked hears what became of it (AG-5, SK-4, D28)', async t => {
  const { nodes, wish, answers } = await world(t)
  await wish(nodes[0]!)
  await wish(nodes[0]!, { subject: 'dear' })
  const [accepted, rejected] = answers(nodes[0]!) as [Decided, Decided]
  assert.deepEqual([accepted.status, rejected.status], ['accepted', 'rejected'])
  assert.ok(accepted.fence > 0 && rejected.fence > accepted.fence)
  assert.match(accepted.because, /voter@n\d yes/)
})

test('consensus-coordinator: two nodes that ask for the same at once get one decision, and later another one (D30)', async t => {
  const { several, nodes, wish, answers } = await world(t)
  const [one, two, three] = nodes as readonly [Node, Node, Node]
  one.hear(motionWished.of(MOTION))
  one.hear(motionWished.of(MOTION))
  two.hear(motionWished.of(MOTION))
  await several.advance(500)
  const first = [...answers(one), ...answers(two)] as Decided[]
  assert.equal(first.length, 3)
  assert.equal(new Set(first.map(({ proposal }) => proposal)).size, 1)
  assert.equal(new Set(first.map(({ fence }) => fence)).size, 1)
  // The third has not asked before: it has heard of the decision all the same, and does not take it for its own.
  await wish(three)
  const [again] = answers(three) as [Decided]
  assert.equal(again.status, 'accepted')
  assert.notEqual(again.proposal, first[0]!.proposal)
  assert.ok(again.fence > first[0]!.fence)
})

test('consensus-coordinator: who nobody can decide for hears that it is unknown, and why', async t => {
  const { nodes, wish, answers } = await world(t)
  const [node] = nodes as readonly [Node]
  await wish(node, { role: 'nobody' })
  await wish(node, { rule: 'most' })
  assert.deepEqual(
    (answers(node) as Decided[]).map(({ status, fence, because }) => [status, fence, because]),
    [
      ['unknown', 0, 'no_agents_available'],
      ['unknown', 0, '"most" is no rule, write majority, unanimous, any, quorum:3 or threshold:70%'],
    ],
  )
})

test('consensus-coordinator: rules say how many must say yes', async t => {
  const { several, nodes, wish, answers } = await world(t)
  const [node, , third] = nodes as readonly [Node, Node, Node]
  several.kill(third)
  // One of three is gone and still registered: two of three are a majority and a quorum of two, and not all.
  await wish(node, { rule: 'quorum:2', subject: 'q' })
  await wish(node, { rule: 'threshold:60%', subject: 't' })
  await wish(node, { rule: 'unanimous', subject: 'u', timeoutMs: 1_000 })
  await several.advance(2_000)
  assert.deepEqual(
    (answers(node) as Decided[]).map(({ status }) => status),
    ['accepted', 'accepted', 'expired'],
  )
})

test('consensus-coordinator: a store that is silent makes an answer unknown, and never a yes', async t => {
  const { several, nodes, answers } = await world(t)
  const [node] = nodes as readonly [Node]
  several.cutOff(node)
  node.hear(motionWished.of({ ...MOTION, timeoutMs: 2_000 }))
  await several.advance(5_000)
  assert.deepEqual(
    (answers(node) as Decided[]).map(({ status, fence }) => [status, fence]),
    [['unknown', 0]],
  )
})

test('consensus-coordinator: what it has opened is decided without it, and a later life of it joins (AG-5)', async t => {
  const { several, nodes, wish, answers } = await world(t)
  const [one, two] = nodes as readonly [Node, Node]
  one.hear(motionWished.of({ ...MOTION, type: coordinationType('change') }))
  await several.advance(0)
  await several.advance(1)
  several.kill(one)
  await several.advance(1_000)
  several.start(one)
  await several.advance(12_000)
  await wish(two, { type: coordinationType('change') })
  const [second] = answers(two) as [Decided]
  assert.equal(second.status, 'accepted')
  assert.deepEqual(one.faults, [])
})

test('consensus-coordinator: 256 motions are under way at most, more are answered at once', async t => {
  const { several, nodes, answers } = await world(t, ['n1'])
  const [node] = nodes as readonly [Node]
  several.cutOff(node)
  for (let i = 0; i < 260; i++) node.hear(motionWished.of({ ...MOTION, subject: `s${i}`, timeoutMs: 1_000 }))
  await several.advance(500)
  const early = answers(node) as Decided[]
  assert.deepEqual(
    early.map(({ because }) => because),
    Array(4).fill('256 motions are under way, ask again later'),
  )
  await several.advance(3_000)
  assert.equal(answers(node).length, 260)
})

test('the consensus-state sensor tells what is open, for how long, and how the store answers (SE-6)', async t => {
  const { several, nodes, wish } = await world(t, ['n1', 'n2'])
  const [node, other] = nodes as readonly [Node, Node]
  await wish(node)
  several.kill(other)
  node.hear(motionWished.of({ ...MOTION, subject: 'slow', rule: 'unanimous', timeoutMs: 30_000 }))
  await several.advance(12_000)
  const { sensed, open, decided } = node.state<State>('consensus-coordinator')
  assert.deepEqual([open, decided], [1, 1])
  assert.equal(sensed!.isReachable, true)
  assert.equal(sensed!.open, 1)
  assert.ok(sensed!.oldestMs > 3_000 && sensed!.oldestMs < 13_000, `${sensed!.oldestMs}`)
  assert.ok(sensed!.lastDecisionMs !== null && sensed!.lastDecisionMs < 200)
  several.cutOff(node)
  await several.advance(10_000)
  const after = node.state<State>('consensus-coordinator').sensed!
  assert.deepEqual([after.isReachable, after.answeredMs], [false, null])
  assert.ok(consensusSensed.isTelemetry)
})

test('agreement mounted twice keeps two states, and unmounted hears nothing more (SK-4)', () => {
  checkTwoMounts({
    skill: agreement,
    options: [
      { timeoutMs: () => 1_000, openMax: 1 },
      { timeoutMs: () => 2_000, openMax: 2 },
    ],
    heard: motionRequested.of(MOTION),
    of: ({ open, openMax }) => [open.size, openMax],
  })
})
